// Dense layers whose samples are rows: the other orientation of core/gemm.hpp, for learning.
//
// Hidden units lie row-major, unit k of sample r at x[r * width + k], and registers run over units. A block
// of the product then takes four samples at a time in place of a register of sixteen, so that a batch of 100
// costs 100 and not 112; neither pass of the weights' gradient turns anything; and samples can be picked
// without a register that is half empty. In return the forward pass reads weights that were turned
// beforehand, [in][out]: worth it for weights that serve many samples. A network's own inputs and outputs
// stay feature-major tiles.
//
// Widths of hidden layers are whole registers. Rows up to the next four are computed; what lies there must be
// finite in x and zero in dy, and is unspecified in y and dx.
#pragma once

#include <algorithm>
#include <cstddef>

#include <polis/core/aligned.hpp>
#include <polis/core/gemm_block.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>

namespace polis::internal {

/// Rows that are computed for `rows` of them: whole blocks.
template <class Arch>
constexpr int block_rows(int rows) {
  constexpr int tall = Blocking<Arch>::rows;
  return (rows + tall - 1) / tall * tall;
}

/// turned[in][out], then the bias [out], from weight[out][in] and the bias; `out` in whole registers.
template <class Arch, int in, int out>
POLIS_ONE_COPY void turn_layer(const float* weight, const float* bias, float* turned) {
  constexpr int width = batch_width<Batch<Arch>>;
  static_assert(out % width == 0);
  std::copy_n(bias, out, turned + in * out);
  for (int o = 0; o < out; o += width, weight += width * in) {
    for (int k = 0; k + 4 <= in; k += 4) {
      // The optimizer has left the weights in the second cache, from where sixteen rows at a time come late:
      // a quarter of a cache line a step of the next sixteen.
      if (o + width < out) {
        unroll<width * 4 * static_cast<int>(sizeof(float)) / static_cast<int>(cache_line)>([&](auto i) {
          __builtin_prefetch(weight + width * (in + k) + i * (static_cast<int>(cache_line / sizeof(float))));
        });
      }
      Batch<Arch> column[4];
      transpose_quads<Arch>([=](int lane) { return weight + lane * in + k; }, column);
      unroll<4>([&](auto i) __attribute__((always_inline)) {
        column[i].store_unaligned(turned + (k + i) * out + o);
      });
    }
    for (int k = in / 4 * 4; k < in; ++k) {
      for (int lane = 0; lane < width; ++lane) turned[k * out + o + lane] = weight[lane * in + k];
    }
  }
}

/// Where feature k of sample r is: x[r * row + k * step].
struct Samples {
  const float* x;
  std::ptrdiff_t row, step;
};
inline Samples feature_major(const float* x) { return {x, 1, tile_rows}; }
inline Samples row_major_samples(const float* x, int width) { return {x, width, 1}; }

/// y[row][out] = max(W x + b, 0), by turned weights.
template <class Arch>
void rows_forward(const float* turned, const Samples& x, float* y, int in, int out, int rows) {
  MatrixProduct product{.a = x.x,
                        .a_row = x.row,
                        .a_step = x.step,
                        .b = turned,
                        .b_row = out,
                        .c = y,
                        .c_row = out,
                        .length = in,
                        .start = Start::row,
                        .bias = turned + static_cast<std::ptrdiff_t>(in) * out};
  product.rectified = true;
  multiply<Arch>(product, 0, block_rows<Arch>(rows), out / batch_width<Batch<Arch>>);
}

/// N registers' share of inputs_forward, at unit `first`: the weights stay in registers.
template <class Arch, int in, int N>
[[gnu::always_inline]] inline void inputs_forward_at(const float* turned, const float* x, float* y, int out,
                                                     int rows, int first) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  Register weight[(in + 1) * N];
  unroll<(in + 1) * N>([&](auto i) __attribute__((always_inline)) {
    weight[i] = Register::load_unaligned(turned + i / N * out + first + i % N * width);
  });
  const Register zero(0.f);
  for (int r = 0; r < rows; ++r) {
    float* const to = y + static_cast<std::ptrdiff_t>(r) * out + first;
    Register sum[N], element;
    unroll<N>([&](auto n) __attribute__((always_inline)) { sum[n] = weight[in * N + n]; });
    unroll<in * N>([&](auto i) __attribute__((always_inline)) {
      if constexpr (i % N == 0) element = Register(x[i / N * tile_rows + r]);
      sum[i % N] = multiply_add<Arch>(element, weight[i], sum[i % N]);
    });
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      xsimd::max(sum[n], zero).store_unaligned(to + n * width);
    });
  }
}

