// The questions that are asked of every algorithm, with the answers of one that asks nothing of its
// environment.
#pragma once

#include <polis/env/environment.hpp>
#include <polis/env/hints.hpp>

namespace polis::internal {

/// What one algorithm asks of the roles `Handled` of E: nothing, where no family below says otherwise.
struct NothingAsked {
  static constexpr bool words() { return true; }
  static constexpr bool objective() { return true; }
  static constexpr bool returns() { return true; }
  static constexpr bool optimizer() { return true; }
  static constexpr bool critic() { return true; }
  static constexpr bool actions() { return true; }
  static constexpr bool sharing() { return true; }
  static constexpr bool normalization() { return true; }
  static constexpr bool distribution() { return true; }
  static constexpr bool policy() { return true; }
  static constexpr bool magnet() { return true; }
  static constexpr bool modelled_agents() { return true; }
  static constexpr bool modelled_actions() { return true; }
  static constexpr bool modelling_policy() { return true; }
  static constexpr bool values() { return true; }
  static constexpr bool mixed_rewards() { return true; }
  static constexpr bool mixed_state() { return true; }
  static constexpr bool mixed_team() { return true; }
  static constexpr bool memory() { return true; }
  static constexpr bool average() { return true; }
  static constexpr bool tables() { return true; }
  static constexpr bool actor() { return true; }
  static constexpr bool exploration() { return true; }
  static constexpr bool joint_team() { return true; }
  static constexpr bool transitions() { return true; }
  static constexpr bool critic_kind() { return true; }
  static constexpr bool team() { return true; }
  static constexpr bool asynchronous = false;
  static constexpr bool over_ranks() { return false; }
  static constexpr bool actors() { return true; }
  static constexpr bool potential() { return true; }
  static constexpr bool counterfactual() { return true; }
  static constexpr bool target_actions() { return true; }
  static constexpr bool others() { return true; }
  static constexpr bool shaped_team() { return true; }
  static constexpr bool components() { return true; }
};

/// What a word of shaping asks of E, for a learner that learns from one reward of several agents or not.
template <class W, class E, bool one_reward>
struct ShapingAsked : NothingAsked {
  static constexpr bool potential() { return !W::needs_potential || HasPotential<E>; }
  static constexpr bool counterfactual() { return !W::needs_counterfactual || HasCounterfactual<E>; }
  static constexpr bool target_actions() { return !W::needs_target || HasTargetActions<E>; }
  static constexpr bool others() { return !W::needs_others || agent_count<E> > 1; }
  static constexpr bool components() { return !W::needs_components || HasRewardComponents<E>; }
  static constexpr bool shaped_team() { return !one_reward || W::template keeps_shared_rewards<E>; }
};

}  // namespace polis::internal
