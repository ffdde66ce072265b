// A2C: advantage actor-critic (Mnih, Badia, Mirza et al. 2016, "Asynchronous methods for deep reinforcement
// learning"), in its synchronous form, as the sentence it is.
//
// Collect five steps in every lane; estimate returns from the rewards until then and the value behind them;
// make one step of RMSProp along the gradient, over all samples at once, of
//
//     loss = mean(-A log pi(a|o) + value_coefficient/2 (V(o) - return)^2 - entropy_coefficient entropy),
//
// and throw the samples away. With rollouts of five steps NStep<5> gives each decision all that is known of
// it, one to five transitions, as the paper does.
#pragma once

#include <polis/algorithm/ppo.hpp>
#include <polis/nn/rmsprop.hpp>
#include <polis/objective/policy_gradient.hpp>
#include <polis/returns/n_step.hpp>

namespace polis {

/// The values of Stable-Baselines3's A2C, as are those of RmsProp (learning rate 7e-4, smoothing .99, epsilon
/// 1e-5) and NStep (discount .99). Its value coefficient of .5 is 1 here, where the squared error is halved.
struct A2CDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{.steps = 5,
                                              .epochs = 1,
                                              .minibatch = 0,
                                              .value_coefficient = 1.f,
                                              .entropy_coefficient = 0.f,
                                              .max_gradient_norm = .5f,
                                              .normalize_advantages = false};
};

/// A type of its own, so that compilers print its name rather than its words.
struct A2C : PPO::With<PolicyGradient, NStep<5>, RmsProp, A2CDefaults> {};

}  // namespace polis
