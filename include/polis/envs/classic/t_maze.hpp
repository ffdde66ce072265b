// The T-maze: which way to turn is said at the start, and wanted at the end of a long corridor.
//
// B. Bakker, "Reinforcement learning with long short-term memory" (2002). The corridor looks the same
// everywhere, so that only an agent with a memory arrives at the junction knowing more than chance.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// A corridor of `Length` steps to the east, and a junction with arms to the north and to the south, one of
/// which holds the goal at even odds. Actions: 0 north, 1 east, 2 south, 3 west. To turn into the right arm
/// pays 4, into the other -.1, and either terminates; to walk into a wall costs .1; else the reward is 0.
///
/// Whoever has forgotten the cue turns right half of the time: .5 is the best success without memory, and no
/// more than that for a random walk, most of which do not reach the junction in time. The optimum is 4.
template <int Length = 10>
struct TMaze {
  static_assert(Length > 0, "without a corridor there is nothing to remember");
  static constexpr int agents = 1, length = Length;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// The cue, 1 for a goal in the north, -1 in the south, at the first step alone, else 0; whether this is
  /// the corridor; whether it is the junction. At the first step neither.
  using Observation = Box<3>;
  using Action = Discrete<4>;

  struct Config {
    int max_steps = 5 * Length;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  static constexpr float goal_reward = 4, penalty = -.1f;
  /// To go straight to the right arm, where there is time to.
  static OptimalValue optimal_value(const auto& view) {
    return {view.config().max_steps > Length ? static_cast<double>(goal_reward) : 0.};
  }

  bool goal_in_north = false, at_goal = false;
  int position = 0;  ///< steps from the start; Length is the junction
  int steps = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    goal_in_north = ctx.random.integer(2) == 1;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    ++steps;
    if (actions[0] == east || actions[0] == west) {
      const int next = position + (actions[0] == east ? 1 : -1);
      const bool open = next >= 0 && next <= Length;
      if (open) position = next;
      ctx.reward(0) = open ? 0.f : penalty;
    } else if (position == Length) {
      at_goal = (actions[0] == north) == goal_in_north;
      ctx.reward(0) = at_goal ? goal_reward : penalty;
      ctx.terminate();
    } else {
      ctx.reward(0) = penalty;
    }
    if (steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out) const {
    const bool first = steps == 0;
    out[0] = !first ? 0.f : goal_in_north ? 1.f : -1.f;
    out[1] = !first && position < Length ? 1.f : 0.f;
    out[2] = !first && position == Length ? 1.f : 0.f;
  }

  /// 1 where the goal was found.
  POLIS_HD float success() const { return at_goal ? 1.f : 0.f; }

  void metrics(auto&& visit) const {
    visit("success", at_goal ? 1. : 0.);
    visit("at_junction", position == Length ? 1. : 0.);
  }

  static constexpr int north = 0, east = 1, south = 2, west = 3;
};

}  // namespace polis
