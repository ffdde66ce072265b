// What an actor of a Q-critic is: the seam between a network's outputs and the action that the critic values.
//
// A head is a type without members, like a distribution (distribution/distribution.hpp): pointwise functions
// of one row, T being float, double or a register of rows. Its actions are the critic's inputs: the numbers
// of a Box as shares of half its length, -1 to 1, or flags of which one is 1 for an index. A reparametrised
// sample is a function of the outputs and of uniform numbers, through which the critic's gradient passes.
#pragma once

#include <concepts>

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The head of an actor for one action space. What each requirement is for:
/// - `inputs` outputs of the network make an action of `features` numbers, with `noise` uniform numbers on
///   [0, 1) for one sample.
/// - `entropic`: the objective rewards entropy, and there is a temperature to learn; then `target_entropy`.
/// - `expected`: the critic has a value for each action, and the objective is an expectation over them
///   (`expectation` and `expectation_backward` in place of `backward`).
/// - `targeted`: actions that follow come from a target actor; otherwise from the actor as it is.
/// - `cautious`: the actor climbs the least of the critics' values; otherwise the first one's.
/// - `sample` writes an action and returns its log-probability (0 of an actor without one), `next` does the
/// same
///   for the action that follows a transition; `greedy` writes the action without noise. `mask` are flags of
///   what is legal, null: all.
/// - `backward` sets the derivatives with respect to the network's outputs from those with respect to the
///   action of `sample` and to its log-probability.
template <class H>
concept ActorHead = requires(const typename H::Config& config, In<float> in, Out<float> out, float number) {
  { H::inputs } -> std::convertible_to<int>;
  { H::features } -> std::convertible_to<int>;
  { H::noise } -> std::convertible_to<int>;
  { H::entropic } -> std::convertible_to<bool>;
  { H::expected } -> std::convertible_to<bool>;
  { H::targeted } -> std::convertible_to<bool>;
  { H::cautious } -> std::convertible_to<bool>;
  { H::template sample<float>(config, in, in, in, out) } -> std::same_as<float>;
  { H::template next<float>(config, in, in, in, out) } -> std::same_as<float>;
  H::template greedy<float>(config, in, in, out);
};

/// An actor word has a head for the space S.
template <class W, class S>
concept ActorWordFor = ActorHead<typename W::template head<S>>;

}  // namespace polis
