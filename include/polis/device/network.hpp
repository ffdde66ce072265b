// The passes of a multi-layer perceptron by one block of threads, over a tile of rows in shared memory.
//
// Everything is feature-major (device/layer.hpp). The weights are packed once per kernel: rows and columns
// padded with zeros to multiples of four (of sixteen where tensor cores multiply), so that all products go by
// whole squares. A hidden layer's activation is turned into its gradient where it stands.
#pragma once

#include <cstddef>
#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/device/bfloat16.hpp>
#include <polis/device/layer.hpp>
#include <polis/nn/bfloat16.hpp>
#include <polis/nn/mlp.hpp>

namespace polis::internal {

/// How a kind of dense layers is passed through by a block of threads, and how wide it is padded.
template <template <int, int> class DenseLayer>
struct BlockLayers;
template <>
struct BlockLayers<Dense> {
  static constexpr int padded(int width) { return padded_to_four(width); }
  template <int In, int Out>
  using Layer = BlockLayer<padded(In), padded(Out)>;
};
template <>
struct BlockLayers<Bfloat16Dense> {
  static constexpr int padded(int width) { return padded_to(width < bfloat16_width ? 4 : 16, width); }
  template <int In, int Out>
  using Layer = std::conditional_t<Bfloat16Dense<In, Out>::rounds,
                                   BlockBfloat16Layer<padded_to(16, In), padded_to(16, Out)>,
                                   BlockLayer<padded(In), padded(Out)>>;
};

template <class Network>
struct BlockMlp;

/// The passes of a whole network. Tiles: inputs [in][68] and outputs [out][68], padded with zeros; hidden
/// layers one after the other, what they keep behind them, and the layers' staging memory.
template <template <int, int> class DenseLayer, int In, int Out, Activation Act, int... Widths>
struct BlockMlp<LayeredNetwork<DenseLayer, In, Out, Act, Widths...>> {
  using Network = LayeredNetwork<DenseLayer, In, Out, Act, Widths...>;
  using Kind = BlockLayers<DenseLayer>;
  template <int layer>
  using Layer = typename Kind::template Layer<Network::widths[layer], Network::widths[layer + 1]>;
  static constexpr int layers = Network::layers;
  static constexpr int inputs = Kind::padded(In), outputs = Kind::padded(Out);
  static constexpr int input_tile = inputs * tile_pitch, output_tile = outputs * tile_pitch;

  /// Width of layer `layer`'s input, as it is and padded; that of its output is the next one's.
  static constexpr int width(int layer) {
    constexpr int all[] = {In, Widths..., Out};
    return all[layer];
  }
  static constexpr int padded(int layer) { return Kind::padded(width(layer)); }
  static constexpr int packed_at(int layer) {
    int at = 0;
    for (int i = 0; i < layer; ++i) at += (padded(i) + 1) * padded(i + 1);
    return at;
  }
  static constexpr int packed_size = padded_to(8, packed_at(layers));
  static constexpr int hidden_at(int layer) {
    int at = 0;
    for (int i = 0; i < layer; ++i) at += padded(i + 1) * tile_pitch;
    return at;
  }
  static constexpr int staging_at = hidden_at(layers - 1) * (Act::keeps_input ? 2 : 1);
  template <int layer = 0>
  static constexpr int staging_size() {
    if constexpr (layer == layers) {
      return 0;
    } else {
      return Layer<layer>::staging_size > staging_size<layer + 1>() ? Layer<layer>::staging_size
                                                                    : staging_size<layer + 1>();
    }
  }
  static constexpr int hidden_size = staging_at + staging_size();
  static constexpr int kept_at(int layer) {
    return hidden_at(layer) + (Act::keeps_input ? hidden_at(layers - 1) : 0);
  }

  template <class Block>
  POLIS_HD static void pack(Block& block, const float* weights, float* packed) {
    block.each(packed_size, [=](int i) { packed[i] = 0; });
    block.each(Network::parameters, [=](int i) { pack_one<0>(packed, i, weights[i]); });
  }
  /// The gradient, which is packed as weights of float32 are, in the network's own order.
  template <class Block>
  POLIS_HD static void unpack(Block& block, const float* packed, float* weights) {
    block.each(Network::parameters, [=](int i) { weights[i] = packed[packed_index(i)]; });
  }

