// Dense layers on tiles: forward, input gradient and weight gradient, with bias and activation fused.
//
// Tiles are feature-major (core/tile.hpp): feature f of sample r at x[f * 64 + r]. Weights are W[out][in],
// row-major and unpadded, exactly as stored. Registers run over samples, so the forward pass broadcasts
// W[o][k] and the input gradient W[k][i], and neither packs anything. The weight gradient reduces over
// samples: it turns x once into scratch and broadcasts dy. Where the inputs do not fill a register it turns
// dy instead, and where the outputs are few it adds up dot products.
//
// `rows` (1..64) samples are valid. Only the registers that hold them are computed. What lies in the rest of
// those registers must be finite in x and *zero in dy* (the caller zeroes the gradient of its outputs;
// kernels keep it zero from layer to layer), and is unspecified in y and dx.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include <polis/core/gemm_block.hpp>
#include <polis/core/gemm_few.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>

namespace polis {

/// No activation: the default of the kernels below.
struct Identity {
  static constexpr bool keeps_input = false;
  template <class T>
  POLIS_HD T operator()(T x) const {
    return x;
  }
  template <class T>
  POLIS_HD static T derivative(T) {
    return T(1);
  }
};

namespace internal {

template <class Arch>
int registers_of(int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  return (rows + width - 1) / width;
}

/// A row of ones: dot products with it are sums.
alignas(64) inline constexpr auto ones = [] {
  std::array<float, tile_rows> values{};
  values.fill(1.f);
  return values;
}();

/// to[i] += the dot product of `row` and x[i] over `registers` registers, for i < count.
template <class Arch>
POLIS_ONE_COPY void add_dots(const float* row, const float* x, float* to, int count, int registers) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  int first = 0;
  for (; first + width <= count; first += width, x += width * tile_rows) {
    Register sum[width];
    unroll<width>([&](auto i) __attribute__((always_inline)) { sum[i] = Register(0.f); });
    for (int n = 0; n < registers * width; n += width) {
      const Register left = Register::load_unaligned(row + n);
      unroll<width>([&](auto i) __attribute__((always_inline)) {
        sum[i] = multiply_add<Arch>(left, Register::load_unaligned(x + i * tile_rows + n), sum[i]);
      });
    }
    add_sums<Arch>(to + first, sum);
  }
  for (; first < count; ++first, x += tile_rows) {
    Register sum(0.f);
    for (int n = 0; n < registers * width; n += width) {
      sum = multiply_add<Arch>(Register::load_unaligned(row + n), Register::load_unaligned(x + n), sum);
    }
    to[first] += horizontal_sum<Arch>(sum);
  }
}

/// The gradient of all outputs with respect to `count` <= 4 inputs of x, and to the bias unless it is null:
/// dot products of as many outputs with four inputs each as fill a register with their sums. The bias is a
/// fifth input of ones, or takes the place of one that is not there.
template <class Arch>
POLIS_ONE_COPY void few_inputs_gradient(const float* dy, const float* x, float* gradient, float* bias,
                                        int count, int in, int out, int registers) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>, together = width / 4;
  const float* input[4] = {x, x, x, x};
  for (int i = 1; i < count; ++i) input[i] = x + i * tile_rows;
  if (bias && count < 4) input[count] = ones.data();
  for (int first = 0; first < out; first += together) {
    const float* row[together];
    for (int o = 0; o < together; ++o) row[o] = dy + std::min(first + o, out - 1) * tile_rows;
    Register sum[width];
    unroll<width>([&](auto i) __attribute__((always_inline)) { sum[i] = Register(0.f); });
    for (int n = 0; n < registers * width; n += width) {
      const Register right[4] = {
          Register::load_unaligned(input[0] + n), Register::load_unaligned(input[1] + n),
          Register::load_unaligned(input[2] + n), Register::load_unaligned(input[3] + n)};
      unroll<width>([&](auto i) __attribute__((always_inline)) {
        sum[i] = multiply_add<Arch>(Register::load_unaligned(row[i / 4] + n), right[i % 4], sum[i]);
      });
    }
    alignas(Register) float totals[width] = {};
    add_sums<Arch>(totals, sum);
    for (int o = 0; o < together && first + o < out; ++o) {
      float* const to = gradient + static_cast<std::ptrdiff_t>(first + o) * in;
      for (int i = 0; i < count; ++i) to[i] += totals[o * 4 + i];
      if (bias && count < 4) bias[first + o] += totals[o * 4 + count];
    }
  }
  if (bias && count == 4) add_dots<Arch>(ones.data(), dy, bias, out, registers);
}

/// Whether an activation is max(x, 0), which the product's block applies as it stores.
template <class Activation>
inline constexpr bool rectifies = requires { requires Activation::rectifies; };

/// Rows whose finished values are still in the first cache when they are gone over again.
inline constexpr int band = 32;

template <class Arch, class Activation>
POLIS_ONE_COPY void activate(const float* from, float* to, int features, int registers) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  for (int f = 0; f < features; ++f) {
    for (int r = 0; r < registers * width; r += width) {
      const int at = f * tile_rows + r;
      Activation{}(Register::load_unaligned(from + at)).store_unaligned(to + at);
    }
  }
}

/// The same in place, of `count` floats: whole registers.
template <class Arch, class Activation>
POLIS_ONE_COPY void activate_all(float* values, int count) {
  using Register = Batch<Arch>;
  for (int i = 0; i < count; i += batch_width<Register>) {
    Activation{}(Register::load_aligned(values + i)).store_aligned(values + i);
  }
}

