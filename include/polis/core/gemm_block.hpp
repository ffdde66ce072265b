// The register block that every matrix product of polis is made of: C[m][n] = start + sum_k A[m][k] B[k][n].
//
// B's rows are registers of neighbouring floats (samples of a tile, or columns of a transposed tile) and A's
// elements are broadcast, so that A is read where it is stored, in either orientation, and nothing is packed.
// A block of Blocking<Arch>::rows x columns accumulators stays in registers for the whole reduction.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/simd.hpp>

namespace polis {

/// A reduction length for the kernels below: a compile-time constant when short, where unrolling the
/// reduction pays (measured: 65% at length 4, 3% at 64), a plain int otherwise, to save code.
template <int N>
constexpr auto length() {
  if constexpr (N <= 16) {
    return std::integral_constant<int, N>{};
  } else {
    return N;
  }
}

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

/// A matrix whose elements are broadcast: element (m, k) lies at data[m * row + k * step].
template <class Row, class Step>
struct Broadcast {
  const float* data;
  Row row;
  Step step;
};

/// A matrix read in registers: row k begins at data[k * stride].
struct Panel {
  const float* data;
  int stride;
};

/// M x N registers of the product, at row m0 and register n0. `target.start(m, n)` gives the initial value,
/// `target.finish(m, n, value)` takes the result, `target.after<N>(m, n0)` may work on a finished row.
template <class Arch, int M, int N, class A, class Length, class Target>
void block(const A& a, const Panel& b, Length length, const Target& target, int m0, int n0) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  Register sum[M][N];
  unroll<M>([&](auto m) __attribute__((always_inline)) {
    unroll<N>([&](auto n) __attribute__((always_inline)) { sum[m][n] = target.start(m0 + m, n0 + n); });
  });
  const float* left = a.data + static_cast<std::ptrdiff_t>(m0) * a.row;
  const float* right = b.data + n0 * width;
  for (int k = 0; k < length; ++k) {
    Register panel[N];
    unroll<N>([&](auto n)
                  __attribute__((always_inline)) { panel[n] = Register::load_unaligned(right + n * width); });
    unroll<M>([&](auto m) __attribute__((always_inline)) {
      const Register element(left[static_cast<std::ptrdiff_t>(m) * a.row]);
      unroll<N>([&](auto n) __attribute__((always_inline)) {
        sum[m][n] = multiply_add<Arch>(element, panel[n], sum[m][n]);
      });
    });
    left += a.step;
    right += b.stride;
  }
  unroll<M>([&](auto m) __attribute__((always_inline)) {
    unroll<N>([&](auto n) __attribute__((always_inline)) { target.finish(m0 + m, n0 + n, sum[m][n]); });
  });
  for (int m = 0; m < M; ++m) target.template after<N>(m0 + m, n0);
}

/// The value of a count that is known at compile time, -1 of an int.
template <class Count>
inline constexpr int known = -1;
template <int N>
inline constexpr int known<std::integral_constant<int, N>> = N;

/// Whether blocks of `size` can occur where `left` remain (-1: unknown), and how many remain after them.
constexpr bool can_occur(int left, int size) { return left < 0 || left >= size; }
constexpr int left_after(int left, int size) { return left < 0 ? -1 : left % size; }

/// Columns [n, columns) of M rows, in blocks of N and then of smaller powers of two. `left` is how many
/// columns there are, where that is known: block sizes that cannot occur are not instantiated.
template <class Arch, int M, int N, int left, class A, class Length, class Target>
void block_row(const A& a, const Panel& b, Length length, const Target& target, int m, int n, int columns) {
  if constexpr (can_occur(left, N)) {
    for (; n + N <= columns; n += N) block<Arch, M, N>(a, b, length, target, m, n);
  }
  if constexpr (N > 1 && left_after(left, N) != 0) {
    if (n < columns) block_row<Arch, M, N / 2, left_after(left, N)>(a, b, length, target, m, n, columns);
  }
}

template <class Arch, int M, int left, class A, class Length, class Columns, class Target>
void block_rows(const A& a, const Panel& b, Length length, const Target& target, int m, int rows,
                Columns columns) {
  if constexpr (can_occur(left, M)) {
    for (; m + M <= rows; m += M) {
      block_row<Arch, M, Blocking<Arch>::columns, known<Columns>>(a, b, length, target, m, 0, columns);
    }
  }
  if constexpr (M > 1 && left_after(left, M) != 0) {
    if (m < rows) block_rows<Arch, M / 2, left_after(left, M)>(a, b, length, target, m, rows, columns);
  }
}

/// The whole product: `rows` rows of A times `columns` registers of B, over a reduction of `length`. Each is
/// an int or a std::integral_constant.
template <class Arch, class A, class Length, class Rows, class Columns, class Target>
void multiply(const A& a, const Panel& b, Length length, Rows rows, Columns columns, const Target& target) {
  if constexpr (known<Columns> < 0) {
    if (columns == 1) {  // few samples: as many rows as hide the latency with one register each
      constexpr std::integral_constant<int, 1> one{};
      block_rows<Arch, 8, known<Rows>>(a, b, length, target, 0, rows, one);
      return;
    }
  }
  block_rows<Arch, Blocking<Arch>::rows, known<Rows>>(a, b, length, target, 0, rows, columns);
}

}  // namespace internal
}  // namespace polis
