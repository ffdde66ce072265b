// Dueling heads (Wang et al. 2016, "Dueling network architectures for deep reinforcement learning", equation
// 9): the value of the state and the advantages of the actions are learnt apart,
//
//   Q(a) = V + A(a) - mean of A
//
// Here each stream is one linear layer on the network's last hidden layer: outputs 0 to Out - 1 of the
// network below are A, and output Out is V.
#pragma once

#include <polis/core/gemm.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/network.hpp>

namespace polis {

/// A network `Below` of Out + 1 outputs with Out outputs of its own. Blocks are those of `Below`.
template <class Below>
struct DuelingNetwork {
  static constexpr int inputs = Below::inputs, outputs = Below::outputs - 1;
  static constexpr int parameters = Below::parameters, carry_size = Below::carry_size;
  static constexpr int streams = Below::outputs * tile_rows;  // floats of a tile of its outputs
  static constexpr int cache_size = Below::cache_size + streams;
  static constexpr int scratch_size = Below::scratch_size + streams;

  static Layout layout() { return Below::layout(); }

  template <class Arch>
  static void forward(const float* w, const float* x, float* carry, float* y, float* cache, int rows) {
    float* const apart = cache + Below::cache_size;
    Below::template forward<Arch>(w, x, carry, apart, cache, rows);
    each_register<Arch>(rows, [&](int r) {
      using T = Batch<Arch>;
      const In<T> a{apart + r, tile_rows};
      const Out<T> q{y + r, tile_rows};
      T sum(0.f);
      for (int i = 0; i < outputs; ++i) sum = sum + a[i];
      const T base = T(a[outputs]) - sum * T(1.f / outputs);
      for (int i = 0; i < outputs; ++i) q.set(i, base + a[i]);
    });
  }

  template <class Arch>
  static void backward(const float* w, float* dw, const float* x, const float* dy, float* dx, float* d_carry,
                       const float* cache, float* scratch, int rows) {
    float* const apart = scratch + Below::scratch_size;
    each_register<Arch>(rows, [&](int r) {
      using T = Batch<Arch>;
      const In<T> d{dy + r, tile_rows};
      const Out<T> to{apart + r, tile_rows};
      T sum(0.f);
      for (int i = 0; i < outputs; ++i) sum = sum + d[i];
      const T mean = sum * T(1.f / outputs);
      for (int i = 0; i < outputs; ++i) to.set(i, T(d[i]) - mean);
      to.set(outputs, sum);
    });
    Below::template backward<Arch>(w, dw, x, apart, dx, d_carry, cache, scratch, rows);
  }

 private:
  template <class Arch, class Body>
  static void each_register(int rows, Body&& body) {
    for (int r = 0; r < rows; r += batch_width<Batch<Arch>>) body(r);
  }
};

/// The word: a network word with a dueling head, `Dueling<Mlp<120, 84>>`.
template <class NetworkWord>
struct Dueling {
  using word = word::Network;
  template <int In, int Out, class Act>
  using network = DuelingNetwork<typename NetworkWord::template network<In, Out + 1, Act>>;
};

}  // namespace polis
