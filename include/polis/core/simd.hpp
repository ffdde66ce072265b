// SIMD registers of rows: xsimd's batches under polis' names, and their access to tiles.
//
// Kernels take the xsimd architecture as a template parameter, `template <class Arch>`, so that translation
// units compiled with different flags instantiate different functions and cannot mix.
#pragma once

// g++ 12 takes its own AVX-512 intrinsics for uses of uninitialised registers (its bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <polis/core/tile.hpp>

namespace polis {

/// The widest instruction set that the compiler's flags allow.
using Simd = xsimd::default_arch;

/// A register of floats: neighbouring rows of one feature of a tile.
template <class Arch = Simd>
using Batch = xsimd::batch<float, Arch>;

/// Floats in a register, for any T of pointwise code (1 for float and double).
template <class T>
inline constexpr int batch_width = 1;
template <class Arch>
inline constexpr int batch_width<xsimd::batch<float, Arch>> = static_cast<int>(Batch<Arch>::size);

template <class T>
inline constexpr bool is_batch = false;
template <class Arch>
inline constexpr bool is_batch<xsimd::batch<float, Arch>> = true;

static_assert(tile_rows % batch_width<Batch<>> == 0, "a tile is a whole number of registers");

/// Unaligned instructions: on an aligned address they cost the same on every machine of the last decade, and
/// rollouts ([time][row], any number of rows) may be read with the same code as tiles.
template <class Arch>
struct Load<xsimd::batch<float, Arch>> {
  static Batch<Arch> load(const float* from) { return Batch<Arch>::load_unaligned(from); }
  static void store(float* to, const Batch<Arch>& value) { value.store_unaligned(to); }
};

/// a * b + c, one fused instruction where Arch has it (xsimd 8 has none for AVX-512 and leaves the fusion to
/// the compiler, which g++ does and clang does not).
template <class Arch>
[[gnu::always_inline]] inline Batch<Arch> multiply_add(const Batch<Arch>& a, const Batch<Arch>& b,
                                                       const Batch<Arch>& c) {
#if XSIMD_WITH_AVX512F
  if constexpr (batch_width<Batch<Arch>> == 16) return Batch<Arch>(_mm512_fmadd_ps(a, b, c));
#endif
  return xsimd::fma(a, b, c);
}

/// Keeps a value that is used several times in a register. Tuned for some processors (znver3) g++ reads it
/// from memory again for each use, of which a core does two a cycle: products then wait for loads.
template <class Arch>
[[gnu::always_inline]] inline void keep_in_register([[maybe_unused]] Batch<Arch>& value) {
#if defined(__GNUC__) && defined(__x86_64__)
  asm("" : "+v"(value.data));  // NOLINT(hicpp-no-assembler)
#elif defined(__GNUC__) && defined(__aarch64__)
  asm("" : "+w"(value.data));  // NOLINT(hicpp-no-assembler)
#endif
}

/// The sum of a register's elements, added in halves (element i to i + width/2, and so on): an order that
/// depends on the width alone, not on xsimd's version or the compiler.
template <class Arch>
float horizontal_sum(const Batch<Arch>& batch) {
  constexpr int width = batch_width<Batch<Arch>>;
  alignas(Batch<Arch>) float lanes[width];
  batch.store_aligned(lanes);
  for (int half = width / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

}  // namespace polis
