// bfloat16, the upper half of a float32: rounding to it, and operands of matrix products that are rounded.
//
// Two formats hold the same numbers. RoundedFloats are float32 with nothing in their lower halves: the
// float32 kernels multiply them. BfloatPairs are two steps of the reduction in 32 bits, for AVX-512's dot
// products: the earlier step in the upper half, which they add first, so that sums are made in the order of
// the float32 kernels. A product of two bfloat16 is exact in float32, so both formats make the same sums, to
// the last bit on processors that add the pair one after the other as Intel documents it. But the dot
// products take denormal numbers for zero and make none, where the float32 kernels keep denormal sums.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <polis/core/gemm_block.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>

namespace polis {

/// The nearest bfloat16, ties to even; above the largest one infinity. A denormal number becomes the zero of
/// its sign, a NaN a quiet one: as AVX512_BF16's conversions do, whatever the machine.
POLIS_HD inline float round_to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (x != x) return std::bit_cast<float>((bits | 0x0040'0000u) & 0xffff'0000u);
  if ((bits & 0x7f80'0000u) == 0) return std::bit_cast<float>(bits & 0x8000'0000u);
  return std::bit_cast<float>((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff'0000u);
}

/// The same of a register.
template <class Arch>
[[gnu::always_inline]] inline Batch<Arch> round_to_bfloat16(const Batch<Arch>& x) {
  using Words = xsimd::batch<std::uint32_t, Arch>;
  const auto as_float = [](const Words& words) { return xsimd::bitwise_cast<Batch<Arch>>(words); };
  const Words bits = xsimd::bitwise_cast<Words>(x), upper(0xffff'0000u);
  const Words nearest = (bits + Words(0x7fffu) + ((bits >> 16) & Words(1u))) & upper;
  const Words quiet = (bits | Words(0x0040'0000u)) & upper, sign = bits & Words(0x8000'0000u);
  const Batch<Arch> small(std::numeric_limits<float>::min());
  const Batch<Arch> number = xsimd::select(xsimd::abs(x) < small, as_float(sign), as_float(nearest));
  return xsimd::select(x == x, number, as_float(quiet));
}

namespace internal {

/// The first `count` floats from `from` on, and zeros.
template <class Arch>
[[gnu::always_inline]] inline Batch<Arch> load_part(const float* from, int count) {
  constexpr int width = batch_width<Batch<Arch>>;
  if (count >= width) return Batch<Arch>::load_unaligned(from);
  alignas(Batch<Arch>) float part[width] = {};
  for (int i = 0; i < count; ++i) part[i] = from[i];
  return Batch<Arch>::load_aligned(part);
}

/// Operands as float32 that bfloat16 holds exactly.
///
/// - `groups(n)`: elements that hold n steps of the reduction.
/// - `row_size(n)`: floats that pack_along writes for a row of n steps.
/// - `pack_across`: steps are rows, to[group][column]; columns are written in whole registers. It may pack in
///   place, with one stride.
/// - `pack_along`: steps are neighbours, to[row][group].
struct RoundedFloats {
  using Elements = Floats;
  static constexpr int groups(int steps) { return steps; }
  static constexpr int row_size(int steps) { return (steps + 15) / 16 * 16; }

  template <class Arch>
  POLIS_ONE_COPY static void pack_across(const float* from, std::ptrdiff_t stride, int steps, int columns,
                                         float* to, std::ptrdiff_t to_stride) {
    for (int k = 0; k < steps; ++k, from += stride, to += to_stride) {
      for (int c = 0; c < columns; c += batch_width<Batch<Arch>>) {
        round_to_bfloat16<Arch>(load_part<Arch>(from + c, columns - c)).store_unaligned(to + c);
      }
    }
  }
  template <class Arch>
  static void pack_along(const float* from, std::ptrdiff_t stride, int rows, int steps, float* to,
                         std::ptrdiff_t to_stride) {
    pack_across<Arch>(from, stride, rows, steps, to, to_stride);
  }
};

#if defined(__AVX512BF16__) && defined(__AVX512BW__)

/// Operands as pairs of bfloat16, in registers of 16 of them.
struct BfloatPairs {
  using Elements = BfloatPairs;
  static constexpr int groups(int steps) { return (steps + 1) / 2; }
  static constexpr int row_size(int steps) { return (steps + 31) / 32 * 16; }

  template <class Arch>
  [[gnu::always_inline]] static Batch<Arch> multiply_add(const Batch<Arch>& a, const Batch<Arch>& b,
                                                         const Batch<Arch>& sum) {
    return Batch<Arch>(
        _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(a), (__m512bh)_mm512_castps_si512(b)));
  }

  template <class Arch>
  POLIS_ONE_COPY static void pack_across(const float* from, std::ptrdiff_t stride, int steps, int columns,
                                         float* to, std::ptrdiff_t to_stride) {
    const __m512i halves = _mm512_loadu_si512(lane_by_lane.data());
    for (int k = 0; k < steps; k += 2, from += 2 * stride, to += to_stride) {
      for (int c = 0; c < columns; c += 16) {
        const Batch<Arch> first = load_part<Arch>(from + c, columns - c);
        const Batch<Arch> second =
            k + 1 < steps ? load_part<Arch>(from + stride + c, columns - c) : Batch<Arch>(0.f);
        store(to + c, _mm512_permutexvar_epi16(halves, (__m512i)_mm512_cvtne2ps_pbh(first, second)));
      }
    }
  }
  template <class Arch>
  POLIS_ONE_COPY static void pack_along(const float* from, std::ptrdiff_t stride, int rows, int steps,
                                        float* to, std::ptrdiff_t to_stride) {
    for (int m = 0; m < rows; ++m, from += stride, to += to_stride) {
      for (int k = 0; k < steps; k += 32) {
        const Batch<Arch> low = load_part<Arch>(from + k, steps - k);
        const Batch<Arch> high = load_part<Arch>(from + k + 16, steps - k - 16);
        store(to + k / 2, _mm512_rol_epi32((__m512i)_mm512_cvtne2ps_pbh(high, low), 16));
      }
    }
  }

 private:
  /// The conversion has the second operand's sixteen numbers below the first's: into the lower and upper
  /// halves of their lanes.
  static constexpr std::array<std::uint16_t, 32> lane_by_lane = [] {
    std::array<std::uint16_t, 32> from{};
    for (std::size_t word = 0; word < from.size(); ++word) {
      from[word] = static_cast<std::uint16_t>(word / 2 + word % 2 * 16);
    }
    return from;
  }();

  static void store(float* to, __m512i pairs) { _mm512_storeu_si512(to, pairs); }
};

template <class Arch>
using RoundedOperands = std::conditional_t<batch_width<Batch<Arch>> == 16, BfloatPairs, RoundedFloats>;

#else

template <class Arch>
using RoundedOperands = RoundedFloats;

#endif

}  // namespace internal

/// Whether products of bfloat16 are AVX-512's dot products here, rather than float32's of rounded operands.
template <class Arch = Simd>
inline constexpr bool has_bfloat16_products =
    !std::is_same_v<internal::RoundedOperands<Arch>, internal::RoundedFloats>;

}  // namespace polis
