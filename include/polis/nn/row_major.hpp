// Networks whose hidden units lie row-major while they learn (core/gemm_rows.hpp): multi-layer perceptrons of
// rectified units, and ensembles of them.
//
// It is another way to compute what `forward` and `backward` of a network (nn/network.hpp) compute, equal up
// to rounding. Inputs, outputs and their gradients are the same feature-major tiles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <polis/core/gemm_rows.hpp>
#include <polis/nn/ensemble.hpp>
#include <polis/nn/mlp.hpp>

namespace polis::internal {

/// Of a network that has no such passes.
template <class N, class Arch>
struct RowMajor {
  static constexpr bool possible = false;
  static constexpr int turned_size = 0, scratch_size = 0, widest = 1;
};

template <int In, int Out, Activation Act, int... Widths, class Arch>
struct RowMajor<MlpNetwork<In, Out, Act, Widths...>, Arch> {
  using Network = MlpNetwork<In, Out, Act, Widths...>;
  static constexpr int layers = Network::layers, width = batch_width<Batch<Arch>>;
  /// With smaller registers little is left empty, and the other way turns nothing.
  static constexpr bool possible = layers > 1 && rectifies<Act>&& width == 16 &&
                                   (true && ... && (Widths % width == 0));

  static constexpr int widths_of(int layer) { return Network::widths[static_cast<std::size_t>(layer)]; }
  /// Where the turned weights of a hidden layer begin.
  static constexpr int turned_at(int layer) {
    int offset = 0;
    for (int i = 0; i < layer; ++i) offset += (widths_of(i) + 1) * widths_of(i + 1);
    return offset;
  }
  /// Where its outputs [64][width] lie in the cache.
  static constexpr int hidden_at(int layer) {
    int offset = 0;
    for (int i = 0; i < layer; ++i) offset += widths_of(i + 1) * tile_rows;
    return offset;
  }
  static constexpr int turned_size = turned_at(layers - 1);
  /// Two tiles that take turns.
  static constexpr int widest = std::max({1, Widths...});
  static constexpr int scratch_size = 2 * tile_rows * widest;
  static_assert(hidden_at(layers - 1) <= Network::cache_size);

  /// The weights that `forward` reads, from those of the layout.
  static void turn(const float* w, float* turned) {
    unroll<layers - 1>([&](auto layer) {
      constexpr int in = widths_of(layer), out = widths_of(layer + 1);
      const float* const weight = w + Network::weights_at(layer);
      turn_layer<Arch, in, out>(weight, weight + in * out, turned + turned_at(layer));
    });
  }

  static void forward(const float* w, const float* turned, const float* x, float* y, float* cache, int rows) {
    if constexpr (In <= 4) {
      inputs_forward<Arch, In>(turned, x, cache, widths_of(1), block_rows<Arch>(rows));
    } else {
      rows_forward<Arch>(turned, feature_major(x), cache, In, widths_of(1), rows);
    }
    Samples from = row_major_samples(cache, widths_of(1));
    for (int layer = 1; layer + 1 < layers; ++layer) {
      const int out = widths_of(layer + 1);
      float* const to = cache + hidden_at(layer);
      rows_forward<Arch>(turned + turned_at(layer), from, to, widths_of(layer), out, rows);
      from = row_major_samples(to, out);
    }
    constexpr int in = widths_of(layers - 1);
    const float* const weight = w + Network::weights_at(layers - 1);
    for (int o = 0; o < Out; ++o) {
      dot_rows<Arch>(weight + o * in, weight[Out * in + o], from.x, in, rows, y + o * tile_rows);
    }
  }

  /// Adds the weights' gradient to dw.
  static void backward(const float* w, const float* turned, float* dw, const float* x, const float* dy,
                       const float* cache, float* scratch, int rows) {
    backward(w, turned, dw, x, dy, nullptr, 0, 0, cache, scratch, rows);
  }
  /// As a network's `backward`, but dx only of the `count` inputs from `first` on: dx[count]. Null leaves out
  /// dw or dx.
  static void backward(const float* w, const float* turned, float* dw, const float* x, const float* dy,
                       float* dx, int first, int count, const float* cache, float* scratch, int rows) {
    float* above = scratch;
    float* below = scratch + widest * tile_rows;
    backward_outputs(w, dw, dy, cache, above, rows);
    for (int layer = layers - 2; layer > 0; --layer) {
      const int in = widths_of(layer), out = widths_of(layer + 1), at = Network::weights_at(layer);
      const float* const from = cache + hidden_at(layer - 1);
      if (dw) {
        rows_weight_gradient<Arch>(above, from, dw + at, in, out, rows);
        add_columns<Arch>(above, out, rows, dw + at + in * out);
      }
      rows_input_gradient<Arch>(w + at, above, from, below, in, out, rows);
      std::swap(above, below);
    }
    constexpr int out = widths_of(1);
    if (dw) {
      constexpr int whole = In / 4, rest = In % 4;  // groups of four inputs
      for (int i = 0; i < 4 * whole; i += 4) {
        inputs_gradient<Arch, 4>(above, x + i * tile_rows, dw + i, i == 0 ? dw + In * out : nullptr, In, out,
                                 rows);
      }
      if constexpr (rest > 0) {
        inputs_gradient<Arch, rest>(above, x + 4 * whole * tile_rows, dw + 4 * whole,
                                    whole == 0 ? dw + In * out : nullptr, In, out, rows);
      }
    }
    for (int i = 0; i < count && dx; ++i) {
      dot_rows<Arch>(turned + (first + i) * out, 0.f, above, out, rows, dx + i * tile_rows);
    }
  }

