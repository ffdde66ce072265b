// The matrix product that every kernel of polis is made of: C[m][n] = start + sum_k A[m][k] B[k][n].
//
// B's rows are registers of neighbouring floats (samples of a tile, or columns of a transposed tile) and A's
// elements are broadcast, so that A is read where it is stored, in either orientation, and nothing is packed.
// A block of Blocking<Arch>::rows x columns accumulators stays in registers for the whole reduction. Strides
// and lengths are values, so that one instruction set has one copy of each block, whatever the layers are.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>

namespace polis {

/// Accumulators of one block: `rows` broadcast elements times `columns` registers. With 32 registers 4 x 4
/// hides the latency of four cycles on two units; with 16 registers, 12 accumulators leave room for the
/// operands.
template <class Arch>
struct Blocking {
  static constexpr int width = batch_width<Batch<Arch>>;
#if defined(__aarch64__)
  static constexpr bool many_registers = true;
#else
  static constexpr bool many_registers = width == 16;
#endif
  static constexpr int rows = many_registers || width == 4 ? 4 : 6;
  static constexpr int columns = many_registers ? 4 : 2;
};

namespace internal {

template <int... I, class Body>
[[gnu::always_inline]] inline void unroll(std::integer_sequence<int, I...>, Body&& body) {
  (body(std::integral_constant<int, I>{}), ...);
}
/// body(0) ... body(N - 1) with constant arguments: accumulators must be registers at every optimisation
/// level.
template <int N, class Body>
[[gnu::always_inline]] inline void unroll(Body&& body) {
  unroll(std::make_integer_sequence<int, N>{}, body);
}

/// The operands' elements: floats, each a step of the reduction.
struct Floats {
  template <class Arch>
  [[gnu::always_inline]] static Batch<Arch> multiply_add(const Batch<Arch>& a, const Batch<Arch>& b,
                                                         const Batch<Arch>& sum) {
    return polis::multiply_add<Arch>(a, b, sum);
  }
};

/// What a product starts from: zero, a bias for each row, one row of biases for all of them, or what stands
/// in C.
enum class Start { zero, bias, row, result };

/// The operands of a product. Strides are in floats; B and C are read and written in whole registers. A and B
/// hold elements of 32 bits, of which `Elements` knows how they multiply: floats, or pairs of steps
/// (core/bfloat16.hpp).
struct MatrixProduct {
  const float* a;  // element (m, k) at a[m * a_row + k * a_step]
  std::ptrdiff_t a_row, a_step;
  const float* b;  // row k begins at b[k * b_row]
  std::ptrdiff_t b_row;
  float* c;  // row m begins at c[m * c_row]
  std::ptrdiff_t c_row;
  int length;  // of the reduction
  Start start = Start::zero;
  const float* bias = nullptr;  // with Start::bias one a row, with Start::row [columns]
  bool rectified = false;       // what is negative becomes 0
  const float* gate = nullptr;  // what stands where this is not positive becomes 0; strides as C
};

/// M x N registers of the product, at row m0 and register n0: register n of row m is the one of number m N +
/// n. Accumulators must be registers at every optimisation level, so that their numbers are constants; as
/// packs
/// (`i` numbers the block's registers, `n` those of a row) they cost compilers a third of what a lambda for
/// each of them does.
template <class Arch, int M, int N, class Elements, int... i, int... n>
POLIS_ONE_COPY void block_of(const MatrixProduct& p, int m0, int n0, std::integer_sequence<int, i...>,
                             std::integer_sequence<int, n...>) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  float* const to = p.c + m0 * p.c_row + n0 * width;
  Register sum[M * N];
  if (p.start == Start::bias) {
    ((sum[i] = i % N == 0 ? Register(p.bias[m0 + i / N]) : sum[i / N * N]), ...);
  } else if (p.start == Start::row) {
    ((sum[i] = i < N ? Register::load_unaligned(p.bias + (n0 + i % N) * width) : sum[i % N]), ...);
  } else if (p.start == Start::result) {
    ((sum[i] = Register::load_unaligned(to + i / N * p.c_row + i % N * width)), ...);
  } else {
    ((sum[i] = Register(0.f)), ...);
  }
  const std::ptrdiff_t a_row = p.a_row, a_step = p.a_step, b_row = p.b_row;
  const float* left = p.a + m0 * a_row;
  const float* right = p.b + n0 * width;
  for (int k = 0; k < p.length; ++k) {
    Register panel[N] = {Register::load_unaligned(right + n * width)...};
    (keep_in_register<Arch>(panel[n]), ...);
    Register element;  // of the row's, broadcast
    ((element = i % N == 0 ? Register(left[i / N * a_row]) : element,
      sum[i] = Elements::template multiply_add<Arch>(element, panel[i % N], sum[i])),
     ...);
    left += a_step;
    right += b_row;
  }
  const Register zero(0.f);
  if (p.rectified) {
    ((sum[i] = xsimd::max(sum[i], zero)), ...);
  } else if (p.gate) {
    const float* const gate = p.gate + (to - p.c);
    ((sum[i] = xsimd::select(Register::load_unaligned(gate + i / N * p.c_row + i % N * width) > zero, sum[i],
                             zero)),
     ...);
  }
  (sum[i].store_unaligned(to + i / N * p.c_row + i % N * width), ...);
}
template <class Arch, int M, int N, class Elements>
[[gnu::always_inline]] inline void block(const MatrixProduct& p, int m0, int n0) {
  block_of<Arch, M, N, Elements>(p, m0, n0, std::make_integer_sequence<int, M * N>{},
                                 std::make_integer_sequence<int, N>{});
}

/// M rows at row m, all of `columns` registers.
template <class Arch, int M, class Elements>
void block_row(const MatrixProduct& p, int m, int columns) {
  constexpr int wide = Blocking<Arch>::columns;
  int n = 0;
  for (; n + wide <= columns; n += wide) block<Arch, M, wide, Elements>(p, m, n);
  if constexpr (wide > 2) {  // what is left in one go, lest few accumulators wait for one another
    if (columns - n == 3) block<Arch, M, 3, Elements>(p, m, n), n += 3;
    if (columns - n == 2) block<Arch, M, 2, Elements>(p, m, n), n += 2;
  }
  for (; n < columns; ++n) block<Arch, M, 1, Elements>(p, m, n);
}

/// Rows [m, last) of the product, over `columns` registers. The reduction runs in order whatever the shape of
/// the blocks, so that a row's result does not depend on how many others there are.
template <class Arch, class Elements = Floats>
POLIS_ONE_COPY void multiply(const MatrixProduct& p, int m, int last, int columns) {
  constexpr int tall = Blocking<Arch>::rows, few = 8;
  if (columns == 1) {  // as many rows as hide the latency with one register each
    for (; m + few <= last; m += few) block<Arch, few, 1, Elements>(p, m, 0);
  }
  for (; m + tall <= last; m += tall) block_row<Arch, tall, Elements>(p, m, columns);
  if constexpr (tall > 4) {  // what is left in few blocks: single rows wait for their own sums
    for (; m + 4 <= last; m += 4) block_row<Arch, 4, Elements>(p, m, columns);
  }
  for (; m + 2 <= last; m += 2) block_row<Arch, 2, Elements>(p, m, columns);
  for (; m < last; ++m) block_row<Arch, 1, Elements>(p, m, columns);
}

}  // namespace internal
}  // namespace polis
