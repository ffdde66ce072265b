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
#include <cstddef>
#include <type_traits>

#include <polis/core/gemm_block.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>

namespace polis {

/// No activation: the default of the kernels below.
struct Identity {
  static constexpr bool keeps_input = false;
  template <class T>
  T operator()(T x) const {
    return x;
  }
  template <class T>
  static T derivative(T) {
    return T(1);
  }
};

namespace internal {

template <class Arch>
int registers_of(int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  return (rows + width - 1) / width;
}

/// Registers that `count` floats fill, a constant if `count` is one.
template <int width, class Count>
constexpr auto whole_registers(Count count) {
  if constexpr (known<Count> < 0) {
    return count / width;
  } else {
    return std::integral_constant<int, known<Count> / width>{};
  }
}

/// Where a forward pass goes: bias first, activation on the finished rows while they are in the first cache.
template <class Arch, class Activation>
struct ForwardTarget {
  using Register = Batch<Arch>;
  static constexpr int width = batch_width<Register>;
  const float* bias;
  float* y;
  float* kept;

  [[gnu::always_inline]] Register start(int m, int) const { return Register(bias ? bias[m] : 0.f); }
  [[gnu::always_inline]] void finish(int m, int n, const Register& value) const {
    value.store_unaligned((Activation::keeps_input ? kept : y) + m * tile_rows + n * width);
  }
  template <int N>
  void after(int m, int n) const {
    if constexpr (!std::is_same_v<Activation, Identity>) {
      const float* from = (Activation::keeps_input ? kept : y) + m * tile_rows + n * width;
      float* to = y + m * tile_rows + n * width;
      for (int i = 0; i < N; ++i) {
        Activation{}(Register::load_unaligned(from + i * width)).store_unaligned(to + i * width);
      }
    }
  }
};

/// Where an input gradient goes: times the derivative of the activation that made the layer's input.
template <class Arch, class Activation, bool accumulate>
struct InputGradientTarget {
  using Register = Batch<Arch>;
  static constexpr int width = batch_width<Register>;
  float* dx;
  const float* kept;

  [[gnu::always_inline]] Register start(int m, int n) const {
    if constexpr (accumulate) return Register::load_unaligned(dx + m * tile_rows + n * width);
    return Register(0.f);
  }
  [[gnu::always_inline]] void finish(int m, int n, const Register& value) const {
    const int at = m * tile_rows + n * width;
    if constexpr (std::is_same_v<Activation, Identity>) {
      value.store_unaligned(dx + at);
    } else {
      (value * Activation::derivative(Register::load_unaligned(kept + at))).store_unaligned(dx + at);
    }
  }
  template <int N>
  void after(int, int) const {}
};

/// Adds to whole registers of W's gradient.
template <class Arch>
struct WeightGradientTarget {
  using Register = Batch<Arch>;
  float* gradient;
  int in;

  float* at(int m, int n) const {
    return gradient + static_cast<std::ptrdiff_t>(m) * in + n * batch_width<Register>;
  }
  [[gnu::always_inline]] Register start(int m, int n) const { return Register::load_unaligned(at(m, n)); }
  [[gnu::always_inline]] void finish(int m, int n, const Register& value) const {
    value.store_unaligned(at(m, n));
  }
  template <int N>
  void after(int, int) const {}
};

/// to[i] += the elements of a sum over registers, for i < count; term(i, offset of a register, sum) adds to
/// it.
template <class Arch, class Term>
void add_row_sums(float* to, int count, int registers, const Term& term) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  int first = 0;
  for (; first + width <= count; first += width) {
    Register sum[width];
    unroll<width>([&](auto i) __attribute__((always_inline)) { sum[i] = Register(0.f); });
    for (int n = 0; n < registers; ++n) {
      unroll<width>([&](auto i)
                        __attribute__((always_inline)) { sum[i] = term(first + i, n * width, sum[i]); });
    }
    add_sums<Arch>(to + first, sum);
  }
  for (; first < count; ++first) {
    Register sum(0.f);
    for (int n = 0; n < registers; ++n) sum = term(first, n * width, sum);
    to[first] += horizontal_sum<Arch>(sum);
  }
}

/// db[o] += row sums of dy.
template <class Arch>
void bias_gradient(const float* dy, float* gradient, int out, int registers) {
  using Register = Batch<Arch>;
  add_row_sums<Arch>(gradient, out, registers,
                     [dy](int o, int at, const Register& sum) __attribute__((always_inline)) {
                       return sum + Register::load_unaligned(dy + o * tile_rows + at);
                     });
}

/// One row of the weight gradient, as dot products: for few outputs.
template <class Arch>
void dot_row(const float* dy, const float* x, float* gradient, int in, int registers) {
  using Register = Batch<Arch>;
  add_row_sums<Arch>(gradient, in, registers,
                     [=](int i, int at, const Register& sum) __attribute__((always_inline)) {
                       return multiply_add<Arch>(Register::load_unaligned(dy + at),
                                                 Register::load_unaligned(x + i * tile_rows + at), sum);
                     });
}

/// The gradient of a register's width of outputs with respect to `count` <= 4 inputs, and to the bias unless
/// it is null. Turns dy on the way: for few inputs.
template <class Arch>
void turned_block(const float* dy, const float* x, float* gradient, float* bias, int count, int in,
                  int rows) {
  using Register = Batch<Arch>;
  constexpr int width = batch_width<Register>;
  const float* input[4];
  for (int i = 0; i < 4; ++i) input[i] = x + std::min(i, count - 1) * tile_rows;
  Register sum[4], total(0.f);
  unroll<4>([&](auto i) __attribute__((always_inline)) { sum[i] = Register(0.f); });
  for (int r = 0; r < rows; r += 4) {
    Register column[4];
    transpose_quads<Arch>([=](int o) { return dy + o * tile_rows + r; }, column);
    unroll<4>([&](auto step) __attribute__((always_inline)) {
      total = total + column[step];
      unroll<4>([&](auto i) __attribute__((always_inline)) {
        sum[i] = multiply_add<Arch>(Register(input[i][r + step]), column[step], sum[i]);
      });
    });
  }
  if (bias) (Register::load_unaligned(bias) + total).store_unaligned(bias);
  Register quads[4];  // of the outputs j, j + 4, ...
  interleave<Arch>(sum[0], sum[1], sum[2], sum[3], quads);
  for (int j = 0; j < 4; ++j) {
    alignas(Register) float part[width];
    quads[j].store_aligned(part);
    for (int quad = 0; quad < width; quad += 4) {
      float* to = gradient + static_cast<std::ptrdiff_t>(quad + j) * in;
      if (count == 4) {
        for (int i = 0; i < 4; ++i) to[i] += part[quad + i];
      } else {
        for (int i = 0; i < count; ++i) to[i] += part[quad + i];
      }
    }
  }
}

}  // namespace internal

