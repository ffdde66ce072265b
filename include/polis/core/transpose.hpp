// Transposition in registers: samples gathered into feature-major tiles, and tiles turned for weight
// gradients.
//
// Everything is made of one step: four values from each of `width` rows become four registers of `width`
// rows. Rows j, j + 4, j + 8, ... enter register j as 128-bit quads (loads that merge, cheaper than
// shuffles), and two rounds of interleaving within the quads finish the 4 x 4 transposes.
#pragma once

#include <algorithm>
#include <climits>
#include <cstddef>

#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>

namespace polis {

namespace internal {

/// A register seen as quads of four floats. The primary template serves registers of one quad (SSE, NEON).
template <class Arch, int width = batch_width<Batch<Arch>>>
struct Quads {
  static_assert(width == 4, "polis has transposes for registers of 4, 8 and 16 floats");
  using Register = Batch<Arch>;

  template <class Row>
  [[gnu::always_inline]] static Register load(const Row& row, int first) {
    return Register::load_unaligned(row(first));
  }
  [[gnu::always_inline]] static Register low(const Register& a, const Register& b) {
    return xsimd::zip_lo(a, b);
  }
  [[gnu::always_inline]] static Register high(const Register& a, const Register& b) {
    return xsimd::zip_hi(a, b);
  }
  [[gnu::always_inline]] static void add_sum(float* to, const Register& a) {
    (Register::load_unaligned(to) + a).store_unaligned(to);
  }
};

#if XSIMD_WITH_AVX
template <class Arch>
struct Quads<Arch, 8> {
  using Register = Batch<Arch>;

  template <class Row>
  [[gnu::always_inline]] static Register load(const Row& row, int first) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row(first))),
                                _mm_loadu_ps(row(first + 4)), 1);
  }
  [[gnu::always_inline]] static Register low(const Register& a, const Register& b) {
    return _mm256_unpacklo_ps(a, b);
  }
  [[gnu::always_inline]] static Register high(const Register& a, const Register& b) {
    return _mm256_unpackhi_ps(a, b);
  }
  [[gnu::always_inline]] static void add_sum(float* to, const Register& a) {
    const __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    _mm_storeu_ps(to, _mm_add_ps(_mm_loadu_ps(to), sum));
  }
};
#endif

#if XSIMD_WITH_AVX512F
template <class Arch>
struct Quads<Arch, 16> {
  using Register = Batch<Arch>;

  template <class Row>
  [[gnu::always_inline]] static Register load(const Row& row, int first) {
    __m512 quads = _mm512_castps128_ps512(_mm_loadu_ps(row(first)));
    quads = _mm512_insertf32x4(quads, _mm_loadu_ps(row(first + 4)), 1);
    quads = _mm512_insertf32x4(quads, _mm_loadu_ps(row(first + 8)), 2);
    return _mm512_insertf32x4(quads, _mm_loadu_ps(row(first + 12)), 3);
  }
  [[gnu::always_inline]] static Register low(const Register& a, const Register& b) {
    return _mm512_unpacklo_ps(a, b);
  }
  [[gnu::always_inline]] static Register high(const Register& a, const Register& b) {
    return _mm512_unpackhi_ps(a, b);
  }
  [[gnu::always_inline]] static void add_sum(float* to, const Register& a) {
    const __m128 low = _mm_add_ps(_mm512_castps512_ps128(a), _mm512_extractf32x4_ps(a, 2));
    const __m128 high = _mm_add_ps(_mm512_extractf32x4_ps(a, 1), _mm512_extractf32x4_ps(a, 3));
    _mm_storeu_ps(to, _mm_add_ps(_mm_loadu_ps(to), _mm_add_ps(low, high)));
  }
};
#endif

