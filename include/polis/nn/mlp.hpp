// Multi-layer perceptrons: hidden layers with one activation, and a linear output layer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include <polis/core/gemm.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/dense.hpp>
#include <polis/nn/network.hpp>

namespace polis {

/// In inputs, hidden layers of `Widths` with `Act`, Out linear outputs. Blocks: "0.weight", "0.bias",
/// "1.weight", ... `DenseLayer<in, out>` is a layer as Dense is one, and says how its products are made.
template <template <int, int> class DenseLayer, int In, int Out, Activation Act, int... Widths>
struct LayeredNetwork {
  static constexpr int layers = sizeof...(Widths) + 1;
  static constexpr std::array<int, layers + 1> widths = {In, Widths..., Out};

  template <int layer>
  using Layer = DenseLayer<widths[layer], widths[layer + 1]>;

  /// Where layer `layer`'s weights begin.
  static constexpr int weights_at(int layer) {
    int offset = 0;
    for (int i = 0; i < layer; ++i) offset += (widths[at(i)] + 1) * widths[at(i) + 1];
    return offset;
  }

  /// Where they begin among the turned ones.
  static constexpr int turned_at(int layer) {
    int offset = 0;
    for (int i = 0; i < layer; ++i)
      offset += (widths[at(i)] + 1) * internal::turned_outputs(widths[at(i) + 1]);
    return offset;
  }

  static constexpr int inputs = In;
  static constexpr int outputs = Out;
  static constexpr int parameters = weights_at(layers);
  static constexpr int carry_size = 0;
  /// Hidden outputs, and, of an activation that keeps its input, hidden inputs behind them.
  static constexpr int cache_size = (Act::keeps_input ? 2 : 1) * (0 + ... + Widths) * tile_rows;
  static constexpr int widest = std::max({In, Widths...});
  /// Two tiles that take turns: a layer's weight gradient turns its input in the one that then receives the
  /// gradient of that input, so that both stay in the first cache.
  static constexpr int scratch_tile = std::max(widest * tile_rows, weight_gradient_scratch(widest));
  static constexpr int scratch_size = 2 * scratch_tile;

  static Layout layout() {
    Layout layout;
    internal::unroll<layers>([&](auto layer) {
      constexpr bool last = layer == layers - 1;
      Layer<layer>::append_to(layout, std::to_string(layer) + ".",
                              last ? BlockKind::output_weight : BlockKind::hidden_weight);
    });
    return layout;
  }

  template <class Arch>
  static void forward(const float* w, const float* x, float* /*carry*/, float* y, float* cache, int rows) {
    internal::unroll<layers>([&](auto layer) {
      using This = Layer<layer>;
      const float* from = layer == 0 ? x : cache + hidden_at(layer - 1);
      if constexpr (layer == layers - 1) {
        This::template forward<Arch, Identity>(w + weights_at(layer), from, y, nullptr, rows);
      } else {
        This::template forward<Arch, Act>(w + weights_at(layer), from, cache + hidden_at(layer),
                                          cache + kept_at(layer), rows);
      }
    });
  }

  static constexpr int turned_size = DenseLayer<1, 1>::turns ? turned_at(layers) : 0;
  /// Two of a layer's outputs, [row][turned_outputs] each.
  static constexpr int turned_scratch = tile_rows * internal::turned_outputs(std::max({Out, Widths...})) * 2;

  [[gnu::cold]] static void turn(const float* w, float* turned) {
    for (int layer = 0; layer < layers; ++layer) {
      const int in = widths[at(layer)], out = widths[at(layer) + 1];
      const float* const weight = w + weights_at(layer);
      internal::turn_weights(weight, weight + in * out, in, out, turned + turned_at(layer));
    }
  }

  template <class Arch>
  static void forward_turned(const float* turned, const float* x, float* y, float* scratch, int rows) {
    std::ptrdiff_t x_row = 1, x_step = tile_rows;
    for (int layer = 0; layer < layers; ++layer) {
      const int in = widths[at(layer)], out = widths[at(layer) + 1], stride = internal::turned_outputs(out);
      float* const to = scratch + layer % 2 * (turned_scratch / 2);
      const bool hidden = layer + 1 < layers;
      internal::multiply_turned<Arch>(turned + turned_at(layer), x, x_row, x_step, to, in, out, rows,
                                      hidden && internal::rectifies<Act>);
      if (hidden && !internal::rectifies<Act>) internal::activate_all<Arch, Act>(to, rows * stride);
      x = to, x_row = stride, x_step = 1;
    }
    internal::scatter_outputs<Arch>(x, y, Out, rows);
  }

  template <class Arch>
  static void backward(const float* w, float* dw, const float* x, const float* dy, float* dx,
                       float* /*d_carry*/, const float* cache, float* scratch, int rows) {
    const float* above = dy;
    internal::unroll<layers>([&](auto step) {
      constexpr int layer = layers - 1 - step;
      using This = Layer<layer>;
      const float* from = layer == 0 ? x : cache + hidden_at(layer - 1);
      float* const below = scratch + layer % 2 * scratch_tile;
      if (dw) This::template weight_gradient<Arch>(dw + weights_at(layer), from, above, below, rows);
      if constexpr (layer > 0) {
        This::template input_gradient<Arch, Act>(w + weights_at(layer), above, below,
                                                 cache + kept_at(layer - 1), rows);
        above = below;
      } else if (dx) {
        This::template input_gradient<Arch, Identity>(w, above, dx, nullptr, rows);
      }
    });
  }

 private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  /// Where the output of hidden layer `layer` lies in the cache.
  static constexpr int hidden_at(int layer) {
    int offset = 0;
    for (int i = 0; i < layer; ++i) offset += widths[at(i) + 1] * tile_rows;
    return offset;
  }
  /// Where what its activation keeps lies.
  static constexpr int kept_at(int layer) {
    return hidden_at(layer) + (Act::keeps_input ? (0 + ... + Widths) * tile_rows : 0);
  }
};

/// One with layers in float32.
template <int In, int Out, Activation Act, int... Widths>
using MlpNetwork = LayeredNetwork<Dense, In, Out, Act, Widths...>;

/// The word: hidden layers of these widths; none makes a linear model.
template <int... Widths>
struct Mlp {
  using word = word::Network;
  template <int In, int Out, Activation Act>
  using network = MlpNetwork<In, Out, Act, Widths...>;
  /// The same of another kind of layers.
  template <template <int, int> class DenseLayer, int In, int Out, Activation Act>
  using network_of = LayeredNetwork<DenseLayer, In, Out, Act, Widths...>;
};

}  // namespace polis