/// y[out][64] = Activation(W[out][in] x[in][64] + bias). `bias` may be null. An activation that keeps its
/// input writes it to `kept` [out][64]. `in` and `out` are ints or integral constants: a constant `in`
/// unrolls the reduction (use `length<N>()`, which does so where it pays), a constant `out` only saves code.
template <class Arch, class Activation = Identity, class Length = int, class Outputs = int>
void dense_forward(const float* weight, const float* bias, const float* x, float* y, Length in, Outputs out,
                   int rows, float* kept = nullptr) {
  using namespace internal;
  const Broadcast<Length, std::integral_constant<int, 1>> a{weight, in, {}};
  multiply<Arch>(a, Panel{x, tile_rows}, in, out, registers_of<Arch>(rows),
                 ForwardTarget<Arch, Activation>{bias, y, kept});
}

/// dx[in][64] = W' dy[out][64], or dx += W' dy; then times Activation's derivative at `kept` [in][64], where
/// Activation is that of the layer below, whose output is this layer's x. As above, with the reduction over
/// `out`.
template <class Arch, class Activation = Identity, bool accumulate = false, class Inputs = int,
          class Length = int>
void dense_input_gradient(const float* weight, const float* dy, float* dx, Inputs in, Length out, int rows,
                          const float* kept = nullptr) {
  using namespace internal;
  const Broadcast<std::integral_constant<int, 1>, int> a{weight, {}, in};
  multiply<Arch>(a, Panel{dy, tile_rows}, out, in, registers_of<Arch>(rows),
                 InputGradientTarget<Arch, Activation, accumulate>{dx, kept});
}

/// Floats of scratch that dense_weight_gradient needs.
constexpr int weight_gradient_scratch(int in) { return in * tile_rows; }

/// dW[out][in] += dy x', db[out] += row sums of dy (db may be null). `scratch` holds
/// weight_gradient_scratch(in) floats, 64-byte aligned.
template <class Arch, class Inputs = int, class Outputs = int>
void dense_weight_gradient(const float* dy, const float* x, float* weight_gradient, float* bias_gradient,
                           Inputs in, Outputs out, int rows, float* scratch) {
  using namespace internal;
  constexpr int width = batch_width<Batch<Arch>>;
  const int registers = registers_of<Arch>(rows), rows_in_quads = (rows + 3) / 4 * 4;
  // Turning a register of inputs costs about as much as the dot products of four outputs.
  constexpr int few_outputs = 4;
  constexpr bool may_turn = can_occur(known<Inputs>, width) && can_occur(known<Outputs>, few_outputs + 1);
  int turned = 0;
  if constexpr (may_turn) {
    if (out > few_outputs && in >= width) {
      const auto columns = whole_registers<width>(in);
      turned = columns * width;
      const auto row = [x](int i) { return x + static_cast<std::ptrdiff_t>(i) * tile_rows; };
      transpose_rows<Arch>(row, turned, rows_in_quads, scratch, turned,
                           [](int, const Batch<Arch>& value) { return value; });
      const Broadcast<std::integral_constant<int, tile_rows>, std::integral_constant<int, 1>> a{dy, {}, {}};
      multiply<Arch>(a, Panel{scratch, turned}, rows, out, columns,
                     WeightGradientTarget<Arch>{weight_gradient, in});
    }
  }
  constexpr bool all_turned =
      known < Inputs >> 0 && known<Inputs> % width == 0 && known < Outputs >> few_outputs;
  int summed = 0;  // outputs whose bias is done
  if constexpr (!all_turned) {
    const int rest = in - turned;
    if (can_occur(known<Outputs>, width) && rest > 0 && rest < width) {
      for (; summed + width <= out; summed += width) {
        for (int i = turned; i < in; i += 4) {
          turned_block<Arch>(dy + summed * tile_rows, x + i * tile_rows,
                             weight_gradient + static_cast<std::ptrdiff_t>(summed) * in + i,
                             bias_gradient && i == turned ? bias_gradient + summed : nullptr,
                             std::min(4, in - i), in, rows_in_quads);
        }
      }
    }
    const int dots = rest > 0 ? out - summed : 0;
    const float* row = dy + summed * tile_rows;
    float* to = weight_gradient + static_cast<std::ptrdiff_t>(summed) * in + turned;
    for (int o = 0; o < dots; ++o, row += tile_rows, to += in) {
      dot_row<Arch>(row, x + turned * tile_rows, to, rest, registers);
    }
  }
  if (bias_gradient && summed < out) {
    internal::bias_gradient<Arch>(dy + summed * tile_rows, bias_gradient + summed, out - summed, registers);
  }
}

}  // namespace polis
