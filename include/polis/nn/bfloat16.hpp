// Networks whose products are of bfloat16: operands rounded to 8 significant bits, sums in float32
// (Kalamkar et al. 2019, "A study of BFLOAT16 for deep learning training").
//
// Rounded are both operands of the three products of a layer, forward and of its two gradients. Weights,
// biases, activations, gradients, optimizers and checkpoints are float32 as ever, so that `Bfloat16<Mlp<64>>`
// and `Mlp<64>` read each other's weights.
#pragma once

#include <polis/core/gemm_bfloat16.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/dense.hpp>
#include <polis/nn/network.hpp>

namespace polis {

namespace internal {

/// Layers of fewer inputs or outputs than this multiply in float32: rounding a tile costs about as much as
/// the products of a dozen outputs, and they take few of a network's products.
inline constexpr int bfloat16_width = 16;

}  // namespace internal

/// A dense layer whose products are of bfloat16, where it is at least internal::bfloat16_width wide on both
/// sides. What is rounded lies on the stack.
template <int In, int Out>
struct Bfloat16Dense : Dense<In, Out> {
  using Exact = Dense<In, Out>;
  static constexpr bool rounds = In >= internal::bfloat16_width && Out >= internal::bfloat16_width;
  static constexpr bool turns = false;
  template <class Arch>
  using Format = internal::RoundedOperands<Arch>;

  template <class Arch, class Activation>
  static void forward(const float* w, const float* x, float* y, float* kept, int rows) {
    if constexpr (rounds) {
      alignas(64) float scratch[bfloat16_forward_scratch<Format<Arch>>(In)];
      bfloat16_forward<Arch, Activation>(w, w + Out * In, x, y, In, Out, rows, kept, scratch);
    } else {
      Exact::template forward<Arch, Activation>(w, x, y, kept, rows);
    }
  }

  template <class Arch>
  static void weight_gradient(float* dw, const float* x, const float* dy, float* turned, int rows) {
    if constexpr (rounds) {
      alignas(64) float scratch[bfloat16_weight_gradient_scratch<Format<Arch>>];
      bfloat16_weight_gradient<Arch>(dy, x, dw, dw + Out * In, In, Out, rows, turned, scratch);
    } else {
      Exact::template weight_gradient<Arch>(dw, x, dy, turned, rows);
    }
  }

  template <class Arch, class Below>
  static void input_gradient(const float* w, const float* dy, float* dx, const float* kept, int rows) {
    if constexpr (rounds) {
      alignas(64) float scratch[bfloat16_input_gradient_scratch<Format<Arch>>(Out)];
      bfloat16_input_gradient<Arch, Below>(w, dy, dx, In, Out, rows, kept, scratch);
    } else {
      Exact::template input_gradient<Arch, Below>(w, dy, dx, kept, rows);
    }
  }
};

/// A network word that can be made of another kind of dense layers (`network_of`): Mlp. Those with products
/// outside of such layers, as Gru and CommNet, are in float32 alone; a head on another network has that made
/// of bfloat16, Dueling<Bfloat16<Mlp<64>>>.
template <class NetworkWord>
concept MadeOfDenseLayers =
    requires { typename NetworkWord::template network_of<Bfloat16Dense, 16, 16, Relu>; };

/// The word: a network word with products of bfloat16, `Bfloat16<Mlp<256, 256>>`.
template <MadeOfDenseLayers NetworkWord>
struct Bfloat16 {
  using word = word::Network;
  template <int In, int Out, Activation Act>
  using network = typename NetworkWord::template network_of<Bfloat16Dense, In, Out, Act>;
};

}  // namespace polis
