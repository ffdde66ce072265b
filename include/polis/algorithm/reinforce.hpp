// REINFORCE with a learnt baseline (Williams 1992; Sutton and Barto 2018, section 13.4), as the sentence it
// is.
//
// Collect `steps` steps in every lane, enough for whole episodes; take the decisions whose episode has ended,
// and the returns that followed them; make one step along the gradient, over all of them at once, of
//
//     loss = mean(-(G - V(o)) log pi(a|o) + value_coefficient/2 (V(o) - G)^2),
//
// where V, the baseline, takes nothing from the gradient's expectation and much from its variance. Decisions
// of episodes still under way are left out: nothing is bootstrapped but what a truncation cut off.
#pragma once

#include <polis/algorithm/ppo.hpp>
#include <polis/objective/policy_gradient.hpp>
#include <polis/returns/monte_carlo.hpp>

namespace polis {

/// One step a rollout, which is as long as an episode of the classic tasks. Advantages are normalised over
/// all samples, so that a step does not hang on the scale of the rewards; in the papers it does.
struct ReinforceDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{
      .steps = 500, .epochs = 1, .minibatch = 0, .entropy_coefficient = 0.f, .max_gradient_norm = 0.f};
};

/// A type of its own, so that compilers print its name rather than its words.
struct REINFORCE : PPO::With<PolicyGradient, MonteCarlo, ReinforceDefaults> {};

}  // namespace polis
