// What a rollout on a device is worth learning from: estimates of its returns, the list of its samples, their
// random order, and the sums by which a minibatch's advantages are normalised.
#pragma once

#include <polis/device/on_policy_data.hpp>
#include <polis/device/permutation.hpp>

namespace polis::internal {

/// Advantages and returns, a thread for each row.
template <class Device>
struct EstimateKernel {
  static constexpr int threads = 128, shared = 0;
  OnPolicyData<Device> d;
  bool anew = false;  // by the values and ratios of a RecomputeKernel

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    if (anew && !d.goes_on()) return;
    if constexpr (Device::estimates_anew && Device::normalizes_values) {
      if (anew && block.index() == 0) block.once([&] { d.values->settle(); });
    }
    block.each_of_grid(d.rows(), [&](int row) {
      const RolloutViews& r = d.rollout;
      int slots = d.slots();
      if constexpr (Device::waits) {
        const int pending = d.pending[row] = find_pending(row);
        if (pending >= 0) slots = pending;
      }
      Trajectory at{.slots = slots, .stride = d.rows()};
      at.rewards = &r.rewards(0, row), at.values = &r.values(0, row), at.bootstrap = &r.values(slots, row);
      at.ends = &r.ends(0, row), at.final_values = &r.final_values(0, row), at.decided = &r.decided(0, row);
      at.advantages = &r.advantages(0, row), at.returns = &r.returns(0, row);
      if (anew) at.ratios = d.ratios + row;
      at.weigh_advantages = !weighs_by_ratio<typename Device::Objective>;
      Device::Returns::template estimate<float>(d.returns, at);
    });
  }

 private:
  /// As OnPolicyReturns::find_pending.
  [[nodiscard]] POLIS_HD int find_pending(int row) const {
    if (d.decides(row)) return -1;
    for (int slot = d.slots() - 1; slot >= 0; --slot) {
      if (d.rollout.ends(slot, row) != End::none) return -1;
      if (d.rollout.decided(slot, row)) return slot;
    }
    return -1;
  }
};

/// Moves pending decisions to slot 0 of the next rollout, with the rewards they have so far.
template <class Device>
struct CarryKernel {
  static constexpr int threads = 128, shared = 0;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.each_of_grid(d.rows(), [&](int row) {
      const RolloutViews& r = d.rollout;
      const int from = d.pending[row];
      float sum = 0;
      for (int slot = d.slots() - 1; from >= 0 && slot >= from; --slot) sum = r.rewards(slot, row) + sum;
      if (from > 0) {
        copy(r.observations, from, row), copy(r.states, from, row), copy(r.actions, from, row);
        copy(r.masks, from, row);
        r.log_probs(0, row) = r.log_probs(from, row);
      }
      r.rewards(0, row) = sum;
      r.ends(0, row) = End::none;
      r.decided(0, row) = from >= 0;
    });
  }

 private:
  POLIS_HD static void copy(const ArrayView<float, 3>& array, int slot, int row) {
    for (int k = 0; k < array.shape[2]; ++k) array(0, row, k) = array(slot, row, k);
  }
};

/// How many samples of each chunk are decisions.
template <class Device>
struct CountKernel {
  static constexpr int threads = 256, shared = threads;
  static constexpr int each = Device::samples_of_chunk / threads;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    count_by_thread(d, block, memory);
    int* const counts = reinterpret_cast<int*>(memory);
    sum_in_block(block, counts, threads);
    block.once([&] { d.chunk_units[block.index()] = counts[0]; });
  }
  /// counts[i]: the decisions among the i-th few samples of this block's chunk.
  template <class Block>
  POLIS_HD static void count_by_thread(const OnPolicyData<Device>& d, Block& block, float* memory) {
    int* const counts = reinterpret_cast<int*>(memory);
    block.each(threads, [&](int i) {
      int count = 0;
      for_own(d, block, i, [&](int) { ++count; });
      counts[i] = count;
    });
  }
  template <class Block, class F>
  POLIS_HD static void for_own(const OnPolicyData<Device>& d, const Block& block, int thread, F&& f) {
    const int first = block.index() * Device::samples_of_chunk + thread * each, all = d.slots() * d.rows();
    for (int id = first; id < first + each && id < all; ++id) {
      if (d.learnt(id)) f(id);
    }
  }
};

/// Where the decisions of each chunk begin in the list of all, and how many they are.
template <class Device>
struct PlaceKernel {
  static constexpr int threads = 32, shared = 0;
  OnPolicyData<Device> d;
  int chunks;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.once([&] {
      const int units = d.status->units = sum_before(d.chunk_units, chunks, 0);
      d.status->all_units = d.status->failure == DeviceStatus::none ? units : DeviceStatus::nothing;
    });
  }
};

/// Lists the decisions in their own order.
template <class Device>
struct ListKernel {
  using Count = CountKernel<Device>;
  static constexpr int threads = Count::threads, shared = Count::shared;
  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    Count::count_by_thread(d, block, memory);
    int* const places = reinterpret_cast<int*>(memory);
    block.once([&] { sum_before(places, threads, d.chunk_units[block.index()]); });
    block.each(threads, [&](int i) {
      int at = places[i];
      Count::for_own(d, block, i, [&](int id) { d.units[at++] = id; });
    });
  }
};

/// Brings the samples into the random order of an epoch.
template <class Device>
struct OrderKernel {
  static constexpr int threads = 256, shared = 0;
  OnPolicyData<Device> d;
  int epoch;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    const int count = d.status->units;
    if (count == 0 || d.status->stopped) return;
    // Every rank has an order of its own, of its own samples.
    Random random(d.seed, d.progress->update, static_cast<std::uint32_t>(d.rank << 16 | epoch),
                  static_cast<std::uint32_t>(d.agent_offset), Purpose::permutation);
    const Permutation permutation(count, random);
    block.each_of_grid(count, [&](int i) { d.order[i] = d.units[permutation(i)]; });
  }
};

/// Sums of the advantages of every minibatch, and how many they are: block `parts_of_sums` b + p those of
/// minibatch b's p-th part.
template <class Device>
struct AdvantageKernel {
  static constexpr int threads = 256, shared = 4 * threads;
  static constexpr int parts = Device::parts_of_sums;
  OnPolicyData<Device> d;

  struct Sums {
    double sum, squares;
    POLIS_HD Sums& operator+=(const Sums& other) {
      sum += other.sum, squares += other.squares;
      return *this;
    }
  };

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<Sums*>(memory);
    const auto [from, to] = d.own_samples_of(block.index() / parts);
    const int part = block.index() % parts, first = from, last = to;
    block.each(threads, [&](int thread) {
      Sums own{0, 0};
      for (int i = first + part * threads + thread; i < last; i += parts * threads) {
        const auto a = static_cast<double>(d.rollout.advantages.data[d.order[i]]);
        own += {a, a * a};
      }
      sums[thread] = own;
    });
    sum_in_block(block, sums, threads);
    const double count = part == 0 ? last - first : 0;
    block.once([&] {
      d.advantages[block.index()] = {.count = count, .sum = sums[0].sum, .squares = sums[0].squares};
    });
  }
};

}  // namespace polis::internal
