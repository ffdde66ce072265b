// What the critic of an actor sees, and how many critics there are.
#pragma once

#include <polis/core/word.hpp>
#include <polis/policy/native.hpp>

namespace polis {

/// The critic sees all that a team's agents see and do (Lowe et al. 2017). With CentralCritic it sees the
/// environment's state in place of what they see.
struct JointCritic {
  using word = word::Critic;
  static constexpr bool needs_state = false, counterfactual = false;
  /// Of what each agent sees.
  template <class, class Observation>
  static constexpr int features = Observation::features;
};

/// One critic.
struct SingleCritic {
  using word = word::Critics;
  static constexpr int count = 1;
};
/// Two, of whose values the smaller one counts in targets (Fujimoto, van Hoof and Meger 2018, "clipped double
/// Q-learning").
struct TwinCritics {
  using word = word::Critics;
  static constexpr int count = 2;
};

}  // namespace polis
