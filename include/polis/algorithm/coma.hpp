// COMA: counterfactual multi-agent policy gradients (Foerster, Farquhar, Afouras, Nardelli and Whiteson
// 2018).
//
// A central critic values every action u of one agent, given the state s and what all other agents do. An
// agent is told what its action was better than those it might have taken, all else as it was:
//
//     A(s, u) = Q(s, u) - sum_u' pi(u'|o) Q(s, (u', others))          equation 4
//
// and follows A grad log pi. The critic learns TD(lambda) targets of the values of the actions taken. Two
// details differ from the paper: targets are those of the critic as it stands when the rollout ends, where
// the paper keeps a copy for 150 updates; and a strong entropy bonus keeps exploration up, where the paper
// mixes the policy with a uniform one (from .5 of it to .02): with neither, what the untrained critic says of
// actions decides the policy before anything is known. All agents act in Discrete spaces.
#pragma once

#include <polis/algorithm/ppo.hpp>
#include <polis/objective/policy_gradient.hpp>
#include <polis/returns/lambda_return.hpp>

namespace polis {

struct ComaDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{.steps = 32,
                                              .epochs = 1,
                                              .minibatch = 256,
                                              .value_coefficient = 1.f,
                                              .entropy_coefficient = .1f,
                                              .max_gradient_norm = 10.f,
                                              .normalize_advantages = false};
};

struct COMA : PPO::With<PolicyGradient, LambdaReturn, CounterfactualCritic<>, AgentIds, ComaDefaults> {};

}  // namespace polis