  /// Makes rows [0, count) of the cache those of `picked`, which ascend.
  static void pick(float* cache, const int* picked, int count) {
    unroll<layers - 1>([&](auto layer) {
      constexpr int size = widths_of(layer + 1);
      float* const hidden = cache + hidden_at(layer);
      for (int i = 0; i < count; ++i) {
        const float* const from = hidden + picked[i] * size;
        for (int k = 0; k < size; k += width)
          Batch<Arch>::load_aligned(from + k).store_aligned(hidden + i * size + k);
      }
    });
  }

 private:
  /// What the outputs send back to the last hidden layer, and their own gradient.
  static void backward_outputs(const float* w, float* dw, const float* dy, const float* cache, float* d,
                               int rows) {
    constexpr int in = widths_of(layers - 1), at = Network::weights_at(layers - 1);
    const float* const from = cache + hidden_at(layers - 2);
    const int computed = block_rows<Arch>(rows);
    for (int o = 0; o < Out; ++o) {
      const float* const weight = w + at + o * in;
      float* const gradient = dw ? dw + at + o * in : nullptr;
      const float* const error = dy + o * tile_rows;
      if (o == 0) {
        output_gradient<Arch, false>(weight, gradient, from, error, d, in, computed);
      } else {
        output_gradient<Arch, true>(weight, gradient, from, error, d, in, computed);
      }
      if (!dw) continue;
      Batch<Arch> sum(0.f);
      for (int r = 0; r < rows; r += width) sum = sum + Batch<Arch>::load_unaligned(error + r);
      dw[at + Out * in + o] += horizontal_sum<Arch>(sum);
    }
  }
};

template <class Each, int Count, class Arch>
struct RowMajor<EnsembleNetwork<Each, Count>, Arch> {
  using One = RowMajor<Each, Arch>;
  static constexpr bool possible = One::possible;
  static constexpr int turned_size = Count * One::turned_size;
  static constexpr int scratch_size = One::scratch_size, widest = One::widest;

  static void turn(const float* w, float* turned) {
    for (int i = 0; i < Count; ++i) One::turn(w + i * Each::parameters, turned + i * One::turned_size);
  }
  static void forward(const float* w, const float* turned, const float* x, float* y, float* cache, int rows) {
    for (int i = 0; i < Count; ++i) {
      One::forward(w + i * Each::parameters, turned + i * One::turned_size, x,
                   y + i * Each::outputs * tile_rows, cache + i * Each::cache_size, rows);
    }
  }
  /// The weights' gradient alone.
  static void backward(const float* w, const float* turned, float* dw, const float* x, const float* dy,
                       const float* cache, float* scratch, int rows) {
    for (int i = 0; i < Count; ++i) {
      One::backward(w + i * Each::parameters, turned + i * One::turned_size, dw + i * Each::parameters, x,
                    dy + i * Each::outputs * tile_rows, cache + i * Each::cache_size, scratch, rows);
    }
  }
};

/// Whether weights between layers of this width stay in the first cache while four samples at a time read
/// them.
constexpr bool weights_stay_cached(int width) { return width * width <= 6 * 1024; }

/// Whether networks that learn together do so faster row-major from full tiles: what it costs to turn their
/// weights once a step is less than to turn the hidden units of the few tiles of a minibatch.
template <class Arch, class... N>
inline constexpr bool learn_by_rows =
    (... && (RowMajor<N, Arch>::possible && weights_stay_cached(RowMajor<N, Arch>::widest)));

/// The passes of a network: row-major by turned weights, or by tiles where those are null.
template <class N, class Arch>
struct Passes {
  using Rows = RowMajor<N, Arch>;

  static void forward(const float* w, const float* turned, const float* x, float* carry, float* y,
                      float* cache, int rows) {
    if constexpr (Rows::possible) {
      if (turned) return Rows::forward(w, turned, x, y, cache, rows);
    }
    N::template forward<Arch>(w, x, carry, y, cache, rows);
  }
  static void backward(const float* w, const float* turned, float* dw, const float* x, const float* dy,
                       float* dx, float* d_carry, const float* cache, float* scratch, int rows) {
    if constexpr (Rows::possible) {
      if (turned) return Rows::backward(w, turned, dw, x, dy, dx, 0, N::inputs, cache, scratch, rows);
    }
    N::template backward<Arch>(w, dw, x, dy, dx, d_carry, cache, scratch, rows);
  }
};

}  // namespace polis::internal
