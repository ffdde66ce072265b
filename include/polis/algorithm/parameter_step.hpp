// One step of an optimizer: a gradient summed from shards in a fixed tree, clipped by its norm, and applied,
// to weights that need not lie together in memory (policy/parameters.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

#include <polis/core/fixed_array.hpp>
#include <polis/core/flat.hpp>
#include <polis/nn/clip.hpp>
#include <polis/nn/layout.hpp>

namespace polis::internal {

/// An optimizer and the shards of its gradient. Several of them may share the weights and optimizer of one.
template <class Optimizer, class Parameters, class Arch>
class ParameterStep {
 public:
  [[gnu::cold]] ParameterStep(const typename Optimizer::Config& config, std::size_t weights)
      : optimizer_(config, weights) {}

  [[gnu::cold]] void prepare(Parameters& weights, int shards) {
    shards_ = FixedArray<Parameters>(index(shards), [&](std::size_t) { return weights.like(); });
    std::size_t blocks = 0;
    weights.for_each_block([&blocks](const Block&, std::size_t, std::span<float>) { ++blocks; });
    blocks_.reserve(blocks * shards_.size());
    pointers_.reserve(std::max(blocks, shards_.size()));
  }

  [[nodiscard]] int shards() const { return static_cast<int>(shards_.size()); }
  [[nodiscard]] Parameters& shard(int i) { return shards_[index(i)]; }

  /// Moves the weights, or the shared ones and these with them, along the sum of the first `count` shards,
  /// to which `complete(gradient)` adds what others have, whose norm is clipped to `limit`; returns the norm
  /// before. Error: a gradient that is not finite.
  template <class Complete>
  [[gnu::noinline]] double step(Parameters& weights, int count, float rate, float limit,
                                Complete&& complete) {
    sum(weights, count);
    double square = 0;
    Parameters& gradient = shards_.front();
    complete(gradient);
    gradient.for_each_block([&square](const Block& block, std::size_t, std::span<float> values) {
      square += checked_squared_norm(block, values);
    });
    const GradientNorm norm = clip_by_norm(square, limit);
    blocks_.clear();
    list_blocks(gradient);
    if (mutex_) {
      const std::lock_guard lock(*mutex_);
      shared_->apply(*shared_weights_, blocks_, rate, norm.scale);
      copy_shared(weights);
    } else {
      apply(weights, blocks_, rate, norm.scale);
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

  /// shards_[0] = the sum of the first `count` shards, by a tree that depends on nothing but their number.
  void sum(Parameters& weights, int count) {
    blocks_.clear();
    for (int i = 0; i < count; ++i) list_blocks(shard(i));
    const std::size_t blocks = blocks_.size() / index(count);
    std::size_t block = 0;
    weights.for_each_block([&](const Block&, std::size_t, std::span<float> values) {
      pointers_.clear();
      for (std::size_t i = block; i < blocks_.size(); i += blocks) pointers_.push_back(blocks_[i]);
      sum_shards<Arch>(pointers_, values.size());
      ++block;
    });
  }
  /// Appends where the blocks of a gradient begin.
  void list_blocks(Parameters& gradient) {
    gradient.for_each_block(
        [this](const Block&, std::size_t, std::span<float> g) { blocks_.push_back(g.data()); });
  }
  /// Moves weights along a gradient, given by where its blocks begin.
  void apply(Parameters& weights, const std::vector<float*>& gradient, float rate, float scale) {
    auto from = gradient.begin();
    optimizer_.begin_step();
    weights.for_each_block([&](const Block& block, std::size_t offset, std::span<float> values) {
      optimizer_.template update<Arch>(block, offset, values, {*from++, values.size()}, rate, scale);
    });
  }
  void copy_shared(Parameters& weights) {
    pointers_.clear();
    shared_weights_->for_each_block(
        [this](const Block&, std::size_t, std::span<float> values) { pointers_.push_back(values.data()); });
    auto from = pointers_.begin();
    weights.for_each_block([&from](const Block&, std::size_t, std::span<float> values) {
      std::copy_n(*from++, values.size(), values.data());
    });
  }

  Optimizer optimizer_;
  FixedArray<Parameters> shards_;
  std::vector<float*> blocks_;    // of gradients, while another one is walked
  std::vector<float*> pointers_;  // one block of every shard, or every block of the shared weights
  ParameterStep* shared_ = nullptr;
  Parameters* shared_weights_ = nullptr;
  std::mutex* mutex_ = nullptr;  // of the shared weights and their optimizer
};

}  // namespace polis::internal
