// Optimizers: what turns a gradient into a step of the weights.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

/// An optimizer is made from its settings and the number of parameters, and owns flat moments of that length.
///
/// - `Config` carries `learning_rate`; the caller passes the scheduled one to each update, so that optimizers
/// know
///   no clock.
/// - `begin_step()` comes once per step, before its updates: bias corrections count steps, not blocks.
/// - `update<Arch>(block, offset, weights, gradient, learning_rate, gradient_scale)` steps one block, whose
/// moments
///   begin at `offset`; the spans are the block's. The block's shape and kind are there for optimizers that
///   treat matrices as such (Muon). Blocks may be updated in any order and from several threads.
///   `gradient_scale` (from clipping) is applied in passing.
/// - `archive` saves moments and step count: a resumed run is bit-identical.
template <class O>
concept Optimizer =
    std::constructible_from<O, const typename O::Config&, std::size_t> &&
    std::same_as<typename O::word, word::Optimizer> &&
    requires(O& optimizer, typename O::Config& config, const Block& block, std::span<float> weights,
             std::span<const float> gradient, float number) {
      { config.learning_rate } -> std::convertible_to<float>;
      optimizer.begin_step();
      optimizer.template update<Simd>(block, std::size_t{}, weights, gradient, number, number);
    };

namespace internal {

/// `moment`, or 0 where it is below 1e-30. The moments of a weight whose gradient stays 0 (that of a dead
/// unit) fade into denormal numbers, which cost a processor dozens of cycles each.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T without_denormals(const T& moment) {
  return math::select(math::abs(moment) < T(1e-30f), T(0.f), moment);
}

}  // namespace internal

/// Steps every block of a layout: `weights` and `gradient` are the whole flat arrays.
template <class Arch, Optimizer O>
void update_all(O& optimizer, const Layout& layout, std::span<float> weights, std::span<const float> gradient,
                float learning_rate, float gradient_scale = 1) {
  optimizer.begin_step();
  for (const Block& block : layout) {
    optimizer.template update<Arch>(block, block.offset, weights.subspan(block.offset, block.size()),
                                    gradient.subspan(block.offset, block.size()), learning_rate,
                                    gradient_scale);
  }
}

}  // namespace polis
