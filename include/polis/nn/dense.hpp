// One dense layer, y = Activation(W x + b), as a piece that networks are made of.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>

#include <polis/core/gemm.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

/// A layer of In inputs and Out outputs. Its weights are W[Out][In], then b[Out]. `Below` is the activation
/// that made x, `Activation` the layer's own.
template <int In, int Out>
struct Dense {
  static_assert(In > 0 && Out > 0, "a layer has at least one input and one output");
  static constexpr int parameters = Out * In + Out;
  static constexpr int scratch_size = weight_gradient_scratch(In);
  static constexpr bool turns = true;  // networks of it may turn their weights (TurnsWeights)

  /// Appends name + "weight" and name + "bias".
  static void append_to(Layout& layout, const std::string& name, BlockKind kind) {
    append_dense(layout, name, In, Out, kind);
  }

  /// y[Out] from x[In]; `kept` [Out] receives the activation's input if it keeps that, else may be null.
  template <class Arch, class Activation>
  static void forward(const float* w, const float* x, float* y, float* kept, int rows) {
    dense_forward<Arch, Activation>(w, w + Out * In, x, y, In, Out, rows, kept);
  }

  /// Adds to the layer's gradient. dy is taken before the layer's own activation.
  template <class Arch>
  static void weight_gradient(float* dw, const float* x, const float* dy, float* scratch, int rows) {
    dense_weight_gradient<Arch>(dy, x, dw, dw + Out * In, In, Out, rows, scratch);
  }

  /// dx[In], taken before the activation `Below` that made x from what `kept` holds.
  template <class Arch, class Below>
  static void input_gradient(const float* w, const float* dy, float* dx, const float* kept, int rows) {
    dense_input_gradient<Arch, Below>(w, dy, dx, In, Out, rows, kept);
  }
};

}  // namespace polis
