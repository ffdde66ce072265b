// The forward product of few samples: at most four, as one environment that acts by itself has.
//
// A register of samples would be empty but for them. Here registers run over outputs, and the weights are
// turned on the way, which costs less than the empty elements where a register has sixteen. Every sum is made
// in the order of the block kernels (core/gemm_block.hpp), so that a sample's outputs do not depend on how
// many others there are.
//
// Weights that stay as they are for many products may be turned beforehand, once: then nothing is turned on
// the way, samples lie one after the other, and up to three quarters of a register of them are served.
#pragma once

#include <cstddef>
#include <cstring>

#include <polis/core/gemm_block.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>

namespace polis::internal {

inline constexpr int few_rows = 4;

/// Whether the kernel beneath is the faster one.
template <class Arch>
constexpr bool few_rows_pay(int in, int out, int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  return width == 16 && rows <= few_rows && in >= 4 && out >= width;
}

/// y[o][0..3] of a register of outputs from `first` on; the other samples of y[o] are 0.
template <class Arch>
POLIS_ONE_COPY void few_rows_block(const MatrixProduct& p, int first) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  Register sum[few_rows];
  const Register start = p.start == Start::bias ? Register::load_unaligned(p.bias + first) : Register(0.f);
  unroll<few_rows>([&](auto r) __attribute__((always_inline)) { sum[r] = start; });
  const float* const weight = p.a + first * p.a_row;
  const auto add = [&](int k, const Register& column) __attribute__((always_inline)) {
    unroll<few_rows>([&](auto r) __attribute__((always_inline)) {
      sum[r] = multiply_add<Arch>(Register(p.b[k * p.b_row + r]), column, sum[r]);
    });
  };
  int k = 0;
  for (; k + 4 <= p.length; k += 4) {
    Register column[4];
    transpose_quads<Arch>([=](int lane) { return weight + lane * p.a_row + k; }, column);
    unroll<4>([&](auto step) __attribute__((always_inline)) { add(k + step, column[step]); });
  }
  for (; k < p.length; ++k) {
    alignas(Register) float column[width];
    for (int lane = 0; lane < width; ++lane) column[lane] = weight[lane * p.a_row + k];
    add(k, Register::load_aligned(column));
  }
  const Register zero(0.f);
  if (p.rectified) {
    unroll<few_rows>([&](auto r) __attribute__((always_inline)) { sum[r] = xsimd::max(sum[r], zero); });
  }
  each_lane<Arch>(sum, [&](int output, const float* samples) __attribute__((always_inline)) {
    float* const to = p.c + (first + output) * p.c_row;
    zero.store_unaligned(to);
    std::memcpy(to, samples, few_rows * sizeof(float));
  });
}

/// The first outputs of a forward product, of as many as fill registers; returns how many they are.
template <class Arch>
int multiply_few_rows(const MatrixProduct& p, int out) {
  constexpr int width = batch_width<Batch<Arch>>;
  int first = 0;
  for (; first + width <= out; first += width) few_rows_block<Arch>(p, first);
  return first;
}

/// How many rows a product with turned weights serves: with more of them a register of samples is full
/// enough.
template <class Arch>
inline constexpr int turned_rows = batch_width<Batch<Arch>> * 3 / 4;

/// Outputs of turned weights: whole registers, of the widest instruction set.
constexpr int turned_outputs(int out) { return (out + 15) / 16 * 16; }

/// A layer's weights [out][in], turned: [in][turned_outputs(out)], then the bias; zeros where no output is.
POLIS_ONE_COPY inline void turn_weights(const float* weight, const float* bias, int in, int out,
                                        float* turned) {
  const std::ptrdiff_t stride = turned_outputs(out);
  for (std::ptrdiff_t o = 0; o < stride; ++o) {
    for (std::ptrdiff_t k = 0; k < in; ++k) turned[k * stride + o] = o < out ? weight[o * in + k] : 0.f;
    turned[in * stride + o] = o < out ? bias[o] : 0.f;
  }
}

/// y[row][turned_outputs(out)] = max(W x + b, 0) if `rectified`, else W x + b, where feature k of sample r is
/// x[r * x_row + k * x_step]. Sums are those of the block kernels, in the same order.
template <class Arch>
POLIS_ONE_COPY void multiply_turned(const float* turned, const float* x, std::ptrdiff_t x_row,
                                    std::ptrdiff_t x_step, float* y, int in, int out, int rows,
                                    bool rectified) {
  const int stride = turned_outputs(out);
  for (int r = 0; r < rows; ++r) {
    std::memcpy(y + r * stride, turned + in * stride, sizeof(float) * static_cast<std::size_t>(stride));
  }
  MatrixProduct product{.a = x,
                        .a_row = x_row,
                        .a_step = x_step,
                        .b = turned,
                        .b_row = stride,
                        .c = y,
                        .c_row = stride,
                        .length = in,
                        .start = Start::result};
  product.rectified = rectified;
  multiply<Arch>(product, 0, rows, stride / batch_width<Batch<Arch>>);
}

/// y[output][row] of the tile from such products; the rest of each output's first register is 0.
template <class Arch>
void scatter_outputs(const float* product, float* y, int out, int rows) {
  const int stride = turned_outputs(out);
  const Batch<Arch> zero(0.f);
  for (int o = 0; o < out; ++o) {
    zero.store_unaligned(y + o * tile_rows);
    for (int r = 0; r < rows; ++r) y[o * tile_rows + r] = product[r * stride + o];
  }
}

}  // namespace polis::internal
