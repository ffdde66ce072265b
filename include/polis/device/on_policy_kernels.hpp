// The kernels of one iteration of an on-policy learner on a device, in their order:
//
//     collect: observe, act, value, step, reset, for all steps of the rollout
//     scale rewards; estimate advantages and returns; list the decisions; the values' scale
//     each epoch: values, ratios and estimates anew, where they depend on the policy; order; sums of
//     advantages; each minibatch: gradient, sum, step
//     statistics of observations; decisions carried over
//
// Over several ranks what statistics, advantages and gradients are made of is added up between them: a
// minibatch is what all ranks have of it, and all step alike. Which sums are made, and in which order,
// depends on sizes alone, which all ranks have alike; a rank that has nothing to add adds nothing.
#pragma once

#include <algorithm>

#include <polis/device/collect.hpp>
#include <polis/device/learn.hpp>
#include <polis/device/on_policy_data.hpp>
#include <polis/device/recompute.hpp>
#include <polis/device/samples.hpp>
#include <polis/device/statistics.hpp>

namespace polis::internal {

constexpr int blocks_for(int count, int each) { return (count + each - 1) / each; }

/// Samples, epochs and minibatches of an iteration, and the blocks of its kernels.
struct LaunchSizes {
  int samples, epochs, minibatches, collecting, recomputing, learning, summing, chunks;

  /// Of one of so many ranks, `minibatch` being that of all. `at_once`: blocks of the gradient that the
  /// device has room for.
  template <class Device>
  [[nodiscard]] static LaunchSizes of(int lanes, int slots, int epochs, int minibatch, int at_once,
                                      int ranks) {
    LaunchSizes sizes{};
    sizes.epochs = epochs;
    sizes.samples = lanes * Device::agents * slots;
    const int all = sizes.samples * ranks, part = blocks_for(2 * minibatch, ranks);
    sizes.minibatches = minibatch == 0 ? 1 : std::max(1, (all + minibatch / 2) / minibatch);
    sizes.collecting = blocks_for(lanes, CollectKernel<Device>::lanes_of_block);
    sizes.recomputing = std::min(at_once, blocks_for(sizes.samples, tile_rows));
    sizes.learning = std::min(at_once, blocks_for(minibatch == 0 ? sizes.samples : part, tile_rows));
    sizes.summing = blocks_for(Device::parameters, summed_weights);
    sizes.chunks = blocks_for(sizes.samples, Device::samples_of_chunk);
    return sizes;
  }
};

/// Launches the kernels of an iteration, the same each time.
template <class Runtime, class Device>
struct Launches;
template <class Runtime, class Slots, class E, class Sampler>
struct Launches<Runtime, OnPolicyDevice<Slots, E, Sampler>> {
  using Device = OnPolicyDevice<Slots, E, Sampler>;
  static void iteration(Runtime& runtime, const OnPolicySets<Device>& sets, const LaunchSizes& sizes) {
    runtime.launch(CollectKernel<Device>{sets}, sizes.collecting);
    const auto learn_set = [&](int set) { learn(runtime, sets[set], sizes); };
    if constexpr (Runtime::distributed) {  // whose sums come in one order
      for (int set = 0; set < Device::sets; ++set) learn_set(set);
    } else {
      runtime.apart(Device::sets, learn_set);
    }
  }

 private:
  static void learn(Runtime& runtime, const OnPolicyData<Device>& d, const LaunchSizes& sizes) {
    if constexpr (Device::scales_rewards) {
      const int parts = blocks_for(d.rows(), RewardSumsKernel<Device>::threads);
      runtime.launch(RewardSumsKernel<Device>{d}, parts);
      sum_over_ranks(runtime, d.shares, 3 * parts);
      runtime.launch(RewardLearnKernel<Device>{d, parts}, 1);
      runtime.launch(RewardScaleKernel<Device>{d},
                     blocks_for(sizes.samples, RewardScaleKernel<Device>::threads));
    }
    runtime.launch(EstimateKernel<Device>{d}, blocks_for(d.rows(), EstimateKernel<Device>::threads));
    runtime.launch(CountKernel<Device>{d}, sizes.chunks);
    runtime.launch(PlaceKernel<Device>{d, sizes.chunks}, 1);
    sum_over_ranks(runtime, &d.status->all_units, 1);
    runtime.launch(ListKernel<Device>{d}, sizes.chunks);
    if constexpr (Device::normalizes_values) {
      runtime.launch(ReturnSumsKernel<Device>{d}, sizes.chunks);
      sum_over_ranks(runtime, d.shares, 3 * sizes.chunks);
      runtime.launch(ValueLearnKernel<Device>{d, sizes.chunks}, 1);
    }
    for (int epoch = 0; epoch < sizes.epochs; ++epoch) {
      if constexpr (Device::estimates_anew) {
        if (epoch > 0 || Device::waits) {
          runtime.launch(RecomputeKernel<Device>{d}, sizes.recomputing);
          runtime.launch(EstimateKernel<Device>{d, true},
                         blocks_for(d.rows(), EstimateKernel<Device>::threads));
        }
      }
      runtime.launch(OrderKernel<Device>{d, epoch}, blocks_for(sizes.samples, OrderKernel<Device>::threads));
      if (Runtime::distributed || d.normalize_advantages) {
        const int sums = sizes.minibatches * Device::parts_of_sums;
        runtime.launch(AdvantageKernel<Device>{d}, sums);
        sum_over_ranks(runtime, &d.advantages->valued, sums * static_cast<int>(AdvantageSums::numbers));
      }
      for (int minibatch = 0; minibatch < sizes.minibatches; ++minibatch) {
        runtime.launch(GradientKernel<Device>{d, minibatch, epoch}, sizes.learning);
        runtime.launch(SumKernel<Device>{d, minibatch, sizes.learning}, sizes.summing);
        if constexpr (Runtime::distributed) {
          runtime.sum(d.weights.gradient, Device::parameters);
          runtime.launch(NormKernel<Device>{d, minibatch}, sizes.summing);
        }
        runtime.launch(StepKernel<Device>{d, minibatch, sizes.summing}, sizes.summing);
      }
      if constexpr (Runtime::distributed) {
        runtime.launch(TotalsKernel<Device>{d, sizes.learning}, 1);
        runtime.sum(&d.status->sums.policy, DeviceSums::numbers);
      }
      runtime.launch(EpochKernel<Device>{d, Runtime::distributed ? 0 : sizes.learning}, 1);
    }
    if constexpr (Device::normalizes_observations) {
      runtime.launch(ObservationSumsKernel<Device>{d}, sizes.chunks);
      sum_over_ranks(runtime, d.shares, (2 * Device::Observation::words + 1) * sizes.chunks);
      runtime.launch(ObservationLearnKernel<Device>{d, sizes.chunks}, 1);
    }
    if constexpr (Device::waits)
      runtime.launch(CarryKernel<Device>{d}, blocks_for(d.rows(), CarryKernel<Device>::threads));
  }

  static void sum_over_ranks(Runtime& runtime, double* values, int count) {
    if constexpr (Runtime::distributed) runtime.sum(values, count);
  }
};

}  // namespace polis::internal
