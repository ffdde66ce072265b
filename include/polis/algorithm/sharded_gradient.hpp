// A gradient summed from a fixed number of shards in a fixed tree, so that the weights are the same bit by
// bit for any number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <polis/core/fixed_array.hpp>
#include <polis/core/flat.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/core/tile.hpp>
#include <polis/nn/clip.hpp>
#include <polis/nn/optimizer.hpp>
#include <polis/policy/parameters.hpp>

namespace polis::internal {

/// Shards of the gradient of one set of weights, and what else is summed over samples, `Sums`.
template <class Sums, class Arch>
class ShardedGradient {
 public:
  [[gnu::cold]] void prepare(const FlatParameters& weights, int shards) {
    const auto count = static_cast<std::size_t>(shards);
    gradients_ = FixedArray<FlatParameters>(count, [&](std::size_t) { return weights.like(); });
    sums_ = FixedArray<Sums>(count);
    pointers_.reserve(count);
  }

  /// add(gradient, sums, first row, rows, worker) for each tile of `count` samples; else as sum_parts.
  template <class Add>
  Sums sum(Region& region, int count, double nanoseconds, Add&& add) {
    const auto tile = [&](float* gradient, Sums& sums, int part, int worker) {
      const int first = part * tile_rows;
      add(gradient, sums, first, std::min(tile_rows, count - first), worker);
    };
    return sum_parts(region, (count + tile_rows - 1) / tile_rows, nanoseconds, tile);
  }
  /// add(gradient, sums, part, worker) for each of `parts`; `nanoseconds` is about what a full one costs.
  /// Afterwards `gradient` is their sum; returns that of `Sums`.
  template <class Add>
  Sums sum_parts(Region& region, int parts, double nanoseconds, Add&& add) {
    const int shards = std::min(parts, static_cast<int>(gradients_.size()));
    region.parallel(shards, nanoseconds * parts / shards, [&](int shard, int worker) {
      const std::span<float> gradient = gradients_[at(shard)].values();
      std::fill(gradient.begin(), gradient.end(), 0.f);
      sums_[at(shard)] = {};
      for (int part = parts * shard / shards; part < parts * (shard + 1) / shards; ++part) {
        add(gradient.data(), sums_[at(shard)], part, worker);
      }
    });
    pointers_.clear();
    for (int i = 0; i < shards; ++i) pointers_.push_back(gradients_[at(i)].data());
    sum_shards<Arch>(pointers_, gradients_.front().size());
    Sums total{};
    for (int i = 0; i < shards; ++i) total.add(sums_[at(i)]);
    return total;
  }
  [[nodiscard]] const FlatParameters& gradient() const { return gradients_.front(); }

  /// One step of the optimizer along the sum, whose norm is clipped to `limit`; returns the norm before.
  template <class Optimizer>
  double step(Optimizer& optimizer, FlatParameters& weights, float rate, float limit) const {
    const FlatParameters& sum = gradient();
    const GradientNorm norm = clip_global_norm(weights.layout(), sum.values(), limit);
    update_all<Arch>(optimizer, weights.layout(), weights.values(), sum.values(), rate, norm.scale);
    return norm.norm;
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  FixedArray<FlatParameters> gradients_;  // [shard]
  FixedArray<Sums> sums_;                 // [shard]
  std::vector<float*> pointers_;
};

}  // namespace polis::internal
