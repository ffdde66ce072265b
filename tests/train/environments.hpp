// Environments for tests of training as a whole.
#pragma once

#include <polis/env/environment.hpp>

namespace polis_test {

using namespace polis;

/// Two who take turns in adding to a number, with stages: whoever brings it to the stage's goal gains, the
/// other loses. Everything a checkpoint must hold is in play: turns, tasks, random numbers, success.
struct Race {
  struct Task {
    int goal = 0;
  };
  static constexpr int agents = 2;
  using Observation = Box<3>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  int sum = 0, goal = 0, turn = 0, winner = 0;

  void reset(auto& ctx) {
    sum = ctx.random.integer(2), goal = ctx.task().goal, turn = ctx.random.integer(2), winner = -1;
  }
  void step(const auto& actions, auto& ctx) {
    sum += 1 + actions[turn];
    if (sum >= goal) {
      winner = turn;
      ctx.reward(turn) = 1;
      ctx.reward(1 - turn) = -1;
      ctx.terminate();
    }
    turn = 1 - turn;
  }
  void observe(int agent, Row out) const {
    out[0] = static_cast<float>(sum), out[1] = static_cast<float>(goal), out[2] = static_cast<float>(agent);
  }
  bool acting(int agent) const { return agent == turn; }
  float success() const { return winner == 0 ? 1.f : 0.f; }

  static int stages(const Nothing&, const Nothing&) { return 4; }
  static Task task(int stage, const Nothing&, const Nothing&, Random& random) {
    return {3 + 2 * stage + random.integer(2)};
  }
};

/// Guess what is seen: 1 for each of 8 right guesses, half of them by chance.
struct Guess {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int cue = 0, at = 0, right = 0;

  void reset(auto& ctx) { cue = ctx.random.integer(2), at = 0, right = 0; }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = actions[0] == cue ? 1.f : 0.f;
    right += actions[0] == cue;
    cue = ctx.random.integer(2);
    if (++at == 8) ctx.truncate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(2 * cue - 1); }
  void metrics(auto&& visit) const { visit("right", static_cast<double>(right)); }
};

}  // namespace polis_test
