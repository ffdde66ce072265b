// What an objective is: the loss of one sample as a function of numbers, with its derivatives.
#pragma once

#include <concepts>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>
#include <polis/objective/value_loss.hpp>

namespace polis {

/// What is known of one action: its log-probability now and when it was taken, and its advantage.
template <class T>
struct PolicySample {
  T log_prob, old_log_prob, advantage;
};

/// The loss (to be minimised), its derivative, and two figures to watch.
template <class T>
struct PolicyLoss {
  T loss, d_log_prob;
  T clipped;  ///< 1 where the ratio of probabilities is outside the clip, else 0
  T kl;  ///< r - 1 - log r: its mean estimates KL(old || new) (Schulman 2020, "Approximating KL divergence")
};

/// An objective on the policy's samples, a word of a sentence. Pointwise, so that one source serves rows of a
/// tile, registers of rows, CUDA threads and the tokens of a language model; what couples samples (normalised
/// advantages, ratios of whole sequences) is a reduction that comes before. It returns derivatives with its
/// losses, since they share their exponential and there is no automatic differentiation to find them. The
/// loss of the value stands here because clipping it goes with clipping the policy.
template <class O>
concept PointwiseObjective =
    std::same_as<typename O::word, word::Objective> &&
    requires(const typename O::Config& config, const PolicySample<float>& sample, float x) {
      { O::template policy_loss<float>(config, sample) } -> std::same_as<PolicyLoss<float>>;
      { O::template value_loss<float>(config, x, x, x) } -> std::same_as<ValueLoss<float>>;
    };

/// Whether an objective weighs its advantages by the ratio of probabilities itself, so that estimates of
/// returns leave it out: yes, unless it says `static constexpr bool weighs_by_ratio = false`.
template <class O>
inline constexpr bool weighs_by_ratio = !requires { requires !O::weighs_by_ratio; };

namespace internal {

/// log(new probability / old), held where its exponential is finite in any sum: e^20 is beyond a ratio to
/// learn from.
template <class T>
POLIS_HD T log_ratio(const PolicySample<T>& sample) {
  return math::clamp(sample.log_prob - sample.old_log_prob, math::constant<T>(-20), math::constant<T>(20));
}

}  // namespace internal

}  // namespace polis
