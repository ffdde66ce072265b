// The running statistics of a sentence on a device: what observations, rewards and values are normalised by.
//
// Sums go in two kernels each: blocks sum their share, and one block adds up the shares in their order and
// takes them into the statistics.
#pragma once

#include <polis/device/on_policy_data.hpp>

namespace polis::internal {

/// Merges sums of distances from the mean and of their squares, [features] each, into moments {count,
/// mean[features], squares[features]}; see RunningMoments::merge.
POLIS_HD inline void merge_moment(double* moments, int features, int feature, double count, double distance,
                                  double squared) {
  double &mean = moments[1 + feature], &squares = moments[1 + features + feature];
  const double total = moments[0] + count, shift = distance / count;
  squares += squared - distance * shift + shift * shift * moments[0] * count / total;
  mean += shift * count / total;
}

/// Sums over the observations of a chunk of samples: of distances, of their squares, and how many.
template <class Device>
struct ObservationSumsKernel {
  static constexpr int features = Device::Observation::words;
  static constexpr int parts = features < 128 ? 256 / (2 * features) : 1;
  static constexpr int threads = 256, shared = 2 * parts * (2 * features + 1);
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<double*>(memory);  // [part][2 features + 1]
    constexpr int each = 2 * features + 1;
    const int first = d.first_slot() * d.rows(), all = d.slots() * d.rows();
    const int begin = block.index() * Device::samples_of_chunk;
    const int end = begin + Device::samples_of_chunk < all ? begin + Device::samples_of_chunk : all;
    block.each(parts * each, [&](int i) {
      const int part = i / each, k = i % each, feature = k % features;
      double sum = 0;
      for (int id = begin + part; id < end; id += parts) {
        if (id < first || !d.rollout.decided.data[id]) continue;
        if (k == 2 * features) {
          ++sum;
          continue;
        }
        const float x = d.rollout.observations.data[static_cast<std::ptrdiff_t>(id) * features + feature];
        const double distance = static_cast<double>(x) - d.observation_moments[1 + feature];
        sum += k < features ? distance : distance * distance;
      }
      sums[i] = sum;
    });
    block.each(each, [&](int k) {
      double sum = 0;
      for (int part = 0; part < parts; ++part) sum += sums[part * each + k];
      d.shares[static_cast<std::ptrdiff_t>(block.index()) * each + k] = sum;
    });
  }
};

template <class Device>
struct ObservationLearnKernel {
  static constexpr int features = Device::Observation::words, threads = 256, shared = 0;
  OnPolicyData<Device> d;
  int chunks;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    constexpr int each = 2 * features + 1;
    const auto total = [&](int k) {
      double sum = 0;
      for (int i = 0; i < chunks; ++i) sum += d.shares[static_cast<std::ptrdiff_t>(i) * each + k];
      return sum;
    };
    const double count = total(2 * features);
    if (count <= 0 || !d.progress->learns_observations) return;
    double* const moments = d.observation_moments;
    block.each(features, [&](int f) {
      merge_moment(moments, features, f, count, total(f), total(features + f));
      const double variance = moments[1 + features + f] / (moments[0] + count);
      d.observation_scale[f] = static_cast<float>(moments[1 + f]);
      d.observation_scale[features + f] =
          static_cast<float>(1. / sqrt(variance + static_cast<double>(d.observations.epsilon)));
    });
    block.once([=] { moments[0] += count; });
  }
};

/// How many numbers, their sum and that of their squares.
struct MomentSums {
  double count = 0, sum = 0, squares = 0;

  POLIS_HD void add(double value) { ++count, sum += value, squares += value * value; }
  POLIS_HD MomentSums& operator+=(const MomentSums& other) {
    count += other.count, sum += other.sum, squares += other.squares;
    return *this;
  }
};
/// Leaves a block's share, of[i] being that of its i-th thread, for the kernel that adds the shares up.
template <class Block>
POLIS_HD void leave_share(Block& block, MomentSums* of, int threads, double* shares) {
  sum_in_block(block, of, threads);
  block.once([&] { reinterpret_cast<MomentSums*>(shares)[block.index()] = of[0]; });
}
POLIS_HD inline MomentSums sum_of_shares(const double* shares, int count) {
  MomentSums total;
  for (int i = 0; i < count; ++i) total += reinterpret_cast<const MomentSums*>(shares)[i];
  return total;
}

/// The discounted returns of every row's rewards so far, and sums over those of a block's rows.
template <class Device>
struct RewardSumsKernel {
  static constexpr int threads = 128, shared = 2 * 3 * threads;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<MomentSums*>(memory);
    block.each(threads, [&](int thread) {
      const int row = block.index() * threads + thread;
      MomentSums own;
      for (int slot = d.first_slot(); row < d.rows() && slot < d.slots(); ++slot) {
        double& value = d.running_returns[row];
        value = static_cast<double>(d.returns.discount) * value +
                static_cast<double>(d.rollout.rewards(slot, row));
        own.add(value - d.reward_moments[1]);
        if (d.rollout.ends(slot, row) != End::none) value = 0;
      }
      sums[thread] = own;
    });
    leave_share(block, sums, threads, d.shares);
  }
};

template <class Device>
struct RewardLearnKernel {
  static constexpr int threads = 32, shared = 0;
  OnPolicyData<Device> d;
  int parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.once([&] {
      const MomentSums sums = sum_of_shares(d.shares, parts);
      double* const moments = d.reward_moments;
      if (sums.count > 0) merge_moment(moments, 1, 0, sums.count, sums.sum, sums.squares);
      moments[0] += sums.count;
    });
  }
};

template <class Device>
struct RewardScaleKernel {
  static constexpr int threads = 256, shared = 0;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    const double variance = d.reward_moments[0] > 0 ? d.reward_moments[2] / d.reward_moments[0] : 0.;
    const auto scale = static_cast<float>(1. / sqrt(variance + static_cast<double>(d.rewards.epsilon)));
    const int first = d.first_slot() * d.rows();
    block.each_of_grid(d.steps * d.rows(), [&](int i) {
      float& reward = d.rollout.rewards.data[first + i];
      reward = math::clamp(reward * scale, -d.rewards.clip, d.rewards.clip);
    });
  }
};

/// Sums over the returns of a chunk of the samples to learn from.
template <class Device>
struct ReturnSumsKernel {
  static constexpr int threads = 256, shared = 2 * 3 * threads;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<MomentSums*>(memory);
    const int begin = block.index() * Device::samples_of_chunk, all = d.status->units;
    const int end = begin + Device::samples_of_chunk < all ? begin + Device::samples_of_chunk : all;
    block.each(threads, [&](int thread) {
      MomentSums own;
      for (int i = begin + thread; i < end; i += threads) {
        own.add(static_cast<double>(d.rollout.returns.data[d.units[i]]));
      }
      sums[thread] = own;
    });
    leave_share(block, sums, threads, d.shares);
  }
};

template <class Device>
struct ValueLearnKernel {
  static constexpr int threads = 32, shared = 0;
  OnPolicyData<Device> d;
  int chunks;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.once([&] {
      const MomentSums sums = sum_of_shares(d.shares, chunks);
      if constexpr (Device::normalizes_values) d.values->learn(sums.count, sums.sum, sums.squares);
    });
  }
};

}  // namespace polis::internal
