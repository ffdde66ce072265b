// MADDPG (Lowe et al. 2017, "Multi-agent actor-critic for mixed cooperative-competitive environments") and
// MASAC, its like with SAC's actors and critics: actors see what their agents see, and critics, which are
// needed in training alone, see what all agents of the team see and do.
//
//     y_i    = r_i + gamma Q_i'(o', mu'(o'_1), ..., mu'(o'_n))
//     actor  : mean -Q_i(o, a_1, ..., mu(o_i), ..., a_n), the others' actions being those that were kept
//
// Each agent has its own reward. Agents of a role share weights and are told who they are, the critic of
// which of them its value is; With<CentralCritic> critics see the environment's state in place of the
// observations.
//
// Discrete actions need their relaxation, hard Gumbel-softmax, straight through on the agent's own action:
// MADDPG::With<GumbelSoftmax, SampledActions>. MASAC takes exact expectations over an agent's own action,
// given samples of what the others do next.
#pragma once

#include <polis/algorithm/sac.hpp>
#include <polis/policy/gumbel_softmax.hpp>

namespace polis {

struct MADDPG : DDPG::With<JointCritic, AgentIds, Mlp<64, 64>> {};

struct MASAC : SAC::With<JointCritic, AgentIds, Mlp<64, 64>> {};

}  // namespace polis
