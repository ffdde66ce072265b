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
#include <polis/core/platform.hpp>
#include <polis/core/text.hpp>
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

}  // namespace internal

/// The sum of squares of a block's gradient. Error: an element is not finite; names the block and the
/// element.
[[gnu::noinline]] inline double checked_squared_norm(const Block& block, std::span<const float> gradient) {
  const double square = squared_norm(gradient);
  // Squares of finite floats cannot overflow a double, so a finite sum tells.
  if (square <= 1e300 && (std::bit_cast<std::uint64_t>(square) >> 52 & 0x7ff) != 0x7ff) return square;
  const auto columns = static_cast<std::size_t>(block.columns);
  std::size_t i = 0;
  while (i + 1 < gradient.size() && internal::is_finite(gradient[i])) ++i;
  throw Error(concat({"the gradient is ", gradient[i]}),
              concat({"block \"", block.name, "\", row ", i / columns, ", column ", i % columns}),
              "finite numbers (a smaller learning rate, or rewards and observations of smaller scale)");
}

/// The global norm whose square is given, and min(1, limit / (norm + 1e-6)); `limit` <= 0 does not clip.
POLIS_HD inline GradientNorm clip_by_norm(double square, float limit) {
  const double norm = std::sqrt(square);
  if (limit <= 0 || norm + 1e-6 <= static_cast<double>(limit)) return {norm, 1};
  return {norm, static_cast<float>(static_cast<double>(limit) / (norm + 1e-6))};
}

/// Both for a flat gradient laid out as `layout`.
inline GradientNorm clip_global_norm(const Layout& layout, std::span<const float> gradient, float limit) {
  double square = 0;
  for (const Block& block : layout) {
    square += checked_squared_norm(block, gradient.subspan(block.offset, block.size()));
  }
  return clip_by_norm(square, limit);
}

}  // namespace polis
