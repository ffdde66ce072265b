// Device<Cuda> and Collective<Nccl> over an imitation of both: run as one rank and as two, each a process.
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include <doctest/doctest.h>

#include "imitation.hpp"

#include <polis/nccl.hpp>
#include <polis/polis.hpp>

#include "../device/weights.hpp"

using namespace polis;
using test_device::furthest, test_device::weights_of;

namespace {

/// Whole rollouts are those of the kernels alone with all lanes; minibatches leave the same weights
/// everywhere.
template <class Algorithm, class E, class C>
void compare() {
  using Joined = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<Cuda>, Collective<Nccl>>;
  using Alone = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<HostKernels>>;
  const int graphs = imitation::state.graphs, replays = imitation::state.replays;
  Joined joined(
      {.seed = 7, .lanes = 24, .threads = 1, .algorithm = {.steps = 32, .epochs = 2, .minibatch = 0}});
  Alone alone(
      {.seed = 7, .lanes = 24, .threads = 1, .algorithm = {.steps = 32, .epochs = 2, .minibatch = 0}});
  const auto first = weights_of(alone);
  for (int i = 0; i < 3; ++i) joined.iterate(), alone.iterate();
  CHECK(furthest(first, weights_of(alone)) > 1e-4);
  CHECK(furthest(weights_of(joined), weights_of(alone)) < 1e-6);
  if (joined.ranks().ranks() == 1) CHECK(weights_of(joined) == weights_of(alone));
  CHECK(joined.episodes().count() == alone.episodes().count());
  CHECK(joined.learner().statistics().samples == alone.learner().statistics().samples);
  // An iteration is one graph, recorded once, with its sums.
  CHECK(imitation::state.graphs == graphs + 1);
  CHECK(imitation::state.replays == replays + 3);

  Joined parts(
      {.seed = 3, .lanes = 24, .threads = 1, .algorithm = {.steps = 32, .epochs = 2, .minibatch = 100}});
  for (int i = 0; i < 3; ++i) parts.iterate();
  const auto own = weights_of(parts);
  Sockets sockets;
  const auto bytes = std::as_bytes(std::span(own));
  const auto all = sockets.all_gather(bytes);
  for (std::size_t at = 0; at < all.size(); at += bytes.size())
    CHECK(std::memcmp(all.data() + at, bytes.data(), bytes.size()) == 0);
}

}  // namespace

TEST_CASE("gpu/imitated: ranks of Nccl train as one would") {
  compare<PPO::With<Mlp<16>, NormalizeObservations, ScaleRewards, ValueNormalization>, Pendulum, None>();
  compare<PPO::With<Mlp<16>, SeparateParameters>, LeducPoker, None>();
  CHECK(imitation::state.communicators == 4);
  CHECK(imitation::state.ended_communicators == 4);
}

TEST_CASE("gpu/imitated: sets of weights learn in branches of one graph") {
  using Each = PPO::With<Mlp<16>, SeparateParameters, ScaleRewards>;
  const auto train = []<class D>(D) {
    Trainer<Each, MultiAgentEnv<Trading>, Curriculum<Adaptive>, Device<D>> trainer(
        {.seed = 3, .lanes = 12, .algorithm = {.steps = 32, .epochs = 2, .minibatch = 100}});
    for (int i = 0; i < 3; ++i) trainer.iterate();
    return weights_of(trainer);
  };
  const int graphs = imitation::state.graphs;
  CHECK(train(Cuda{}) == train(HostKernels{}));
  CHECK(imitation::state.graphs == graphs + 1);
}

TEST_CASE("gpu/imitated: each rank takes the GPU of its number, and none that another has") {
  const int ranks = RankEnvironment::read().ranks, own = RankEnvironment::read().local_rank;
  {
    Nccl nccl;
    CHECK(nccl.ranks() == ranks);
    CHECK(imitation::state.gpu == own);
  }
  if (ranks == 1) return;
  imitation::state.same_gpu = true;
  CHECK_THROWS_WITH_AS(Nccl(), doctest::Contains("have the same GPU"), Error);
  imitation::state.same_gpu = false;
}
