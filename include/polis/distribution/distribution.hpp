// What a distribution over actions is: the seam between a network's outputs and an action's words.
//
// A distribution is a type without members. Its parameters are the network's outputs of a row (`inputs`:
// logits, means) and free weights that are the same for every row (`weights`: log standard deviations); an
// action is `words` floats, as buffers store it (a discrete index is a float). All functions are pointwise: T
// is float, double or a register of rows, and the same code runs in CUDA kernels.
#pragma once

#include <concepts>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>

namespace polis {

/// What a loss wants to know of an action: computed together, since both need the same exponentials.
template <class T>
struct Evaluation {
  T log_prob, entropy;
};

/// The settings of a distribution that has none.
struct NoDistributionConfig {
  static constexpr void fields(auto& /*self*/, auto&& /*visit*/) {}
};

/// A distribution over actions. What each requirement is for:
/// - `inputs`, `weights`, `words`, `noise`, `mask_size` size the network, the parameters and the buffers
///   at compile time: `noise` is the number of uniform numbers on [0, 1) that one sample uses up
///   (randomness comes in as data, so that a sample is a function of its counter, on every device),
///   `mask_size` the number of legality flags, 0 where the distribution takes none. A mask without data
///   means that everything is legal.
/// - `weights` are read like inputs, `weights[i]` at data[i * stride]: the caller spreads them over a
///   tile, the same values in every row, and sums the gradient's rows afterwards.
/// - `initialize(config, weights)` writes the free weights' first values.
/// - `sample` and `mode` (the greedy action) write an action; `evaluate` returns what `log_prob` and
///   `entropy` do.
/// - `backward` takes the loss' derivatives with respect to log-probability and entropy, *sets* the
///   derivatives with respect to the inputs and *adds* those with respect to the free weights.
/// - `valid(mask)`: whether a mask leaves an action to take. Sampling under one that does not has no
///   meaning, and whoever receives masks from an environment refuses it with an Error.
template <class D>
concept Distribution = requires(const typename D::Config& config, float* weights, In<float> in,
                                Out<float> out, float derivative) {
  { D::inputs } -> std::convertible_to<int>;
  { D::weights } -> std::convertible_to<int>;
  { D::words } -> std::convertible_to<int>;
  { D::noise } -> std::convertible_to<int>;
  { D::mask_size } -> std::convertible_to<int>;
  D::initialize(config, weights);
  D::template sample<float>(in, in, in, in, out);
  D::template mode<float>(in, in, in, out);
  { D::template log_prob<float>(in, in, in, in) } -> std::same_as<float>;
  { D::template entropy<float>(in, in, in) } -> std::same_as<float>;
  { D::template evaluate<float>(in, in, in, in) } -> std::same_as<Evaluation<float>>;
  D::template backward<float>(in, in, in, in, derivative, derivative, out, out);
  { D::valid(in) } -> std::same_as<bool>;
};

/// A distribution that can say how far it is from another one of its kind: `divergence` is
/// KL(this || other) = E_this[log p_this - log p_other] in closed form, `add_divergence_gradient` *adds* its
/// derivatives with respect to this one's inputs and free weights, times `d_divergence`. Both stand under one
/// mask.
template <class D>
concept HasDivergence = Distribution<D> && requires(In<float> in, Out<float> out, float derivative) {
  { D::template divergence<float>(in, in, in, in, in) } -> std::same_as<float>;
  D::template add_divergence_gradient<float>(in, in, in, in, in, derivative, out, out);
};

}  // namespace polis
