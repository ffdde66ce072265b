// Several networks of one shape on the same inputs: twin critics.
#pragma once

#include <algorithm>
#include <string>

#include <polis/core/flat.hpp>
#include <polis/core/gemm_block.hpp>
#include <polis/core/tile.hpp>
#include <polis/nn/network.hpp>

namespace polis {

/// `Count` networks `Each` side by side: outputs and weights of the first, then of the second, and so on. The
/// gradient of the inputs is the sum of theirs.
template <class Each, int Count>
struct EnsembleNetwork {
  static_assert(Count > 0 && Each::carry_size == 0);
  static constexpr int inputs = Each::inputs, outputs = Count * Each::outputs;
  static constexpr int parameters = Count * Each::parameters, carry_size = 0;
  static constexpr int cache_size = Count * Each::cache_size;
  static constexpr int scratch_size = Each::scratch_size + (Count > 1 ? inputs * tile_rows : 0);

  static Layout layout() {
    Layout layout;
    for (int i = 0; i < Count; ++i) append(layout, std::to_string(i) + ".", Each::layout());
    return layout;
  }

  template <class Arch>
  static void forward(const float* w, const float* x, float* /*carry*/, float* y, float* cache, int rows) {
    for (int i = 0; i < Count; ++i) {
      Each::template forward<Arch>(w + i * Each::parameters, x, nullptr, y + i * Each::outputs * tile_rows,
                                   cache + i * Each::cache_size, rows);
    }
  }

  template <class Arch>
  static void backward(const float* w, float* dw, const float* x, const float* dy, float* dx,
                       float* /*d_carry*/, const float* cache, float* scratch, int rows) {
    float* const more = scratch + Each::scratch_size;
    for (int i = 0; i < Count; ++i) {
      float* const to = dx && i > 0 ? more : dx;
      Each::template backward<Arch>(w + i * Each::parameters, dw ? dw + i * Each::parameters : nullptr, x,
                                    dy + i * Each::outputs * tile_rows, to, nullptr,
                                    cache + i * Each::cache_size, scratch, rows);
      if (dx && i > 0) add_rows<Arch>(more, dx, rows);
    }
  }

 private:
  template <class Arch>
  static void add_rows(const float* from, float* to, int rows) {
    using Register = Batch<Arch>;
    for (int f = 0; f < inputs; ++f) {
      for (int r = 0; r < rows; r += batch_width<Register>) {
        float* const at = to + f * tile_rows + r;
        (Register::load_unaligned(at) + Register::load_unaligned(from + f * tile_rows + r))
            .store_unaligned(at);
      }
    }
  }
};

}  // namespace polis
