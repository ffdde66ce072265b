// Device<Cuda>: CartPole alone, the estimator of returns beside a copy of as many bytes, forward passes
// beside cuBLASLt's and the GPU's peak, and PPO end to end on CartPole and Trading. Medians of nine
// repetitions. Without a GPU it says so and measures nothing.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <polis/device/cuda.hpp>
#include <polis/device/on_policy_loop.hpp>
#include <polis/polis.hpp>

#include "cuda_kernels.hpp"
#if defined(POLIS_CUBLASLT)
#include "cublaslt.hpp"
#endif
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

/// Multiply-adds a second of forward passes over many rows: `fused` by a block of threads a tile, and by
/// cuBLASLt, where there is one, in float32 and in TF32. Both come to the same outputs.
template <class Kernel, class Network>
void measure_forward(FigureLog& log, const std::string& name, double peak) {
  constexpr int rows = 1 << 17, in = Network::inputs, out = Network::outputs;
  internal::CudaRuntime runtime;
  const auto random = [](std::size_t count, float range, std::uint32_t stream) {
    Random numbers(1, 0, stream, 0, Purpose::test);
    std::vector<float> values(count);
    for (float& value : values) value = numbers.uniform(-range, range);
    return values;
  };
  const auto weights = random(Network::parameters, .2f, 1), inputs = random(std::size_t{rows} * in, 1, 2);
  using Floats = internal::DeviceArray<float, internal::CudaRuntime>;
  Floats w(runtime, weights.size()), x(runtime, inputs.size()), y(runtime, std::size_t{rows} * out);
  w.upload(weights), x.upload(inputs), runtime.wait();
  const int blocks = std::min(runtime.blocks_at_once(Kernel::shared), rows / tile_rows);
  const double seconds =
      seconds_of([&] { runtime.launch(Kernel{w.data(), x.data(), y.data(), rows}, blocks), runtime.wait(); });
  const double operations = 2. * Network::parameters * rows;  // a bias counts as a product
  const auto note = [&](const std::string& way, double took) {
    log.add({.name = name + way,
             .value = operations / took / 1e9,
             .unit = "GFLOP/s",
             .sizes = std::to_string(rows) + " rows",
             .kernel_path = "cuda"});
    log.add({.name = name + way + "/share_of_peak",
             .value = operations / took / peak,
             .unit = "",
             .kernel_path = "cuda"});
  };
  note("/fused", seconds);
#if defined(POLIS_CUBLASLT)
  std::vector<float> ours(std::size_t{rows} * out), theirs(ours.size());
  y.download(ours), runtime.wait();
  cublasLtHandle_t handle = nullptr;
  CublasLtLayer::check(cublasLtCreate(&handle));
  for (const bool rounded : {false, true}) {
    std::vector<std::unique_ptr<CublasLtLayer>> layers;
    std::vector<std::unique_ptr<Floats>> between;
    for (int layer = 0; layer < Network::layers; ++layer) {
      const int to = Network::widths[static_cast<std::size_t>(layer) + 1];
      layers.push_back(
          std::make_unique<CublasLtLayer>(handle, Network::widths[static_cast<std::size_t>(layer)], to, rows,
                                          layer + 1 < Network::layers, w.data() + Network::weights_at(layer),
                                          rounded ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F));
      between.push_back(std::make_unique<Floats>(runtime, std::size_t{rows} * static_cast<std::size_t>(to)));
    }
    note(rounded ? "/cublaslt_tf32" : "/cublaslt", seconds_of([&] {
           const float* from = x.data();
           for (std::size_t layer = 0; layer < layers.size(); ++layer) {
             layers[layer]->forward(from, between[layer]->data(), nullptr);
             from = between[layer]->data();
           }
           internal::check_cuda(cudaDeviceSynchronize(), "cuBLASLt");
         }));
    between.back()->download(theirs), runtime.wait();
    float most = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) most = std::max(most, std::abs(ours[i] - theirs[i]));
    std::printf("%s: outputs differ by %.2g at most\n", name.c_str(), static_cast<double>(most));
  }
  cublasLtDestroy(handle);
#endif
}

/// Operations a second from registers.
double measure_peak(FigureLog& log) {
  constexpr int blocks = 4096, rounds = 1 << 14;
  internal::CudaRuntime runtime;
  internal::DeviceArray<float, internal::CudaRuntime> never(runtime, 1);
  const double seconds =
      seconds_of([&] { runtime.launch(PeakKernel{never.data(), rounds}, blocks), runtime.wait(); });
  const double peak = 2. * blocks * PeakKernel::threads * PeakKernel::chains * rounds / seconds;
  log.add({.name = "cuda/peak", .value = peak / 1e9, .unit = "GFLOP/s", .kernel_path = "cuda"});
  return peak;
}

template <class Trainer>
void measure_training(FigureLog& log, const char* name, int lanes, typename Trainer::Config config,
                      const OperationsPerStep* operations, double peak) {
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
  log.add({.name = std::string(name) + "/share_of_peak",
           .value = speed * each / peak,
           .unit = "",
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
  const double peak = measure_peak(log);
  measure_forward<ForwardSmall, Mlp<64, 64>::network<16, 4, Relu>>(log, "cuda/forward/64x64", peak);
  measure_forward<ForwardLarge, Mlp<128, 128>::network<32, 8, Relu>>(log, "cuda/forward/128x128", peak);
  measure_forward<ForwardRounded, Bfloat16<Mlp<128, 128>>::network<32, 8, Relu>>(
      log, "cuda/forward/128x128/bfloat16", peak);
  const OperationsPerStep operations({4, 64, 64, 2}, {4, 64, 64, 1}, 4);
  using CartPoles = Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>>;
  for (const int lanes : {4096, 16384, 65536}) {
    measure_training<CartPoles>(log, "cuda/ppo_cartpole", lanes,
                                {.seed = 7, .algorithm = {.steps = 32, .epochs = 4, .minibatch = lanes * 8}},
                                &operations, peak);
  }
  using Traders = Trainer<PPO, MultiAgentEnv<Trading>, Curriculum<Adaptive>, Device<Cuda>>;
  for (const int lanes : {2048, 8192}) {
    measure_training<Traders>(log, "cuda/ppo_trading", lanes,
                              {.seed = 7, .algorithm = {.steps = 32, .epochs = 4, .minibatch = lanes * 32}},
                              nullptr, peak);
  }
}
