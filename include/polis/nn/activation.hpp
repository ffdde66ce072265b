// Activations of hidden layers: pointwise, on a float, a double or a register of rows.
//
// An activation's derivative is a function of what the forward pass keeps: its output, or, where the output
// does not determine it (`keeps_input`), its input.
#pragma once

#include <concepts>

#include <polis/core/gemm.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// tanh(x); its derivative 1 - y^2 follows from the output.
struct Tanh {
  using word = word::Activation;
  static constexpr bool keeps_input = false;
  template <class T>
  POLIS_HD T operator()(T x) const {
    return math::tanh(x);
  }
  template <class T>
  POLIS_HD static T derivative(T y) {
    return T(1) - y * y;
  }
};

/// max(x, 0); its derivative is 1 where the output is positive, and 0 at 0.
struct Relu {
  using word = word::Activation;
  static constexpr bool keeps_input = false, rectifies = true;
  template <class T>
  POLIS_HD T operator()(T x) const {
    return math::max(x, T(0));
  }
  template <class T>
  POLIS_HD static T derivative(T y) {
    return math::select(y > T(0), T(1), T(0));
  }
};

/// x sigmoid(x) (Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units"). It is not monotonic, so its
/// input is kept.
struct Silu {
  using word = word::Activation;
  static constexpr bool keeps_input = true;
  template <class T>
  POLIS_HD T operator()(T x) const {
    return x * math::sigmoid(x);
  }
  template <class T>
  POLIS_HD static T derivative(T x) {
    const T s = math::sigmoid(x);
    return s * (T(1) + x * (T(1) - s));
  }
};

/// What a layer's kernels need of an activation: a value, a derivative from what is kept, and which of input
/// and output that is (a constant, because it decides how large a network's cache is).
template <class A>
concept Activation = requires(float x) {
  { A{}(x) } -> std::same_as<float>;
  { A::derivative(x) } -> std::same_as<float>;
  { A::keeps_input } -> std::convertible_to<bool>;
};

}  // namespace polis
