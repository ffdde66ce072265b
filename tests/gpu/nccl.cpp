// GPUs of several processes. Compiled and linked where NCCL is found; run.sh runs them where there are GPUs,
// as one rank and as two.
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include <doctest/doctest.h>

#include <polis/nccl.hpp>
#include <polis/polis.hpp>

#include "../device/weights.hpp"
#include "compositions.hpp"

using namespace polis;
using test_device::furthest, test_device::weights_of;

#if __has_include(<mpi.h>)
#include <polis/mpi.hpp>
template class polis::NcclOver<Mpi>;
static_assert(Communicator<NcclOver<Mpi>> && Cuda::sums_over<NcclOver<Mpi>>);
#endif

// What does not add up a GPU's memory is refused.
static_assert(Cuda::sums_over<Nccl> && Cuda::sums_over<Local> && !Cuda::sums_over<Sockets>);

namespace {

/// Whole rollouts, then minibatches: over these ranks as on one GPU with all their lanes.
template <class Algorithm, class E, class C>
void compare(typename Algorithm::Config algorithm) {
  using Joined = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<Cuda>, Collective<Nccl>>;
  using Alone = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<Cuda>>;
  auto whole = algorithm;
  whole.minibatch = 0, whole.epochs = 1;
  Joined joined({.seed = 7, .lanes = 240, .threads = 1, .algorithm = whole});
  Alone alone({.seed = 7, .lanes = 240, .threads = 1, .algorithm = whole});
  const auto first = weights_of(alone);
  for (int i = 0; i < 3; ++i) joined.iterate(), alone.iterate();
  CHECK(furthest(first, weights_of(alone)) > 1e-4);
  CHECK(furthest(weights_of(joined), weights_of(alone)) < 1e-4);
  CHECK(joined.episodes().count() == alone.episodes().count());
  CHECK(joined.learner().statistics().samples == alone.learner().statistics().samples);

  Joined parts({.seed = 3, .lanes = 240, .algorithm = algorithm});
  Alone same({.seed = 3, .lanes = 240, .algorithm = algorithm});
  for (int i = 0; i < 3; ++i) parts.iterate(), same.iterate();
  const auto own = weights_of(parts);
  if (parts.ranks().ranks() == 1) {
    CHECK(furthest(weights_of(joined), weights_of(alone)) == 0);
    CHECK(furthest(own, weights_of(same)) == 0);
  }
  Sockets sockets;
  const auto bytes = std::as_bytes(std::span(own));
  const auto all = sockets.all_gather(bytes);
  for (std::size_t at = 0; at < all.size(); at += bytes.size())
    CHECK(std::memcmp(all.data() + at, bytes.data(), bytes.size()) == 0);
}

}  // namespace

TEST_CASE("without a GPU the error names Nccl and what to do") {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) return;  // CUDA_VISIBLE_DEVICES= hides them
  using OnGpus = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>, Collective<Nccl>>;
  CHECK_THROWS_WITH_AS(OnGpus(OnGpus::Config{}),
                       doctest::Contains("expected an NVIDIA GPU and its driver for each rank; without them "
                                         "Device<Cpu> and Collective<Mpi> train the same sentence"),
                       Error);
}

TEST_CASE("ranks of Nccl: CartPole") {
  compare<test_gpu::Plain, CartPole, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("ranks of Nccl: normalised observations and rewards") {
  compare<test_gpu::Normalized, Pendulum, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("ranks of Nccl: the main job's sentence") {
  compare<test_gpu::Traders, Trading, Adaptive>({.steps = 64, .epochs = 4, .minibatch = 2048});
}

TEST_CASE("ranks of Nccl: a run is saved by all, and goes on bit by bit") {
  using Joined = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>, Collective<Nccl>>;
  const Joined::Config config{.seed = 5, .lanes = 240, .algorithm = {.steps = 32, .minibatch = 2048}};
  const std::string path = std::filesystem::temp_directory_path() / "polis_nccl.checkpoint";
  Joined joined(config), rest(config);
  joined.train(2 * 240 * 32);
  joined.save(path);
  joined.train(4 * 240 * 32);
  rest.resume(path);
  rest.train(4 * 240 * 32);
  CHECK(furthest(weights_of(joined), weights_of(rest)) == 0);
  if (joined.ranks().rank() == 0) std::filesystem::remove(path);
}
