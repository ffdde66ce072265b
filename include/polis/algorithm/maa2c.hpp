// MAA2C: advantage actor-critic for teams, with one central critic for the agents of a role (Papoudakis,
// Christianos, Schaefer and Albrecht 2021, "Benchmarking multi-agent deep reinforcement learning algorithms
// in cooperative tasks", section 3). A2C (algorithm/a2c.hpp) whose critic sees the state.
#pragma once

#include <polis/algorithm/a2c.hpp>

namespace polis {

struct MAA2C : A2C::With<CentralCritic, AgentIds> {};

}  // namespace polis