/// As rows_forward, of a few inputs that are a feature-major tile.
template <class Arch, int in>
POLIS_ONE_COPY void inputs_forward(const float* turned, const float* x, float* y, int out, int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  int first = 0;
  for (; first + 4 * width <= out; first += 4 * width)
    inputs_forward_at<Arch, in, 4>(turned, x, y, out, rows, first);
  for (; first < out; first += width) inputs_forward_at<Arch, in, 1>(turned, x, y, out, rows, first);
}

/// dx[row][in] = W' dy[row][out] where the layer's input x[row][in] is positive, else 0; W as it is stored.
template <class Arch>
void rows_input_gradient(const float* weight, const float* dy, const float* x, float* dx, int in, int out,
                         int rows) {
  MatrixProduct product{
      .a = dy, .a_row = out, .a_step = 1, .b = weight, .b_row = in, .c = dx, .c_row = in, .length = out};
  product.gate = x;
  multiply<Arch>(product, 0, block_rows<Arch>(rows), in / batch_width<Batch<Arch>>);
}

/// dW[out][in] += dy' x.
template <class Arch>
void rows_weight_gradient(const float* dy, const float* x, float* gradient, int in, int out, int rows) {
  multiply<Arch>({.a = dy,
                  .a_row = 1,
                  .a_step = out,
                  .b = x,
                  .b_row = in,
                  .c = gradient,
                  .c_row = in,
                  .length = rows,
                  .start = Start::result},
                 0, out, in / batch_width<Batch<Arch>>);
}

/// N registers' share of add_columns, at `first`.
template <class Arch, int N>
[[gnu::always_inline]] inline void add_columns_at(const float* x, int width, int rows, float* to) {
  using Register = Batch<Arch>;
  constexpr int floats = batch_width<Register>;
  Register sum[N], other[N];  // of the even rows, of the odd ones
  unroll<N>([&](auto n) __attribute__((always_inline)) {
    sum[n] = Register::load_unaligned(to + n * floats), other[n] = Register(0.f);
  });
  int r = 0;
  for (; r + 2 <= rows; r += 2, x += 2 * width) {
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      sum[n] = sum[n] + Register::load_unaligned(x + n * floats);
      other[n] = other[n] + Register::load_unaligned(x + width + n * floats);
    });
  }
  unroll<N>([&](auto n) __attribute__((always_inline)) {
    if (r < rows) sum[n] = sum[n] + Register::load_unaligned(x + n * floats);
    (sum[n] + other[n]).store_unaligned(to + n * floats);
  });
}

/// to[width] += the sums of x[rows][width] over its rows.
template <class Arch>
POLIS_ONE_COPY void add_columns(const float* x, int width, int rows, float* to) {
  constexpr int floats = batch_width<Batch<Arch>>;
  int k = 0;
  for (; k + 4 * floats <= width; k += 4 * floats) add_columns_at<Arch, 4>(x + k, width, rows, to + k);
  for (; k < width; k += floats) add_columns_at<Arch, 1>(x + k, width, rows, to + k);
}

/// to[r] = start + the dot product of `values` and x[r], both of `length` floats, for a register of rows at a
/// time; x has whole registers of rows.
template <class Arch>
POLIS_ONE_COPY void dot_rows(const float* values, float start, const float* x, int length, int rows,
                             float* to) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  for (int r = 0; r < rows; r += width, x += width * length) {
    Register sum[width];
    unroll<width>([&](auto i) __attribute__((always_inline)) { sum[i] = Register(0.f); });
    for (int k = 0; k < length; k += width) {
      const Register left = Register::load_unaligned(values + k);
      unroll<width>([&](auto i) __attribute__((always_inline)) {
        sum[i] = multiply_add<Arch>(left, Register::load_unaligned(x + i * length + k), sum[i]);
      });
    }
    Register(start).store_unaligned(to + r);
    add_sums<Arch>(to + r, sum);
  }
}