/// The transposes of the 4 x 4 matrices that the quads of four registers make.
template <class Arch>
[[gnu::always_inline]] inline void interleave(const Batch<Arch>& r0, const Batch<Arch>& r1,
                                              const Batch<Arch>& r2, const Batch<Arch>& r3,
                                              Batch<Arch>* out) {
  using Q = Quads<Arch>;
  const Batch<Arch> a = Q::low(r0, r2), b = Q::high(r0, r2), c = Q::low(r1, r3), d = Q::high(r1, r3);
  out[0] = Q::low(a, c);
  out[1] = Q::high(a, c);
  out[2] = Q::low(b, d);
  out[3] = Q::high(b, d);
}

/// out[0..3][row] = row(first + row)[0..3], for `width` rows.
template <class Arch, class Row>
[[gnu::always_inline]] inline void transpose_quads(const Row& row, Batch<Arch>* out) {
  using Q = Quads<Arch>;
  interleave<Arch>(Q::load(row, 0), Q::load(row, 1), Q::load(row, 2), Q::load(row, 3), out);
}

/// use(lane, four) with the four floats that the registers have in each lane.
template <class Arch, class Use>
[[gnu::always_inline]] inline void each_lane(const Batch<Arch>* registers, const Use& use) {
  constexpr int width = batch_width<Batch<Arch>>;
  Batch<Arch> quads[4];  // of the lanes j, j + 4, ...
  interleave<Arch>(registers[0], registers[1], registers[2], registers[3], quads);
  for (int j = 0; j < 4; ++j) {
    alignas(Batch<Arch>) float part[width];
    quads[j].store_aligned(part);
    for (int quad = 0; quad < width; quad += 4) use(quad + j, part + quad);
  }
}

/// to[i] += the sum of the i-th register's elements, for `width` registers, in an order fixed by the width.
template <class Arch>
[[gnu::always_inline]] inline void add_sums(float* to, const Batch<Arch>* sums) {
  using Q = Quads<Arch>;
  for (int i = 0; i < batch_width<Batch<Arch>>; i += 4) {
    Batch<Arch> turned[4];
    interleave<Arch>(sums[i], sums[i + 1], sums[i + 2], sums[i + 3], turned);
    Q::add_sum(to + i, (turned[0] + turned[2]) + (turned[1] + turned[3]));
  }
}
#if XSIMD_WITH_AVX512F
/// Halves of two registers are merged by a blend, a shuffle and an addition: within quads, then among them.
template <class Arch>
  requires(batch_width<Batch<Arch>> == 16)
[[gnu::always_inline]] inline void add_sums(float* to, const Batch<Arch>* sums) {
  const __m512i odd = _mm512_setr_epi32(1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30);
  const __m512i odd_quads = _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
  const auto pairs = [](__m512 a, __m512 b) __attribute__((always_inline)) {
    return _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, a, b),
                         _mm512_shuffle_ps(a, b, _MM_SHUFFLE(1, 0, 3, 2)));
  };
  const auto quad = [&](const Batch<Arch>* r) __attribute__((always_inline)) {
    const __m512 even = pairs(r[0], r[2]), other = pairs(r[1], r[3]);
    return _mm512_add_ps(_mm512_mask_blend_ps(0xAAAA, even, other), _mm512_permutex2var_ps(even, odd, other));
  };
  const auto halves = [](__m512 a, __m512 b) __attribute__((always_inline)) {
    return _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, b),
                         _mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(1, 0, 3, 2)));
  };
  const __m512 even = halves(quad(sums), quad(sums + 8)), other = halves(quad(sums + 4), quad(sums + 12));
  const __m512 all = _mm512_add_ps(_mm512_mask_blend_ps(0xF0F0, even, other),
                                   _mm512_permutex2var_ps(even, odd_quads, other));
  _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), all));
}
#endif

/// Rows of a row-major array: row r is the ids[r]-th, or the r-th where ids is null. Rows from `valid` on
/// repeat the last valid one.
struct SourceRows {
  const float* base;
  std::ptrdiff_t stride;
  const int* ids = nullptr;
  int valid = INT_MAX;

