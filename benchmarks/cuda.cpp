// Device<Cuda>: CartPole alone, the estimator of returns beside a copy of as many bytes, and PPO end to end
// on CartPole and Trading. Medians of nine repetitions. Without a GPU it says so and measures nothing.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <polis/device/cuda.hpp>
#include <polis/device/on_policy_loop.hpp>
#include <polis/polis.hpp>

#include "cuda_kernels.hpp"
#include "figure.hpp"
#include "whole_training.hpp"

namespace {

using namespace polis;

constexpr int repetitions = 9;

/// Median seconds of f(), after one call that is not counted.
template <class F>
double seconds_of(F&& f) {
  std::vector<double> seconds;
  for (int i = 0; i <= repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (i > 0) seconds.push_back(elapsed.count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + repetitions / 2, seconds.end());
  return seconds[repetitions / 2];
}

void measure_play(FigureLog& log) {
  using Lane = internal::Lane<CartPole>;
  constexpr int lanes = 1 << 19, steps = 4000;
  internal::CudaRuntime runtime;
  std::vector<Lane> here(lanes);
  std::vector<int> episodes(lanes);
  internal::DeviceArray<Lane, internal::CudaRuntime> there(runtime, lanes);
  internal::DeviceArray<int, internal::CudaRuntime> counts(runtime, lanes);
  for (Lane& lane : here) lane.alive[0] = 1;
  there.upload(here), counts.upload(episodes);
  const internal::PlayKernel<CartPole> kernel{
      there.data(), counts.data(), lanes, steps, {1, 0, 1}, {}, {}, {}};
  const double seconds = seconds_of([&] { runtime.launch(kernel, lanes / 128), runtime.wait(); });
  log.add({.name = "cuda/cartpole/env",
           .value = static_cast<double>(lanes) * steps / seconds,
           .unit = "steps/s",
           .sizes = "524288 lanes x 4000 steps, random actions, automatic reset",
           .kernel_path = "cuda"});
}

void measure_gae(FigureLog& log) {
  constexpr int rows = 1 << 20, slots = 128;
  constexpr std::size_t samples = static_cast<std::size_t>(rows) * slots;
  internal::CudaRuntime runtime;
  const auto floats = [&](std::size_t count) {
    return internal::DeviceArray<float, internal::CudaRuntime>(runtime, count);
  };
  auto rewards = floats(samples), values = floats(samples + rows), final_values = floats(1);
  auto advantages = floats(samples), returns = floats(samples);
  internal::DeviceArray<End, internal::CudaRuntime> ends(runtime, samples);
  {
    const std::vector<float> some(samples + rows, .5f);
    const std::vector<End> none(samples, End::none);
    rewards.upload({some.data(), samples}), values.upload(some), ends.upload(none);
    runtime.wait();
  }
  Trajectory first{.slots = slots, .stride = rows};
  first.rewards = rewards.data(), first.values = values.data(), first.bootstrap = values.data() + samples;
  first.ends = ends.data(), first.final_values = final_values.data();  // not read: nothing is truncated
  first.advantages = advantages.data(), first.returns = returns.data();
  const double estimating =
      seconds_of([&] { runtime.launch(GaeKernel{first, {}, rows}, rows / 128), runtime.wait(); });
  const double copying = seconds_of([&] {
    runtime.launch(CopyKernel{rewards.data(), returns.data(), static_cast<int>(samples / 4)}, 4096),
        runtime.wait();
  });
  const double copied = 8. * samples / copying;
  const double bytes = 17. * samples / estimating;  // rewards, values, ends; advantages, returns
  log.add({.name = "cuda/copy",
           .value = copied / 1e9,
           .unit = "GB/s",
           .sizes = "512 MiB",
           .kernel_path = "cuda"});
  log.add({.name = "cuda/gae",
           .value = bytes / 1e9,
           .unit = "GB/s",
           .sizes = "1048576 rows x 128 slots",
           .kernel_path = "cuda"});
  log.add({.name = "cuda/gae/share_of_copy", .value = bytes / copied, .unit = "", .kernel_path = "cuda"});
}

template <class Trainer>
void measure_training(FigureLog& log, const char* name, int lanes, typename Trainer::Config config,
                      const OperationsPerStep* operations) {
  config.lanes = lanes;
  Trainer trainer(config);
  const std::uint64_t steps =
      static_cast<std::uint64_t>(lanes) * static_cast<std::uint64_t>(config.algorithm.steps) * 8;
  const double seconds = seconds_of([&] { trainer.train(trainer.clock().steps + steps); });
  const double speed = static_cast<double>(steps) / seconds;
  const std::string sizes = std::to_string(lanes) + " lanes x " + std::to_string(config.algorithm.steps) +
                            " steps, minibatch " + std::to_string(config.algorithm.minibatch);
  log.add({.name = name, .value = speed, .unit = "steps/s", .sizes = sizes, .kernel_path = "cuda"});
  if (!operations) return;
  const double each = operations->rollout + operations->values + operations->learning;
  log.add({.name = std::string(name) + "/products",
           .value = speed * each / 1e9,
           .unit = "GFLOP/s",
           .sizes = sizes,
           .kernel_path = "cuda"});
}

}  // namespace

int main(int argc, char** argv) {
  FigureLog log(argc, argv);
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("cuda: no GPU here, nothing measured");
    return 0;
  }
  measure_play(log);
  measure_gae(log);
  const OperationsPerStep operations({4, 64, 64, 2}, {4, 64, 64, 1}, 4);
  using CartPoles = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>>;
  for (const int lanes : {4096, 16384, 65536}) {
    measure_training<CartPoles>(log, "cuda/ppo_cartpole", lanes,
                                {.seed = 7, .algorithm = {.steps = 32, .epochs = 4, .minibatch = lanes * 8}},
                                &operations);
  }
  using Traders = Trainer<PPO, MultiAgentEnv<Trading>, Curriculum<Adaptive>, Device<Cuda>>;
  for (const int lanes : {2048, 8192}) {
    measure_training<Traders>(log, "cuda/ppo_trading", lanes,
                              {.seed = 7, .algorithm = {.steps = 32, .epochs = 4, .minibatch = lanes * 32}},
                              nullptr);
  }
}