/// What one output of a network sends back to N registers of the last hidden layer, x[row][in] rectified:
/// d[row][in] = its gradient, or d += that, and the output's weights' own.
template <class Arch, int N, bool adds>
[[gnu::always_inline]] inline void output_gradient_at(const float* weight, float* gradient, const float* x,
                                                      const float* dy, float* d, int in, int rows) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  const Register zero(0.f);
  Register w[N], sum[N];
  unroll<N>([&](auto n) __attribute__((always_inline)) {
    w[n] = Register::load_unaligned(weight + n * width), sum[n] = zero;
  });
  for (int r = 0; r < rows; ++r, x += in, d += in) {
    const Register error(dy[r]);
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      const Register unit = Register::load_unaligned(x + n * width);
      sum[n] = multiply_add<Arch>(error, unit, sum[n]);
      const Register before = adds ? Register::load_unaligned(d + n * width) : zero;
      const Register after = multiply_add<Arch>(error, w[n], before);
      xsimd::select(unit > zero, after, zero).store_unaligned(d + n * width);
    });
  }
  if (!gradient) return;
  unroll<N>([&](auto n) __attribute__((always_inline)) {
    (Register::load_unaligned(gradient + n * width) + sum[n]).store_unaligned(gradient + n * width);
  });
}
template <class Arch, bool adds>
POLIS_ONE_COPY void output_gradient(const float* weight, float* gradient, const float* x, const float* dy,
                                    float* d, int in, int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  const auto at = [gradient](int k) { return gradient ? gradient + k : nullptr; };
  int k = 0;
  for (; k + 4 * width <= in; k += 4 * width)
    output_gradient_at<Arch, 4, adds>(weight + k, at(k), x + k, dy, d + k, in, rows);
  for (; k < in; k += width) output_gradient_at<Arch, 1, adds>(weight + k, at(k), x + k, dy, d + k, in, rows);
}

/// N registers' share of inputs_gradient, at output `first`.
template <class Arch, int count, int N>
[[gnu::always_inline]] inline void inputs_gradient_at(const float* dy, const float* x, float* gradient,
                                                      float* bias, int in, int out, int rows, int first) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>, together = 4;
  static_assert(count <= together);
  Register sum[(count + 1) * N];  // of each input, then of the bias
  unroll<(count + 1) * N>([&](auto i) __attribute__((always_inline)) { sum[i] = Register(0.f); });
  for (int r = 0; r < rows; ++r) {
    const float* const from = dy + static_cast<std::ptrdiff_t>(r) * out + first;
    Register error[N], element;
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      error[n] = Register::load_unaligned(from + n * width);
      keep_in_register<Arch>(error[n]);
      sum[count * N + n] = sum[count * N + n] + error[n];
    });
    unroll<count * N>([&](auto i) __attribute__((always_inline)) {
      if constexpr (i % N == 0) element = Register(x[i / N * tile_rows + r]);
      sum[i] = multiply_add<Arch>(element, error[i % N], sum[i]);
    });
  }
  unroll<N>([&](auto n) __attribute__((always_inline)) {
    const int output = first + n * width;
    Register sums[together];
    unroll<together>([&](auto i)
                         __attribute__((always_inline)) { sums[i] = sum[std::min<int>(i, count) * N + n]; });
    each_lane<Arch>(sums, [&](int lane, const float* four) __attribute__((always_inline)) {
      float* const to = gradient + static_cast<std::ptrdiff_t>(output + lane) * in;
      for (int i = 0; i < count; ++i) to[i] += four[i];
    });
    if (!bias) return;
    (Register::load_unaligned(bias + output) + sum[count * N + n]).store_unaligned(bias + output);
  });
}

/// The gradient of a layer whose inputs are a feature-major tile, with respect to `count` <= 4 of them:
/// dW[out][in] += dy' x, and that of its bias, unless that is null.
template <class Arch, int count>
POLIS_ONE_COPY void inputs_gradient(const float* dy, const float* x, float* gradient, float* bias, int in,
                                    int out, int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  int first = 0;
  for (; first + 4 * width <= out; first += 4 * width)
    inputs_gradient_at<Arch, count, 4>(dy, x, gradient, bias, in, out, rows, first);
  for (; first < out; first += width)
    inputs_gradient_at<Arch, count, 1>(dy, x, gradient, bias, in, out, rows, first);
}

}  // namespace polis::internal