/// dx *= Activation's derivative at `kept`.
template <class Arch, class Activation>
POLIS_ONE_COPY void multiply_derivative(const float* kept, float* dx, int features, int registers) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  for (int f = 0; f < features; ++f) {
    for (int r = 0; r < registers * width; r += width) {
      const int at = f * tile_rows + r;
      const Register slope = Activation::derivative(Register::load_unaligned(kept + at));
      (Register::load_unaligned(dx + at) * slope).store_unaligned(dx + at);
    }
  }
}

}  // namespace internal

/// y[out][64] = Activation(W[out][in] x[in][64] + bias). `bias` may be null. An activation that keeps its
/// input writes it to `kept` [out][64].
template <class Arch, class Activation = Identity>
void dense_forward(const float* weight, const float* bias, const float* x, float* y, int in, int out,
                   int rows, float* kept = nullptr) {
  const int registers = internal::registers_of<Arch>(rows);
  float* const linear = Activation::keeps_input ? kept : y;
  internal::MatrixProduct product{.a = weight,
                                  .a_row = in,
                                  .a_step = 1,
                                  .b = x,
                                  .b_row = tile_rows,
                                  .c = linear,
                                  .c_row = tile_rows,
                                  .length = in,
                                  .start = bias ? internal::Start::bias : internal::Start::zero,
                                  .bias = bias};
  product.rectified = internal::rectifies<Activation>;
  constexpr bool whole = std::is_same_v<Activation, Identity> || internal::rectifies<Activation>;
  int first = 0;
  if (internal::few_rows_pay<Arch>(in, out, rows)) {
    first = internal::multiply_few_rows<Arch>(product, out);
    if constexpr (!whole) internal::activate<Arch, Activation>(linear, y, first, registers);
  }
  for (; first < out; first += whole ? out : internal::band) {
    const int last = whole ? out : std::min(out, first + internal::band);
    internal::multiply<Arch>(product, first, last, registers);
    if constexpr (!whole) {
      internal::activate<Arch, Activation>(linear + first * tile_rows, y + first * tile_rows, last - first,
                                           registers);
    }
  }
}

/// dx[in][64] = W' dy[out][64], or dx += W' dy; then times Activation's derivative at `kept` [in][64], where
/// Activation is that of the layer below, whose output is this layer's x.
template <class Arch, class Activation = Identity, bool accumulate = false>
void dense_input_gradient(const float* weight, const float* dy, float* dx, int in, int out, int rows,
                          const float* kept = nullptr) {
  const int registers = internal::registers_of<Arch>(rows);
  internal::MatrixProduct product{.a = weight,
                                  .a_row = 1,
                                  .a_step = in,
                                  .b = dy,
                                  .b_row = tile_rows,
                                  .c = dx,
                                  .c_row = tile_rows,
                                  .length = out,
                                  .start = accumulate ? internal::Start::result : internal::Start::zero};
  if constexpr (std::is_same_v<Activation, Identity> || internal::rectifies<Activation>) {
    if constexpr (internal::rectifies<Activation>) product.gate = kept;
    internal::multiply<Arch>(product, 0, in, registers);
  } else {
    for (int first = 0; first < in; first += internal::band) {
      const int last = std::min(in, first + internal::band);
      internal::multiply<Arch>(product, first, last, registers);
      internal::multiply_derivative<Arch, Activation>(kept + first * tile_rows, dx + first * tile_rows,
                                                      last - first, registers);
    }
  }
}

/// Floats of scratch that dense_weight_gradient needs.
constexpr int weight_gradient_scratch(int in) { return in * tile_rows; }

/// dW[out][in] += dy x', db[out] += row sums of dy (db may be null). `scratch` holds
/// weight_gradient_scratch(in) floats, 64-byte aligned.
template <class Arch>
POLIS_ONE_COPY void dense_weight_gradient(const float* dy, const float* x, float* weight_gradient,
                                          float* bias_gradient, int in, int out, int rows, float* scratch) {
  constexpr int width = batch_width<Batch<Arch>>;
  const int registers = internal::registers_of<Arch>(rows);
  // Turning a register of inputs costs about as much as the dot products of four outputs.
  constexpr int few_outputs = 4;
  const int turned = out > few_outputs ? in / width * width : 0;
  if (turned > 0) {
    internal::turn_tile<Arch>(x, turned, registers * width, scratch);
    internal::multiply<Arch>({.a = dy,
                              .a_row = tile_rows,
                              .a_step = 1,
                              .b = scratch,
                              .b_row = turned,
                              .c = weight_gradient,
                              .c_row = in,
                              .length = rows,
                              .start = internal::Start::result},
                             0, out, turned / width);
  }
  const float* const rest = x + turned * tile_rows;
  if (out > few_outputs) {
    for (int i = turned; i < in; i += 4) {
      internal::few_inputs_gradient<Arch>(dy, x + i * tile_rows, weight_gradient + i,
                                          i == turned ? bias_gradient : nullptr, std::min(4, in - i), in, out,
                                          registers);
    }
    if (turned < in) return;
  }
  for (int o = 0; o < out && turned < in; ++o) {
    internal::add_dots<Arch>(dy + o * tile_rows, rest,
                             weight_gradient + static_cast<std::ptrdiff_t>(o) * in + turned, in - turned,
                             registers);
  }
  if (bias_gradient) {
    internal::add_dots<Arch>(internal::ones.data(), dy, bias_gradient, out, registers);
  }
}

}  // namespace polis
