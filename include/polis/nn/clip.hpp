// Clipping of gradients by their global norm (Pascanu, Mikolov and Bengio 2013), as PyTorch's
// clip_grad_norm_.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <polis/core/error.hpp>
#include <polis/core/flat.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

/// The norm before clipping, and the factor that the optimizer applies to every gradient.
struct GradientNorm {
  double norm = 0;
  float scale = 1;
};

namespace internal {

/// By its bits, because a program compiled with -ffast-math may assume that there is no NaN.
inline bool is_finite(float x) { return (std::bit_cast<std::uint32_t>(x) & 0x7f800000u) != 0x7f800000u; }

[[noreturn]] inline void fail_non_finite(const Layout& layout, std::span<const float> gradient) {
  for (const Block& block : layout) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (is_finite(gradient[block.offset + i])) continue;
      const auto columns = static_cast<std::size_t>(block.columns);
      throw Error("the gradient is " + std::to_string(gradient[block.offset + i]),
                  "block \"" + block.name + "\", row " + std::to_string(i / columns) + ", column " +
                      std::to_string(i % columns),
                  "finite numbers (a smaller learning rate, or rewards and observations of smaller scale)");
    }
  }
  throw Error("the squares of the gradient overflow", "global norm", "finite numbers");
}

}  // namespace internal

/// The global norm of `gradient` (laid out as `layout`) and min(1, limit / (norm + 1e-6)); `limit` <= 0 does
/// not clip. Error: a gradient is not finite; names its block and element.
inline GradientNorm clip_global_norm(const Layout& layout, std::span<const float> gradient, float limit) {
  const double square = squared_norm(gradient);
  // Squares of finite floats cannot overflow a double, so a finite limit tells.
  if (!(square <= 1e300) || (std::bit_cast<std::uint64_t>(square) >> 52 & 0x7ff) == 0x7ff) {
    internal::fail_non_finite(layout, gradient);
  }
  const double norm = std::sqrt(square);
  if (limit <= 0 || norm + 1e-6 <= limit) return {norm, 1};
  return {norm, static_cast<float>(limit / (norm + 1e-6))};
}

}  // namespace polis
