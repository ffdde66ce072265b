// Division by a constant at the price of three multiply-adds.
#pragma once

#include <type_traits>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>

namespace polis::math {

/// x / divisor for a constant divisor, correctly rounded like the division itself where x and the quotient
/// are normal numbers: with the reciprocal r, rounded, and q = x r, the sum q + (x - q divisor) r is the
/// quotient (P. Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
/// 1990). That holds for almost all divisors: tests/core/constant_quotient.cpp tries every significand for
/// those in use. A division of a register occupies its unit for 16 cycles where these take two. Single
/// numbers, and registers where multiply-adds are not fused, are divided.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T constant_quotient(const T& x, const T& divisor) {
#if defined(__FMA__)
  if constexpr (is_batch<T>) {
    const T reciprocal = T(1.f) / divisor;  // by the compiler
    const T quotient = x * reciprocal;
    return math::fma(math::fma(quotient, -divisor, x), reciprocal, quotient);
  }
#endif
  return x / divisor;
}

}  // namespace polis::math
