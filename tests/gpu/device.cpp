// A GPU computes what the CPU computes. Built everywhere that has nvcc, run by tests/gpu/run.sh where there
// is a GPU; without one, the first case alone is run.
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <polis/device/cuda.hpp>
#include <polis/device/host_kernels.hpp>
#include <polis/device/play.hpp>
#include <polis/polis.hpp>

#include "../cuda/environments.hpp"
#include "../device/pasture.hpp"
#include "../device/weights.hpp"
#include "compositions.hpp"

using namespace polis;
using test_device::furthest, test_device::weights_of;

namespace {

/// One update of a whole rollout on the GPU, by the same kernels on the CPU, and by the CPU's own learner;
/// then several of minibatches on the GPU twice.
template <class Algorithm, class E, class C>
void compare(typename Algorithm::Config algorithm) {
  using OnGpu = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<Cuda>>;
  using ByKernels = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<HostKernels>>;
  using OnCpu = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>>;
  auto whole = algorithm;
  whole.minibatch = 0, whole.epochs = 1;
  OnGpu gpu({.seed = 7, .lanes = 300, .threads = 1, .algorithm = whole});
  ByKernels kernels({.seed = 7, .lanes = 300, .threads = 1, .algorithm = whole});
  OnCpu cpu({.seed = 7, .lanes = 300, .threads = 1, .algorithm = whole});
  const auto first = weights_of(cpu);
  gpu.iterate(), kernels.iterate(), cpu.iterate();
  CHECK(furthest(first, weights_of(gpu)) > 1e-4);
  CHECK(furthest(weights_of(kernels), weights_of(gpu)) < 1e-4);
  CHECK(furthest(weights_of(cpu), weights_of(gpu)) < 1e-4);
  const auto expected = cpu.learner().statistics(), found = gpu.learner().statistics();
  CHECK(found.samples == doctest::Approx(expected.samples).epsilon(1e-3));
  CHECK(found.entropy == doctest::Approx(expected.entropy).epsilon(1e-3));
  CHECK(found.value_loss == doctest::Approx(expected.value_loss).epsilon(1e-2));

  const auto repeated = [&] {
    OnGpu trainer({.seed = 3, .lanes = 300, .algorithm = algorithm});
    for (int i = 0; i < 3; ++i) trainer.iterate();
    return weights_of(trainer);
  };
  const auto once = repeated(), again = repeated();
  CHECK(furthest(once, again) == 0);
}

/// Lanes of E that Runtime has played, from the same seed.
template <class Runtime, class E>
std::vector<internal::Lane<E>> played(int lanes, int steps) {
  Runtime runtime;
  std::vector<internal::Lane<E>> here(static_cast<std::size_t>(lanes));
  std::vector<int> episodes(here.size());
  for (auto& lane : here) {
    lane = {};
    for (int i = 0; i < agent_count<E>; ++i) lane.alive[i] = 1;
  }
  internal::DeviceArray<internal::Lane<E>, Runtime> there(runtime, here.size());
  internal::DeviceArray<int, Runtime> counts(runtime, here.size());
  there.upload(here), counts.upload(episodes);
  auto data = std::make_unique<DatasetOf<E>>();
  StageSampler tasks;
  if constexpr (HasStages<E>) tasks = {.stage = E::stages({}, *data) - 1, .replay = .5f};
  runtime.launch(
      internal::PlayKernel<E>{there.data(), counts.data(), lanes, steps, {5, 0, 1}, {}, *data, tasks},
      (lanes + 127) / 128);
  there.download(here);
  runtime.wait();
  return here;
}
template <class E>
std::vector<float> seen(const internal::Lane<E>& lane) {
  std::vector<float> words;
  const ConfigOf<E> config{};
  const DatasetOf<E> data{};
  [&]<int... R>(std::integer_sequence<int, R...>) {
    const auto of_role = [&]<int Role>(std::integral_constant<int, Role>) {
      using Observation = typename RoleOf<E, Role>::Observation;
      for (int i = 0; i < RoleOf<E, Role>::count; ++i) {
        std::vector<float> own(static_cast<std::size_t>(Observation::words));
        internal::observe<Role>(lane.env, i, Row{own.data()}, lane.view(config, data));
        words.insert(words.end(), own.begin(), own.end());
      }
    };
    (of_role(std::integral_constant<int, R>{}), ...);
  }(std::make_integer_sequence<int, role_count<E>>{});
  words.push_back(static_cast<float>(lane.episode.total));
  words.push_back(static_cast<float>(lane.episodes));
  return words;
}

/// Lanes that a GPU and the CPU see alike after so many steps: to the bit, and within 1e-5.
template <class E>
void compare_play() {
  constexpr int lanes = 256;
  std::printf("%-60.60s", std::string(type_name<E>()).c_str());
  for (const int steps : {10, 100, 1000}) {
    const auto expected = played<internal::HostRuntime, E>(lanes, steps);
    const auto found = played<internal::CudaRuntime, E>(lanes, steps);
    int same = 0, close = 0;
    for (std::size_t i = 0; i < lanes; ++i) {
      const auto a = seen(expected[i]), b = seen(found[i]);
      same += std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
      bool near = true;
      for (std::size_t k = 0; k < a.size(); ++k)
        near = near && (std::abs(a[k] - b[k]) <= 1e-5f * std::max(1.f, std::abs(a[k])));
      close += near;
    }
    std::printf("  %4d: %3d %3d", steps, same, close);
    // What chaos makes of a last bit shows after a while; until then they are the same.
    if (steps == 10) CHECK(close == lanes);
    if (steps == 100) CHECK(close >= lanes * 9 / 10);
  }
  std::printf("\n");
}
template <class... E>
void compare_all(test_cuda::Types<E...>) {
  (compare_play<E>(), ...);
}

}  // namespace

