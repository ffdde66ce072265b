// Dense layers on tiles: forward, input gradient and weight gradient, with bias and activation fused.
//
// Tiles are feature-major (core/tile.hpp): feature f of sample r at x[f * 64 + r]. Weights are W[out][in],
// row-major and unpadded, exactly as stored. Registers run over samples, so the forward pass broadcasts
// W[o][k] and the input gradient W[k][i], and neither packs anything. The weight gradient reduces over
// samples: it turns x once into scratch and broadcasts dy; the columns that do not fill a register are dot
// products.
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

/// to[0..count) += sums of four accumulators, count <= 4.
template <class Arch>
[[gnu::always_inline]] inline void add_sums(float* to, int count, const Batch<Arch>* sums) {
  if (count == 4) return add_sums<Arch>(to, sums[0], sums[1], sums[2], sums[3]);
  float quad[4] = {};
  add_sums<Arch>(quad, sums[0], sums[1], sums[2], sums[3]);
  for (int i = 0; i < count; ++i) to[i] += quad[i];
}

/// gradient[o][i] += sum over registers of dy[o] x[i], for O outputs and inputs [i, i + count), count <= 4.
template <class Arch, int O>
void dot_block(const float* dy, const float* x, int registers, int count, float* gradient, int in) {
  using Register = Batch<Arch>;
  Register sum[O][4];
  unroll<O>([&](auto o) __attribute__((always_inline)) {
    unroll<4>([&](auto i) __attribute__((always_inline)) { sum[o][i] = Register(0.f); });
  });
  const float* input[4];
  for (int i = 0; i < 4; ++i) input[i] = x + std::min(i, count - 1) * tile_rows;
  for (int n = 0; n < registers; ++n) {
    const int at = n * batch_width<Register>;
    Register right[4];
    unroll<4>([&](auto i)
                  __attribute__((always_inline)) { right[i] = Register::load_unaligned(input[i] + at); });
    unroll<O>([&](auto o) __attribute__((always_inline)) {
      const Register left = Register::load_unaligned(dy + o * tile_rows + at);
      unroll<4>([&](auto i) __attribute__((always_inline)) {
        sum[o][i] = multiply_add<Arch>(left, right[i], sum[o][i]);
      });
    });
  }
  unroll<O>([&](auto o) __attribute__((always_inline)) {
    add_sums<Arch>(gradient + static_cast<std::ptrdiff_t>(o) * in, count, sum[o]);
  });
}

/// The weight gradient of inputs [first, in) as dot products: for few inputs or few outputs.
template <class Arch>
void dot_gradient(const float* dy, const float* x, float* gradient, int first, int in, int out,
                  int registers) {
  constexpr int block = Blocking<Arch>::many_registers ? 4 : 2;
  for (int i = first; i < in; i += 4) {
    const int count = std::min(4, in - i);
    const int whole = out / block * block;
    for (int o = 0; o < whole; o += block) {
      dot_block<Arch, block>(dy + o * tile_rows, x + i * tile_rows, registers, count,
                             gradient + static_cast<std::ptrdiff_t>(o) * in + i, in);
    }
    for (int o = whole; o < out; ++o) {
      dot_block<Arch, 1>(dy + o * tile_rows, x + i * tile_rows, registers, count,
                         gradient + static_cast<std::ptrdiff_t>(o) * in + i, in);
    }
  }
}

template <class Arch>
void bias_gradient(const float* dy, float* gradient, int out, int registers) {
  using Register = Batch<Arch>;
  for (int o = 0; o < out; o += 4) {
    const int count = std::min(4, out - o);
    Register sum[4];
    unroll<4>([&](auto i) __attribute__((always_inline)) {
      const float* from = dy + (o + std::min<int>(i, count - 1)) * tile_rows;
      sum[i] = Register::load_unaligned(from);
      for (int n = 1; n < registers; ++n) {
        sum[i] += Register::load_unaligned(from + n * batch_width<Register>);
      }
    });
    add_sums<Arch>(gradient + o, count, sum);
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
  // Turning a register of inputs costs about as much as the dot products of four outputs.
  constexpr int few_outputs = 4;
  constexpr bool may_turn = can_occur(known<Inputs>, width) && can_occur(known<Outputs>, few_outputs + 1);
  int turned = 0;
  if constexpr (may_turn) {
    if (out > few_outputs && in >= width) {
      const auto registers = whole_registers<width>(in);
      turned = registers * width;
      const auto row = [x](int i) { return x + static_cast<std::ptrdiff_t>(i) * tile_rows; };
      transpose_rows<Arch>(row, turned, (rows + 3) / 4 * 4, scratch, turned,
                           [](int, const Batch<Arch>& value) { return value; });
      const Broadcast<std::integral_constant<int, tile_rows>, std::integral_constant<int, 1>> a{dy, {}, {}};
      multiply<Arch>(a, Panel{scratch, turned}, rows, out, registers,
                     WeightGradientTarget<Arch>{weight_gradient, in});
    }
  }
  constexpr bool all_turned =
      known < Inputs >> 0 && known<Inputs> % width == 0 && known < Outputs >> few_outputs;
  if constexpr (!all_turned) {
    dot_gradient<Arch>(dy, x, weight_gradient, turned, in, out, registers_of<Arch>(rows));
  }
  if (bias_gradient) internal::bias_gradient<Arch>(dy, bias_gradient, out, registers_of<Arch>(rows));
}

}  // namespace polis
