// The weights of a policy, as learners, optimizers and checkpoints see them.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

namespace internal {
/// Takes any block. A function object, since nvcc finds no lambda's type in a concept.
struct AnyBlock {
  void operator()(const Block&, std::size_t, std::span<float>) const {}
};
}  // namespace internal

/// Weights, or a gradient of the same shape: named blocks of floats that need not lie together in memory
/// (those of a LibTorch module do not). `for_each_block(f)` calls f(block, offset, span) in a fixed order;
/// `offset` counts the floats before it, so that an optimizer's moments can be one flat array. `like()` makes
/// zeros of the same shape.
template <class P>
concept Parameters = requires(P p, const P c) {
  p.for_each_block(internal::AnyBlock{});
  { c.size() } -> std::convertible_to<std::size_t>;
  { c.like() } -> std::same_as<P>;
};

/// Weights in one aligned array, in the order of a network's layout: row-major, unpadded, the same on every
/// machine.
class FlatParameters {
 public:
  FlatParameters() = default;
  explicit FlatParameters(Layout layout) : layout_(std::move(layout)), values_(total_size(layout_)) {}

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] float* data() { return values_.data(); }
  [[nodiscard]] const float* data() const { return values_.data(); }
  [[nodiscard]] std::span<float> values() { return {values_.data(), values_.size()}; }
  [[nodiscard]] std::span<const float> values() const { return {values_.data(), values_.size()}; }
  [[nodiscard]] FlatParameters like() const { return FlatParameters(layout_); }

  template <class F>
  void for_each_block(F&& f) {
    for (const Block& block : layout_) f(block, block.offset, values().subspan(block.offset, block.size()));
  }

  void archive(auto& a) { a.fixed(values()); }

 private:
  Layout layout_;
  AlignedVector<float> values_;
};

}  // namespace polis
