// MAPPO and IPPO: PPO for teams (Yu, Velu, Vinitsky, Gao, Wang, Bayen and Wu 2022, "The surprising
// effectiveness of PPO in cooperative multi-agent games"; de Witt et al. 2020, "Is independent learning all
// you need in the StarCraft multi-agent challenge?").
//
// Each agent learns by PPO (algorithm/ppo.hpp); agents of a role share weights. What makes it work, five
// findings of the paper's section 5, is a word or a value each, and is taken away by one:
//
//     values normalised by running statistics          ValueNormalization     With<RawValues>
//     the critic sees the state, told whose it is      CentralCritic, AgentIds    With<LocalCritic>,
//                                                                                 With<NoAgentIds>
//     data used sparingly: at most 10 epochs, one      epochs = 10, minibatch = 0
//     minibatch (more of either: more forgetting)
//     a clip of .2 or less                             objective.clip = .2
//     large batches                                    steps, lanes
//
// And agents that are out of action, dead ones above all, are masked: `ActiveMasks`, without it
// `With<DecisionsAlone>`. IPPO is the same with a critic that sees what its agent sees.
#pragma once

#include <polis/algorithm/ppo.hpp>

namespace polis {

struct TeamDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{
      .epochs = 10, .minibatch = 0, .value_coefficient = 1.f, .max_gradient_norm = 10.f};
};

struct MAPPO : PPO::With<CentralCritic, ValueNormalization, AgentIds, ActiveMasks, TeamDefaults> {};

struct IPPO : PPO::With<LocalCritic, ValueNormalization, AgentIds, ActiveMasks, TeamDefaults> {};

}  // namespace polis
