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

/// The discounted returns of every row's rewards so far, and sums over those of a block's rows.
template <class Device>
struct RewardSumsKernel {
  static constexpr int threads = 128, shared = 2 * 3 * threads;
  OnPolicyData<Device> d;

  struct Sums {
    double count, distance, squares;
    POLIS_HD Sums& operator+=(const Sums& other) {
      count += other.count, distance += other.distance, squares += other.squares;
      return *this;
    }
  };

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<Sums*>(memory);
    block.each(threads, [&](int thread) {
      const int row = block.index() * threads + thread;
      Sums own{0, 0, 0};
      for (int slot = d.first_slot(); row < d.rows() && slot < d.slots(); ++slot) {
        double& value = d.running_returns[row];
        value = static_cast<double>(d.returns.discount) * value +
                static_cast<double>(d.rollout.rewards(slot, row));
        const double distance = value - d.reward_moments[1];
        own += {1, distance, distance * distance};
        if (d.rollout.ends(slot, row) != End::none) value = 0;
      }
      sums[thread] = own;
    });
    sum_in_block(block, sums, threads);
    block.once([&] {
      double* const share = d.shares + 3 * block.index();
      share[0] = sums[0].count, share[1] = sums[0].distance, share[2] = sums[0].squares;
    });
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
      double sums[3] = {};
      for (int i = 0; i < parts; ++i) {
        for (int k = 0; k < 3; ++k) sums[k] += d.shares[3 * i + k];
      }
      double* const moments = d.reward_moments;
      if (sums[0] > 0) merge_moment(moments, 1, 0, sums[0], sums[1], sums[2]);
      moments[0] += sums[0];
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
  using Sums = typename RewardSumsKernel<Device>::Sums;
  static constexpr int threads = 256, shared = 2 * 3 * threads;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<Sums*>(memory);
    const int begin = block.index() * Device::samples_of_chunk, all = d.status->units;
    const int end = begin + Device::samples_of_chunk < all ? begin + Device::samples_of_chunk : all;
    block.each(threads, [&](int thread) {
      Sums own{0, 0, 0};
      for (int i = begin + thread; i < end; i += threads) {
        const auto value = static_cast<double>(d.rollout.returns.data[d.units[i]]);
        own += {1, value, value * value};
      }
      sums[thread] = own;
    });
    sum_in_block(block, sums, threads);
    block.once([&] {
      double* const share = d.shares + 3 * block.index();
      share[0] = sums[0].count, share[1] = sums[0].distance, share[2] = sums[0].squares;
    });
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
      double sums[3] = {};
      for (int i = 0; i < chunks; ++i) {
        for (int k = 0; k < 3; ++k) sums[k] += d.shares[3 * i + k];
      }
      if constexpr (Device::normalizes_values) d.values->learn(sums[0], sums[1], sums[2]);
    });
  }
};

}  // namespace polis::internal
