// One step of an optimizer: a gradient summed from shards in a fixed tree, clipped by its norm, and applied,
// to weights that need not lie together in memory (policy/parameters.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <span>
#include <type_traits>
#include <vector>

#include <polis/core/fixed_array.hpp>
#include <polis/core/flat.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/nn/clip.hpp>
#include <polis/nn/layout.hpp>

namespace polis::internal {

/// What `complete` is where nobody else has a part of the gradient.
struct NothingToAdd {
  void operator()(auto&) const {}
};

/// An optimizer and the shards of its gradient. Several of them may share the weights and optimizer of one.
template <class Optimizer, class Parameters, class Arch>
class ParameterStep {
 public:
  [[gnu::cold]] ParameterStep(const typename Optimizer::Config& config, std::size_t weights)
      : optimizer_(config, weights) {}

  [[gnu::cold]] void prepare(Parameters& weights, int shards, int threads) {
    shards_ = FixedArray<Parameters>(index(shards), [&](std::size_t) { return weights.like(); });
    std::size_t blocks = 0;
    weights.for_each_block([&blocks](const Block&, std::size_t, std::span<float>) { ++blocks; });
    squares_ = FixedArray<double>(blocks);
    gradients_.reserve(blocks * shards_.size());
    shared_blocks_.reserve(blocks);
    pointers_ = FixedArray<float*>(index(threads) * shards_.size());
  }

  [[nodiscard]] Optimizer& optimizer() { return optimizer_; }
  [[nodiscard]] int shards() const { return static_cast<int>(shards_.size()); }
  [[nodiscard]] Parameters& shard(int i) { return shards_[index(i)]; }

  /// Moves the weights, or the shared ones and these with them, along the sum of the first `count` shards,
  /// to which `complete(gradient)` adds what others have, whose norm is clipped to `limit`; returns the norm
  /// before. Threads share the blocks out in runs of about as many weights: what one thread sums it also
  /// moves, so that moments stay where they are. Error: a gradient that is not finite.
  template <class Complete>
  [[gnu::noinline]] double step(Region& region, Parameters& weights, int count, float rate, float limit,
                                Complete&& complete) {
    gradients_.clear();
    for (int i = 0; i < count; ++i) list_blocks(shard(i), gradients_);
    Parameters& gradient = shards_.front();
    const int parts = region.threads();
    const double floats = static_cast<double>(weights.size()) / parts;
    region.parallel(parts, floats * (.1 * count + .1), [&](int part, int worker) {
      sum(gradient, part, parts, count, worker);
      if constexpr (!completes<Complete>) square(gradient, part, parts);
    });
    if constexpr (completes<Complete>) {
      complete(gradient);
      square(gradient, 0, 1);
    }
    double norm_squared = 0;
    for (const double square : squares_) norm_squared += square;
    const GradientNorm norm = clip_by_norm(norm_squared, limit);
    const auto move = [&](ParameterStep& by, Parameters& moved) {
      by.optimizer_.begin_step();
      region.parallel(parts, floats * .4, [&](int part, int) {
        of_part(moved, part, parts, [&](std::size_t i, const Block& block, std::size_t offset, auto values) {
          by.optimizer_.template update<Arch>(block, offset, values, {gradients_[i], values.size()}, rate,
                                              norm.scale);
        });
      });
    };
    if (mutex_) {
      const std::lock_guard lock(*mutex_);
      move(*shared_, *shared_weights_);
      copy_shared(weights);
    } else {
      move(*this, weights);
    }
    return norm.norm;
  }

  /// From now on steps move the weights of `shared`, whose optimizer they use.
  void share(ParameterStep& shared, Parameters& weights, std::mutex& mutex) {
    shared_ = &shared;
    shared_weights_ = &weights;
    mutex_ = &mutex;
  }
  /// Makes `weights` the shared ones as they are now.
  void catch_up(Parameters& weights) {
    const std::lock_guard lock(*mutex_);
    copy_shared(weights);
  }

  [[gnu::cold]] void archive(auto& a) { a(optimizer_); }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  /// Whether others have something to add.
  template <class Complete>
  static constexpr bool completes = !std::is_same_v<std::remove_cvref_t<Complete>, NothingToAdd>;

  /// f(number, block, offset, values) for the blocks of a part: those whose middle lies in its share of all
  /// floats.
  template <class F>
  static void of_part(Parameters& of, int part, int parts, F&& f) {
    const std::size_t all = of.size();
    std::size_t number = 0;
    of.for_each_block([&](const Block& block, std::size_t offset, std::span<float> values) {
      const std::size_t middle = offset + values.size() / 2;
      if (middle * index(parts) / all == index(part)) f(number, block, offset, values);
      ++number;
    });
  }
  /// Sums the first `count` shards into the first one, by a tree that depends on nothing but their number.
  void sum(Parameters& gradient, int part, int parts, int count, int worker) {
    const std::size_t blocks = squares_.size();
    const std::span<float*> shards(&pointers_[index(worker) * shards_.size()], index(count));
    of_part(gradient, part, parts, [&](std::size_t number, const Block&, std::size_t, auto values) {
      for (std::size_t i = 0; i < shards.size(); ++i) shards[i] = gradients_[i * blocks + number];
      sum_shards<Arch>(shards, values.size());
    });
  }
  void square(Parameters& gradient, int part, int parts) {
    of_part(gradient, part, parts, [this](std::size_t number, const Block& block, std::size_t, auto values) {
      squares_[number] = checked_squared_norm(block, values);
    });
  }
  /// Appends where the blocks of these weights or this gradient begin.
  static void list_blocks(Parameters& of, std::vector<float*>& begins) {
    of.for_each_block(
        [&begins](const Block&, std::size_t, std::span<float> g) { begins.push_back(g.data()); });
  }
  void copy_shared(Parameters& weights) {
    shared_blocks_.clear();
    list_blocks(*shared_weights_, shared_blocks_);
    auto from = shared_blocks_.begin();
    weights.for_each_block([&from](const Block&, std::size_t, std::span<float> values) {
      std::copy_n(*from++, values.size(), values.data());
    });
  }

  Optimizer optimizer_;
  FixedArray<Parameters> shards_;
  FixedArray<double> squares_;         // [block], of the gradient's norm
  std::vector<float*> gradients_;      // [shard][block]: where it begins
  std::vector<float*> shared_blocks_;  // [block], of the shared weights
  FixedArray<float*> pointers_;        // [worker][shard]: one block's beginnings
  ParameterStep* shared_ = nullptr;
  Parameters* shared_weights_ = nullptr;
  std::mutex* mutex_ = nullptr;  // of the shared weights and their optimizer
};

}  // namespace polis::internal
