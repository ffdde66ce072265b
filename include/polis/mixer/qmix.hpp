// QMIX: monotonic value function factorisation (Rashid et al. 2018), with hypernetworks in PyMARL2's shape
// (Hu et al. 2021, "Rethinking the implementation tricks and monotonicity constraint in cooperative MARL"):
//
//   Q_tot = |w2(s)| . elu(|W1(s)| q + b1(s)) + V(s)
//
// where W1 and w2 are networks of the state with one hidden layer of ReLU, b1 is linear and V has one hidden
// layer. No weight on the way from q to Q_tot is negative and elu increases: so does Q_tot.
#pragma once

#include <algorithm>

#include <polis/core/math.hpp>
#include <polis/mixer/mixer.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/mlp.hpp>

namespace polis {

/// `Embed` hidden units of the mixing network, hypernetworks of width `Hyper`. Blocks: "w1.", "b1.", "w2."
/// and "v." with an MLP's names behind them; w1's outputs are [Agents][Embed].
template <int Agents, int StateFeatures, int Embed, int Hyper>
struct QmixMixer {
  static constexpr int agents = Agents;
  using W1 = MlpNetwork<StateFeatures, Agents * Embed, Relu, Hyper>;
  using B1 = MlpNetwork<StateFeatures, Embed, Relu>;
  using W2 = MlpNetwork<StateFeatures, Embed, Relu, Hyper>;
  using V = MlpNetwork<StateFeatures, 1, Relu, Embed>;

  static constexpr int b1_at = W1::parameters, w2_at = b1_at + B1::parameters, v_at = w2_at + W2::parameters;
  static constexpr int parameters = v_at + V::parameters;

  // The cache: outputs of the hypernetworks, the hidden layer, and what the hypernetworks keep.
  static constexpr int w1_out = 0, w2_out = w1_out + Agents * Embed * tile_rows;
  static constexpr int hidden = w2_out + Embed * tile_rows, v_out = hidden + Embed * tile_rows;
  static constexpr int w1_cache = v_out + tile_rows, b1_cache = w1_cache + W1::cache_size;
  static constexpr int w2_cache = b1_cache + B1::cache_size, v_cache = w2_cache + W2::cache_size;
  static constexpr int cache_size = v_cache + V::cache_size;

  // The scratch: gradients of the hypernetworks' outputs, and what their own backward passes need.
  static constexpr int d_w1 = 0, d_b1 = d_w1 + Agents * Embed * tile_rows;
  static constexpr int d_w2 = d_b1 + Embed * tile_rows, below = d_w2 + Embed * tile_rows;
  static constexpr int scratch_size =
      below + std::max({W1::scratch_size, B1::scratch_size, W2::scratch_size, V::scratch_size});

  static Layout layout() {
    Layout layout;
    append(layout, "w1.", W1::layout());
    append(layout, "b1.", B1::layout());
    append(layout, "w2.", W2::layout());
    append(layout, "v.", V::layout());
    return layout;
  }

  template <class Arch>
  static void forward(const float* w, const float* q, const float* state, float* total, float* cache,
                      int rows) {
    W1::template forward<Arch>(w, state, nullptr, cache + w1_out, cache + w1_cache, rows);
    B1::template forward<Arch>(w + b1_at, state, nullptr, cache + hidden, cache + b1_cache, rows);
    W2::template forward<Arch>(w + w2_at, state, nullptr, cache + w2_out, cache + w2_cache, rows);
    V::template forward<Arch>(w + v_at, state, nullptr, cache + v_out, cache + v_cache, rows);
    using T = Batch<Arch>;
    for (int r = 0; r < rows; r += batch_width<T>) {
      const In<T> values{q + r, tile_rows}, w1{cache + w1_out + r, tile_rows},
          w2{cache + w2_out + r, tile_rows}, b1{cache + hidden + r, tile_rows};
      const Out<T> h{cache + hidden + r, tile_rows};
      T sum = In<T>{cache + v_out + r, tile_rows}[0];
      for (int e = 0; e < Embed; ++e) {
        T x = b1[e];
        for (int i = 0; i < Agents; ++i) x = math::fma(math::abs(w1[i * Embed + e]), T(values[i]), x);
        const T y = math::select(x > T(0.f), x, math::exp(math::min(x, T(0.f))) - T(1.f));
        h.set(e, y);
        sum = math::fma(math::abs(w2[e]), y, sum);
      }
      Out<T>{total + r, tile_rows}.set(0, sum);
    }
  }

  template <class Arch>
  static void backward(const float* w, float* dw, const float* q, const float* state, const float* d_total,
                       float* d_q, const float* cache, float* scratch, int rows) {
    using T = Batch<Arch>;
    const T zero(0.f), one(1.f);
    const auto sign = [&](const T& x) {
      return math::select(x > zero, one, math::select(x < zero, -one, zero));
    };
    for (int r = 0; r < rows; r += batch_width<T>) {
      const In<T> values{q + r, tile_rows}, w1{cache + w1_out + r, tile_rows},
          w2{cache + w2_out + r, tile_rows}, h{cache + hidden + r, tile_rows};
      const Out<T> to_w1{scratch + d_w1 + r, tile_rows}, to_b1{scratch + d_b1 + r, tile_rows},
          to_w2{scratch + d_w2 + r, tile_rows}, to_q{d_q + r, tile_rows};
      const T above = In<T>{d_total + r, tile_rows}[0];
      T slope[Agents];
      for (int i = 0; i < Agents; ++i) slope[i] = zero;
      for (int e = 0; e < Embed; ++e) {
        const T y = h[e], weight = w2[e];
        to_w2.set(e, above * y * sign(weight));
        // elu's derivative: 1, or exp(x), which is y + 1
        const T dx = above * math::abs(weight) * math::select(y > zero, one, y + one);
        to_b1.set(e, dx);
        for (int i = 0; i < Agents; ++i) {
          const T each = w1[i * Embed + e];
          to_w1.set(i * Embed + e, dx * T(values[i]) * sign(each));
          slope[i] = math::fma(dx, math::abs(each), slope[i]);
        }
      }
      for (int i = 0; i < Agents; ++i) to_q.set(i, slope[i]);
    }
    float* const rest = scratch + below;
    W1::template backward<Arch>(w, dw, state, scratch + d_w1, nullptr, nullptr, cache + w1_cache, rest, rows);
    B1::template backward<Arch>(w + b1_at, dw + b1_at, state, scratch + d_b1, nullptr, nullptr,
                                cache + b1_cache, rest, rows);
    W2::template backward<Arch>(w + w2_at, dw + w2_at, state, scratch + d_w2, nullptr, nullptr,
                                cache + w2_cache, rest, rows);
    V::template backward<Arch>(w + v_at, dw + v_at, state, d_total, nullptr, nullptr, cache + v_cache, rest,
                               rows);
  }
};

/// The word: QMIX with `Embed` mixing units and hypernetworks of width `Hyper`.
template <int Embed = 32, int Hyper = 64>
struct Qmix {
  using word = word::Mixer;
  static constexpr bool joint = true, needs_state = true;
  template <int Agents, int StateFeatures>
  using mixer = QmixMixer<Agents, StateFeatures, Embed, Hyper>;
};

}  // namespace polis