  const float* operator()(int r) const {
    const int row = r < valid ? r : valid - 1;
    return base + stride * (ids ? ids[row] : row);
  }
};

/// to[r * features + f] = tile[f * tile_rows + r] for r < rows and f < features, both whole registers.
template <class Arch>
POLIS_ONE_COPY void turn_tile(const float* tile, int features, int rows, float* to) {
  constexpr int width = batch_width<Batch<Arch>>;
  for (int f = 0; f < features; f += width, tile += width * tile_rows) {
    for (int r = 0; r < rows; r += 4) {
      Batch<Arch> out[4];
      transpose_quads<Arch>([=](int lane) { return tile + lane * tile_rows + r; }, out);
      for (int i = 0; i < 4; ++i) out[i].store_unaligned(to + (r + i) * features + f);
    }
  }
}

/// to[f * to_stride + r] = row(r)[f] for r below `rows` rounded up to a register (row(r) must stay
/// valid there) and f < features; features that are not a multiple of four overlap.
template <class Arch>
POLIS_ONE_COPY void transpose_rows(const SourceRows& row, int rows, int features, float* to,
                                   std::ptrdiff_t to_stride) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  for (int r = 0; r < rows; r += width) {
    const float* source[width];
    for (int lane = 0; lane < width; ++lane) source[lane] = row(r + lane);
    for (int chunk = 0; chunk < features && features >= 4; chunk += 4) {
      const int f = std::min(chunk, features - 4);
      Register out[4];
      transpose_quads<Arch>([&](int lane) { return source[lane] + f; }, out);
      for (int i = 0; i < 4; ++i) out[i].store_unaligned(to + (f + i) * to_stride + r);
    }
    for (int f = 0; f < features && features < 4; ++f) {
      for (int lane = 0; lane < width; ++lane) to[f * to_stride + r + lane] = source[lane][f];
    }
  }
}

}  // namespace internal

/// Gathers rows of a row-major array into a feature-major tile: tile[f][r] = base[ids[r] * stride + f] for
/// r < rows <= 64 (ids == nullptr: consecutive rows). Rows up to the next register repeat the last valid one,
/// so that padding is finite; the rows after them are not written.
template <class Arch>
void gather_tile(const float* base, std::size_t stride, const int* ids, int rows, int features, float* tile) {
  internal::transpose_rows<Arch>({base, static_cast<std::ptrdiff_t>(stride), ids, rows}, rows, features, tile,
                                 tile_rows);
}

/// gather_tile with observation normalisation: (x - mean[f]) * inverse_deviation[f], clipped to [-clip,
/// clip].
template <class Arch>
POLIS_ONE_COPY void gather_normalized_tile(const float* base, std::size_t stride, const int* ids, int rows,
                                           int features, const float* mean, const float* inverse_deviation,
                                           float clip, float* tile) {
  using Register = Batch<Arch>;
  gather_tile<Arch>(base, stride, ids, rows, features, tile);
  for (int f = 0; f < features; ++f) {
    for (int r = 0; r < rows; r += batch_width<Register>) {
      float* const at = tile + f * tile_rows + r;
      const Register scaled =
          (Register::load_unaligned(at) - Register(mean[f])) * Register(inverse_deviation[f]);
      xsimd::min(xsimd::max(scaled, Register(-clip)), Register(clip)).store_unaligned(at);
    }
  }
}

/// The reverse of gather_tile: base[ids[r] * stride + f] = tile[f][r] for the first `rows` rows.
POLIS_ONE_COPY inline void scatter_tile(const float* tile, int rows, int features, float* base,
                                        std::size_t stride, const int* ids) {
  for (int r = 0; r < rows; ++r) {
    float* to = base + stride * static_cast<std::size_t>(ids ? ids[r] : r);
    for (int f = 0; f < features; ++f) to[f] = tile[f * tile_rows + r];
  }
}

}  // namespace polis
