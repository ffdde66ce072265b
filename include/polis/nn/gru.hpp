// Gated recurrent unit (Cho et al. 2014), in the equations of PyTorch's GRU, with a linear output layer:
//
//   r = sigmoid(Wr x + br + Ur h + cr)     z = sigmoid(Wz x + bz + Uz h + cz)
//   n = tanh(Wn x + bn + r (Un h + cn))    h' = (1 - z) n + z h     y = Wy h' + by
#pragma once

#include <algorithm>
#include <cstring>

#include <polis/core/gemm.hpp>
#include <polis/core/math.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/dense.hpp>
#include <polis/nn/network.hpp>

namespace polis {

/// In inputs, a carry h of Width, Out linear outputs of h'. The gates are stacked r, z, n. Blocks:
/// "input.weight" [3 Width][In], "input.bias", "recurrent.weight" [3 Width][Width], "recurrent.bias",
/// "output.weight", "output.bias".
template <int In, int Out, int Width>
struct GruNetwork {
  static constexpr int inputs = In;
  static constexpr int outputs = Out;
  static constexpr int carry_size = Width;

  using Input = Dense<In, 3 * Width>;
  using Recurrent = Dense<Width, 3 * Width>;
  using Output = Dense<Width, Out>;
  static constexpr int recurrent_at = Input::parameters;
  static constexpr int output_at = recurrent_at + Recurrent::parameters;
  static constexpr int parameters = output_at + Output::parameters;

  static constexpr int state = Width * tile_rows;  // floats of one state's tile
  /// h; r, z, n; h', a tile that is free after forward, and Un h + cn.
  static constexpr int cache_size = 7 * state;
  /// Gradients of the three gates, and what the weight gradients need.
  static constexpr int scratch_size = 3 * state + weight_gradient_scratch(std::max(In, Width));

  static Layout layout() {
    Layout layout;
    Input::append_to(layout, "input.", BlockKind::recurrent_weight);
    Recurrent::append_to(layout, "recurrent.", BlockKind::recurrent_weight);
    Output::append_to(layout, "output.", BlockKind::output_weight);
    return layout;
  }

  template <class Arch>
  static void forward(const float* w, const float* x, float* carry, float* y, float* cache, int rows) {
    float* const gates = cache + state;
    float* const from_carry = cache + 4 * state;
    std::memcpy(cache, carry, state * sizeof(float));
    Input::template forward<Arch, Identity>(w, x, gates, nullptr, rows);
    Recurrent::template forward<Arch, Identity>(w + recurrent_at, carry, from_carry, nullptr, rows);
    each_register<Arch>(rows, [&](int at) {
      using T = Batch<Arch>;
      const Write<T> g{gates + at, state}, u{from_carry + at, state}, h{carry + at, state};
      const T r = math::sigmoid(g[0] + u[0]), z = math::sigmoid(g[1] + u[1]);
      const T n = math::tanh(math::fma(r, u[2], g[2]));
      const T next = math::fma(z, h[0] - n, n);
      g.set(0, r);
      g.set(1, z);
      g.set(2, n);
      u.set(0, next);
      h.set(0, next);
    });
    Output::template forward<Arch, Identity>(w + output_at, carry, y, nullptr, rows);
  }

  template <class Arch>
  static void backward(const float* w, float* dw, const float* x, const float* dy, float* dx, float* d_carry,
                       const float* cache, float* scratch, int rows) {
    const float* const before = cache;
    const float* const after = cache + 4 * state;
    float* const d_gates = scratch;
    float* const turned = scratch + 3 * state;

    if (dw) Output::template weight_gradient<Arch>(dw + output_at, after, dy, turned, rows);
    dense_input_gradient<Arch, Identity, true>(w + output_at, dy, d_carry, Width, Out, rows);
    each_register<Arch>(rows, [&](int at) {
      using T = Batch<Arch>;
      const Read<T> kept{cache + at, state};
      const T h = kept[0], r = kept[1], z = kept[2], n = kept[3], from_carry = kept[6];
      const Write<T> d{d_gates + at, state}, dh{d_carry + at, state};
      const T d_next = dh[0];
      const T dn = d_next * (T(1) - z) * Tanh::derivative(n);
      d.set(0, dn * from_carry * r * (T(1) - r));
      d.set(1, d_next * (h - n) * z * (T(1) - z));
      d.set(2, dn);
      dh.set(0, d_next * z);
    });
    if (dw) Input::template weight_gradient<Arch>(dw, x, d_gates, turned, rows);
    if (dx) Input::template input_gradient<Arch, Identity>(w, d_gates, dx, nullptr, rows);

    // The recurrent part of n enters through the reset gate.
    each_register<Arch>(rows, [&](int at) {
      const Write<Batch<Arch>> d{d_gates + at, state};
      d.set(2, d[2] * Read<Batch<Arch>>{cache + at, state}[1]);
    });
    if (dw) Recurrent::template weight_gradient<Arch>(dw + recurrent_at, before, d_gates, turned, rows);
    dense_input_gradient<Arch, Identity, true>(w + recurrent_at, d_gates, d_carry, Width, 3 * Width, rows);
  }

 private:
  template <class T>
  using Write = polis::Out<T>;  // In and Out are numbers here
  template <class T>
  using Read = polis::In<T>;

  /// body(offset) for every register of a state's tile that holds valid rows.
  template <class Arch, class Body>
  static void each_register(int rows, const Body& body) {
    for (int unit = 0; unit < Width; ++unit) {
      for (int row = 0; row < rows; row += batch_width<Batch<Arch>>) body(unit * tile_rows + row);
    }
  }
};

/// The word. A GRU has its own gates: the activation, which shapes feed-forward hidden layers, does not
/// enter.
template <int Width>
struct Gru {
  using word = word::Network;
  template <int In, int Out, Activation>
  using network = GruNetwork<In, Out, Width>;
};

}  // namespace polis
