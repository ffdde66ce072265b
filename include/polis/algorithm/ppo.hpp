// PPO: proximal policy optimisation (Schulman, Wolski, Dhariwal, Radford and Klimov 2017), as the sentence it
// is.
//
// Collect `steps` steps with the current policy pi_old in every lane; value every state; estimate advantages
// A and returns by GAE; then for `epochs` passes over the samples in random order, one minibatch after the
// other:
//
//     r      = pi(a|o) / pi_old(a|o)
//     policy = -min(r A, clip(r, 1 - c, 1 + c) A)              ClippedSurrogate, equation 7
//     value  = 1/2 (V(o) - return)^2, clipped like the policy  objective/value_loss.hpp
//     loss   = mean(policy + value_coefficient value - entropy_coefficient entropy)
//
// and one step of Adam along its gradient, clipped at `max_gradient_norm`. The passes themselves are read in
// algorithm/on_policy_update.hpp, the samples in on_policy_agents.hpp.
//
// The details that make it work (Huang et al. 2022, "The 37 implementation details of PPO"; Engstrom et al.
// 2020) are words or values too: orthogonal initialisation with gains sqrt(2), .01 and 1; Adam's epsilon
// 1e-5; advantages normalised per minibatch; a learning rate that may fall to zero (`schedule`); observation
// and reward normalisation for continuous control (`With<NormalizeObservations, ScaleRewards>`).
#pragma once

#include <polis/algorithm/actor_critic.hpp>
#include <polis/buffer/rollout.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/normalization/rewards.hpp>
#include <polis/objective/clipped_surrogate.hpp>
#include <polis/returns/gae.hpp>

namespace polis {

/// A type of its own, so that compilers print its name rather than its words.
struct PPO : ActorCritic<ClippedSurrogate, Gae, Rollout, Adam, NativePolicy, Mlp<64, 64>, Tanh, Orthogonal,
                         FittingDistribution, LocalCritic, PerRoleParameters, RawObservations, RawRewards> {};

}  // namespace polis
