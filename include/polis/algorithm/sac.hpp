// SAC: soft actor-critic (Haarnoja et al. 2018, "Soft actor-critic algorithms and applications"), as the
// sentence it is.
//
// Act by samples of the policy, and keep every transition. After each step draw `batch` transitions; with
// twin critics, targets that follow softly, and the policy's own sample a' at what follows
//
//     y           = r + gamma (min_k Q_k'(o', a') - alpha log pi(a' | o'))     0 beyond a termination
//     critics     : mean (Q_k(o, a) - y)^2 each
//     actor       : mean alpha log pi(a | o) - min_k Q_k(o, a), a a reparametrised sample
//     temperature : holds the entropy to a target, minus the number of dimensions of the action
//
// The updates are read in algorithm/actor_q_update.hpp, the actor in policy/stochastic_actor.hpp.
#pragma once

#include <polis/algorithm/ddpg.hpp>
#include <polis/policy/stochastic_actor.hpp>

namespace polis {

struct SAC : DDPG::With<StochasticActor, TwinCritics, SampledActions> {};

}  // namespace polis