TEST_CASE("without a GPU the error names the device and what to do") {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) return;  // CUDA_VISIBLE_DEVICES= hides them
  using OnGpu = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>>;
  CHECK_THROWS_WITH_AS(OnGpu(OnGpu::Config{}), doctest::Contains("Device<Cpu> trains the same sentence"),
                       Error);
}

TEST_CASE("one update: CartPole") {
  compare<test_gpu::Plain, CartPole, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: odd widths, AdamW, an activation that keeps its input") {
  compare<test_gpu::Small, CartPole, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: Muon") {
  compare<test_gpu::Orthogonal, CartPole, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: products of bfloat16 by tensor cores") {
  compare<test_gpu::Rounded, CartPole, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: networks beyond shared memory") {
  compare<test_gpu::Wide, CartPole, None>({.steps = 64, .epochs = 2, .minibatch = 4096});
}
TEST_CASE("one update: normalised observations and rewards") {
  compare<test_gpu::Normalized, Pendulum, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: MAPPO") {
  compare<test_gpu::Team, SimpleSpread<>, None>({.steps = 50, .epochs = 4, .minibatch = 4096});
}
TEST_CASE("one update: turns and masks") {
  compare<test_gpu::Plain, LeducPoker, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: estimates made anew") {
  compare<test_gpu::Anew, LeducPoker, None>({.steps = 64, .epochs = 4, .minibatch = 2048});
}
TEST_CASE("one update: loops of agents that a warp shares") {
  compare<test_gpu::Plain, test_device::Pasture, None>({.steps = 8, .epochs = 2, .minibatch = 4096});
}
TEST_CASE("one update: the main job's sentence") {
  compare<test_gpu::Traders, Trading, Adaptive>({.steps = 64, .epochs = 4, .minibatch = 2048});
}

namespace {

/// Several updates on the GPU, by the same kernels on the CPU and by the CPU's own learner, from the same
/// samples.
template <class Algorithm, class E>
void compare_replay() {
  const auto train = [&]<class D>(D) {
    Trainer<Algorithm, MultiAgentEnv<E>, Device<D>> trainer(
        {.seed = 7, .lanes = 64, .threads = 1, .algorithm = {.learning_starts = 640, .update_every = 32}});
    for (int i = 0; i < 20; ++i) trainer.iterate();
    std::vector<float> all = weights_of(trainer);
    auto& agents = trainer.learner().agents().front();
    if constexpr (requires { agents.critics(); })
      all.insert(all.end(), agents.critics().values().begin(), agents.critics().values().end());
    return all;
  };
  const auto gpu = train(Cuda{});
  CHECK(furthest(train(HostKernels{}), gpu) < 1e-4);
  CHECK(furthest(train(Cpu{}), gpu) < 1e-4);
  CHECK(furthest(train(Cuda{}), gpu) == 0);
}

}  // namespace

TEST_CASE("updates from a replay: SAC") { compare_replay<test_gpu::Soft, Pendulum>(); }
TEST_CASE("updates from a replay: TD3, networks beyond shared memory") {
  compare_replay<test_gpu::Twin, Pendulum>();
}
TEST_CASE("updates from a replay: DQN") { compare_replay<test_gpu::Deep, CartPole>(); }
TEST_CASE("updates from a replay: QMIX") { compare_replay<test_gpu::Mixed, SimpleSpread<>>(); }

TEST_CASE("random play of every built-in environment is the CPU's") {
  std::printf("lanes of 256 that are the same to the bit, and within 1e-5, after so many steps\n");
  compare_all(test_cuda::Environments{});
}

TEST_CASE("a run is saved, resumed bit by bit, and goes on on the CPU") {
  using OnGpu = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>>;
  const std::string path = std::filesystem::temp_directory_path() / "polis_gpu.checkpoint";
  const OnGpu::Config config{.seed = 5, .lanes = 512, .algorithm = {.steps = 32, .minibatch = 4096}};
  OnGpu whole(config), half(config), rest(config);
  whole.train(4 * 512 * 32);
  half.train(2 * 512 * 32);
  half.save(path);
  rest.resume(path);
  rest.train(4 * 512 * 32);
  CHECK(furthest(weights_of(whole), weights_of(rest)) == 0);
  Trainer<PPO, MultiAgentEnv<CartPole>> cpu(
      {.seed = 5, .lanes = 512, .algorithm = {.steps = 32, .minibatch = 4096}});
  cpu.resume(path);
  CHECK(furthest(weights_of(cpu), weights_of(half)) == 0);
  std::filesystem::remove(path);
}

TEST_CASE("CartPole is learnt") {
  using OnGpu = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>>;
  OnGpu trainer({.seed = 1,
                 .lanes = 4096,
                 .algorithm = {.optimizer = {.learning_rate = 2e-3f}, .steps = 32, .minibatch = 16384}});
  const auto start = std::chrono::steady_clock::now();
  double mean = 0;
  while (mean < 475 && trainer.clock().steps < 40'000'000) {
    trainer.train(trainer.clock().steps + 1'000'000);
    mean = trainer.episodes().mean_return();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("CartPole: mean return of the last 100 episodes %.0f after %.2f s and %.1f million steps\n",
              mean, elapsed.count(), static_cast<double>(trainer.clock().steps) / 1e6);
  CHECK(trainer.evaluate(100).mean >= 475);
}
