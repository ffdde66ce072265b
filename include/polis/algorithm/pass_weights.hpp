// Weights as the passes of an update read them: by feature-major tiles (nn/network.hpp), or row-major
// (nn/row_major.hpp) where that is the faster way for the sizes at hand.
#pragma once

#include <cstddef>

#include <polis/core/aligned.hpp>
#include <polis/core/gemm.hpp>
#include <polis/core/tile.hpp>
#include <polis/nn/row_major.hpp>
#include <polis/policy/parameters.hpp>

namespace polis::internal {

/// Whether row-major passes are the faster ones for samples of `batch` that networks with hidden layers of
/// `width` learn from. They save the rows that fill up the last register, in all passes but those of the
/// weights' gradients, the turning of hidden units, and with `picks` half of a pass besides. They cost the
/// turning of weights, about as much as four rows; and every four rows read all of a layer's weights, which
/// are late from anywhere but the first cache.
template <class Arch>
constexpr bool row_major_pays(int batch, int width, bool picks) {
  constexpr int register_rows = batch_width<Batch<Arch>>, turned = 4;
  const int rest = batch % tile_rows;
  const int empty = (rest + register_rows - 1) / register_rows * register_rows - block_rows<Arch>(rest);
  return weights_stay_cached(width) && empty + (picks ? batch / 16 : 0) + 3 * batch / (2 * width) >= turned;
}

/// The weights of a network N as its passes read them.
template <class N, class Arch>
class PassWeights {
  using Rows = RowMajor<N, Arch>;

 public:
  [[gnu::cold]] void prepare(bool by_rows) {
    turned_ = AlignedVector<float>(by_rows ? std::size_t{Rows::turned_size} : 0);
    changed();
  }
  /// The weights are no longer those that were taken.
  void changed() { values_ = nullptr; }
  /// Before passes: takes the weights as they are, unless they are those taken before.
  void take(const FlatParameters& weights) {
    if (values_ == weights.data()) return;
    values_ = weights.data();
    if constexpr (Rows::possible) {
      if (by_rows()) Rows::turn(values_, turned_.data());
    }
  }
  [[nodiscard]] bool by_rows() const { return Rows::possible && !turned_.empty(); }
  [[nodiscard]] const float* values() const { return values_; }
  [[nodiscard]] const float* turned() const { return turned_.data(); }

  /// As the forward pass of `Part`, which is N or the first networks of an ensemble N.
  template <class Part = N>
  void forward(const float* x, float* y, float* cache, int rows) const {
    Passes<Part, Arch>::forward(values_, by_rows() ? turned() : nullptr, x, nullptr, y, cache, rows);
  }
  /// Adds the weights' gradient to dw.
  void backward(float* dw, const float* x, const float* dy, const float* cache, float* scratch,
                int rows) const {
    if constexpr (Rows::possible) {
      if (by_rows()) return Rows::backward(values_, turned_.data(), dw, x, dy, cache, scratch, rows);
    }
    N::template backward<Arch>(values_, dw, x, dy, nullptr, nullptr, cache, scratch, rows);
  }

 private:
  const float* values_ = nullptr;  // null: changed
  AlignedVector<float> turned_;    // empty: by tiles
};

}  // namespace polis::internal
