// The passes of a multi-layer perceptron by one block of threads, over a tile of rows in shared memory.
//
// Everything is feature-major with a row pitch of 68 floats (64 rows and a pad that spreads the banks). The
// weights are packed once per kernel: rows and columns padded with zeros to multiples of four, so that all
// products go by squares of four by four, read four floats at a time. A hidden layer's activation is turned
// into its gradient where it stands.
#pragma once

#include <cstddef>

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/nn/mlp.hpp>

namespace polis::internal {

inline constexpr int tile_pitch = tile_rows + 4;

constexpr int padded_to_four(int n) { return (n + 3) / 4 * 4; }

struct alignas(16) Four {
  float at[4];
};
POLIS_HD inline Four load_four(const float* from) { return *reinterpret_cast<const Four*>(from); }
POLIS_HD inline void store_four(float* to, const Four& four) { *reinterpret_cast<Four*>(to) = four; }

/// Products with one packed matrix, w[out][in] with biases [out] behind it; In and Out are multiples of four.
/// Each index of a phase is a square of four outputs (or inputs), apart from each other by a quarter of all,
/// and four rows next to each other.
template <int In, int Out>
struct BlockLayer {
  static_assert(In % 4 == 0 && Out % 4 == 0);
  static constexpr int size = In * Out + Out;
  static constexpr int row_groups = tile_rows / 4, in_groups = In / 4, out_groups = Out / 4;

  /// y[Out] = act(w x + b); `kept` receives what the activation keeps, its output or its input.
  template <class Act, class Block>
  POLIS_HD static void forward(Block& block, const float* w, const float* x, float* y, float* kept) {
    block.each(row_groups * out_groups, [=](int index) {
      const int row = index % row_groups * 4, first = index / row_groups;
      float sum[4][4];
      for (int j = 0; j < 4; ++j) {
        for (int r = 0; r < 4; ++r) sum[j][r] = w[In * Out + first + j * out_groups];
      }
      for (int k = 0; k < In; k += 4) {
        Four weight[4], value[4];
        for (int j = 0; j < 4; ++j) weight[j] = load_four(w + (first + j * out_groups) * In + k);
        for (int q = 0; q < 4; ++q) value[q] = load_four(x + (k + q) * tile_pitch + row);
        for (int j = 0; j < 4; ++j) {
          for (int q = 0; q < 4; ++q) {
            for (int r = 0; r < 4; ++r) sum[j][r] += weight[j].at[q] * value[q].at[r];
          }
        }
      }
      for (int j = 0; j < 4; ++j) {
        Four before, after;
        for (int r = 0; r < 4; ++r) before.at[r] = sum[j][r], after.at[r] = Act{}(sum[j][r]);
        const int at = (first + j * out_groups) * tile_pitch + row;
        store_four(y + at, after);
        if constexpr (Act::keeps_input) store_four(kept + at, before);
      }
    });
  }

  /// Adds to the packed gradient: dw += dy x^T and db += sum of dy over rows.
  template <class Block>
  POLIS_HD static void weight_gradient(Block& block, float* dw, const float* x, const float* dy) {
    block.each(in_groups * out_groups, [=](int index) {
      const int in = index % in_groups, out = index / in_groups;
      float sum[4][4] = {}, bias[4] = {};
      for (int row = 0; row < tile_rows; row += 4) {
        Four d[4], value[4];
        for (int j = 0; j < 4; ++j) d[j] = load_four(dy + (out + j * out_groups) * tile_pitch + row);
        for (int q = 0; q < 4; ++q) value[q] = load_four(x + (in + q * in_groups) * tile_pitch + row);
        for (int j = 0; j < 4; ++j) {
          for (int r = 0; r < 4; ++r) {
            for (int q = 0; q < 4; ++q) sum[j][q] += d[j].at[r] * value[q].at[r];
            bias[j] += d[j].at[r];
          }
        }
      }
      for (int j = 0; j < 4; ++j) {
        const int o = out + j * out_groups;
        for (int q = 0; q < 4; ++q) dw[o * In + in + q * in_groups] += sum[j][q];
        if (in == 0) dw[In * Out + o] += bias[j];
      }
    });
  }