  template <class Block>
  POLIS_HD static void forward(Block& block, const float* w, const float* x, float* y, float* hidden) {
    constexpr int last = layers - 1;
    forward_hidden(block, w, x, hidden);
    Layer<last>::template forward<Identity>(block, w + packed_at(last),
                                            last == 0 ? x : hidden + hidden_at(last - 1), y, nullptr,
                                            hidden + staging_at);
  }
  /// The hidden layers alone, for a backward pass whose forward pass made room for others.
  template <class Block>
  POLIS_HD static void forward_hidden(Block& block, const float* w, const float* x, float* hidden) {
    hidden_from<0>(block, w, x, hidden);
  }
  /// Adds the gradient of a loss with derivatives dy to `dw`; the hidden layers are used up.
  template <class Block>
  POLIS_HD static void backward(Block& block, const float* w, float* dw, const float* x, const float* dy,
                                float* hidden) {
    backward_from<layers - 1>(block, w, dw, x, dy, hidden);
  }
  /// The gradient of the inputs alone, dx [in][68]; the hidden layers are used up.
  template <class Block>
  POLIS_HD static void input_gradient(Block& block, const float* w, const float* dy, float* dx,
                                      float* hidden) {
    input_gradient_from<layers - 1>(block, w, dy, dx, hidden);
  }

 private:
  template <int layer>
  POLIS_HD static void pack_one(float* packed, int i, float value) {
    constexpr int in = width(layer), out = width(layer + 1);
    float* const to = packed + packed_at(layer);
    if (i < in * out) return Layer<layer>::place(to, i / in, i % in, value);
    if (i < (in + 1) * out) return Layer<layer>::place(to, padded(layer + 1), i - in * out, value);
    if constexpr (layer + 1 < layers) pack_one<layer + 1>(packed, i - (in + 1) * out, value);
  }
  /// Where weight i of the network's own order lies in the packed gradient.
  POLIS_HD static int packed_index(int i) {
    int layer = 0, at = 0;
    while (i >= (width(layer) + 1) * width(layer + 1)) {
      i -= (width(layer) + 1) * width(layer + 1);
      at += (padded(layer) + 1) * padded(layer + 1);
      ++layer;
    }
    const int in = width(layer), out = width(layer + 1);
    if (i >= in * out) return at + padded(layer) * padded(layer + 1) + (i - in * out);
    return at + i / in * padded(layer) + i % in;
  }
  template <int layer, class Block>
  POLIS_HD static void input_gradient_from(Block& block, const float* w, const float* dy, float* dx,
                                           float* hidden) {
    using This = Layer<layer>;
    if constexpr (layer > 0) {
      float* const below = hidden + hidden_at(layer - 1);
      This::template input_gradient<Act>(block, w + packed_at(layer), dy, below, hidden + kept_at(layer - 1),
                                         hidden + staging_at);
      input_gradient_from<layer - 1>(block, w, below, dx, hidden);
    } else {
      This::template input_gradient<Identity>(block, w, dy, dx, dx, hidden + staging_at);
    }
  }
  template <int layer, class Block>
  POLIS_HD static void hidden_from(Block& block, const float* w, const float* x, float* hidden) {
    if constexpr (layer < layers - 1) {
      using This = Layer<layer>;
      This::template forward<Act>(block, w + packed_at(layer), layer == 0 ? x : hidden + hidden_at(layer - 1),
                                  hidden + hidden_at(layer), hidden + kept_at(layer), hidden + staging_at);
      hidden_from<layer + 1>(block, w, x, hidden);
    }
  }
  template <int layer, class Block>
  POLIS_HD static void backward_from(Block& block, const float* w, float* dw, const float* x, const float* dy,
                                     float* hidden) {
    using This = Layer<layer>;
    const float* const from = layer == 0 ? x : hidden + hidden_at(layer - 1);
    This::weight_gradient(block, dw + packed_at(layer), from, dy, hidden + staging_at);
    if constexpr (layer > 0) {
      float* const below = hidden + hidden_at(layer - 1);
      This::template input_gradient<Act>(block, w + packed_at(layer), dy, below, hidden + kept_at(layer - 1),
                                         hidden + staging_at);
      backward_from<layer - 1>(block, w, dw, x, below, hidden);
    }
  }
};

/// Whether a network's passes are known here.
template <class Network>
inline constexpr bool has_block_passes = false;
template <int In, int Out, Activation Act, int... Widths>
inline constexpr bool has_block_passes<LayeredNetwork<Dense, In, Out, Act, Widths...>> = true;
template <int In, int Out, Activation Act, int... Widths>
inline constexpr bool has_block_passes<LayeredNetwork<Bfloat16Dense, In, Out, Act, Widths...>> = true;

}  // namespace polis::internal