  /// dx[In] = w^T dy, taken before the activation that made x: times its derivative by what `kept` holds.
  /// dx may be the same memory as kept.
  template <class Below, class Block>
  POLIS_HD static void input_gradient(Block& block, const float* w, const float* dy, float* dx,
                                      const float* kept) {
    block.each(row_groups * in_groups, [=](int index) {
      const int row = index % row_groups * 4, in = index / row_groups * 4;
      float sum[4][4] = {};
      for (int o = 0; o < Out; ++o) {
        const Four weight = load_four(w + o * In + in), d = load_four(dy + o * tile_pitch + row);
        for (int q = 0; q < 4; ++q) {
          for (int r = 0; r < 4; ++r) sum[q][r] += weight.at[q] * d.at[r];
        }
      }
      for (int q = 0; q < 4; ++q) {
        const int at = (in + q) * tile_pitch + row;
        const Four by = load_four(kept + at);
        Four result;
        for (int r = 0; r < 4; ++r) result.at[r] = sum[q][r] * Below::derivative(by.at[r]);
        store_four(dx + at, result);
      }
    });
  }
};

template <class Network>
struct BlockMlp;

/// The passes of a whole network. Tiles: inputs [in][68] padded with zeros to a multiple of four, outputs
/// [out][68] likewise; hidden layers one after the other, and what they keep behind them.
template <int In, int Out, Activation Act, int... Widths>
struct BlockMlp<LayeredNetwork<Dense, In, Out, Act, Widths...>> {
  using Network = LayeredNetwork<Dense, In, Out, Act, Widths...>;
  static constexpr int layers = Network::layers;
  static constexpr int inputs = padded_to_four(In), outputs = padded_to_four(Out);
  static constexpr int input_tile = inputs * tile_pitch, output_tile = outputs * tile_pitch;

  /// Width of layer `layer`'s input, as it is and padded; that of its output is the next one's.
  static constexpr int width(int layer) {
    constexpr int all[] = {In, Widths..., Out};
    return all[layer];
  }
  static constexpr int padded(int layer) { return padded_to_four(width(layer)); }
  static constexpr int packed_at(int layer) {
    int at = 0;
    for (int i = 0; i < layer; ++i) at += (padded(i) + 1) * padded(i + 1);
    return at;
  }
  static constexpr int packed_size = packed_at(layers);
  static constexpr int hidden_at(int layer) {
    int at = 0;
    for (int i = 0; i < layer; ++i) at += padded(i + 1) * tile_pitch;
    return at;
  }
  static constexpr int hidden_size = hidden_at(layers - 1) * (Act::keeps_input ? 2 : 1);
  static constexpr int kept_at(int layer) {
    return hidden_at(layer) + (Act::keeps_input ? hidden_at(layers - 1) : 0);
  }

  /// Where weight i of the network's own order lies in the packed one.
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
  template <class Block>
  POLIS_HD static void pack(Block& block, const float* weights, float* packed) {
    block.each(packed_size, [=](int i) { packed[i] = 0; });
    block.each(Network::parameters, [=](int i) { packed[packed_index(i)] = weights[i]; });
  }
  template <class Block>
  POLIS_HD static void unpack(Block& block, const float* packed, float* weights) {
    block.each(Network::parameters, [=](int i) { weights[i] = packed[packed_index(i)]; });
  }

  template <class Block>
  POLIS_HD static void forward(Block& block, const float* w, const float* x, float* y, float* hidden) {
    constexpr int last = layers - 1;
    forward_hidden(block, w, x, hidden);
    BlockLayer<padded(last), padded(layers)>::template forward<Identity>(
        block, w + packed_at(last), last == 0 ? x : hidden + hidden_at(last - 1), y, nullptr);
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
  template <int layer, class Block>
  POLIS_HD static void input_gradient_from(Block& block, const float* w, const float* dy, float* dx,
                                           float* hidden) {
    using This = BlockLayer<padded(layer), padded(layer + 1)>;
    if constexpr (layer > 0) {
      float* const below = hidden + hidden_at(layer - 1);
      This::template input_gradient<Act>(block, w + packed_at(layer), dy, below, hidden + kept_at(layer - 1));
      input_gradient_from<layer - 1>(block, w, below, dx, hidden);
    } else {
      This::template input_gradient<Identity>(block, w, dy, dx, dx);
    }
  }
  template <int layer, class Block>
  POLIS_HD static void hidden_from(Block& block, const float* w, const float* x, float* hidden) {
    if constexpr (layer < layers - 1) {
      using This = BlockLayer<padded(layer), padded(layer + 1)>;
      This::template forward<Act>(block, w + packed_at(layer), layer == 0 ? x : hidden + hidden_at(layer - 1),
                                  hidden + hidden_at(layer), hidden + kept_at(layer));
      hidden_from<layer + 1>(block, w, x, hidden);
    }
  }
  template <int layer, class Block>
  POLIS_HD static void backward_from(Block& block, const float* w, float* dw, const float* x, const float* dy,
                                     float* hidden) {
    using This = BlockLayer<padded(layer), padded(layer + 1)>;
    const float* const from = layer == 0 ? x : hidden + hidden_at(layer - 1);
    This::weight_gradient(block, dw + packed_at(layer), from, dy);
    if constexpr (layer > 0) {
      float* const below = hidden + hidden_at(layer - 1);
      This::template input_gradient<Act>(block, w + packed_at(layer), dy, below, hidden + kept_at(layer - 1));
      backward_from<layer - 1>(block, w, dw, x, below, hidden);
    }
  }
};

/// Whether a network's passes are known here.
template <class Network>
inline constexpr bool has_block_passes = false;
template <int In, int Out, Activation Act, int... Widths>
inline constexpr bool has_block_passes<LayeredNetwork<Dense, In, Out, Act, Widths...>> = true;

}  // namespace polis::internal
