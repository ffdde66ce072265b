// The cue game: a team of two whose return rests on a cue that only one of them sees, and only once.
//
// It is small enough to know everything about, and made to tell a central critic from a local one. Three
// steps, two actions:
//
//     step 1   agent 0 sees the cue, -1 or 1 at even odds, and answers it; agent 1 sees nothing
//     step 2   both see the time alone; they earn 1 if they act alike
//     step 3   the same; and at the end 1 if the answer was right, and `weather` times the cue
//
// The weather's share cannot be changed and is zero on average, but it is large: from the second step on the
// value is
//
//     V = (answer right) + (agreements to come) + weather * cue,
//
// of which a critic that sees what the agents see knows the expectation over the cue alone: all that it
// cannot see is noise in the advantages of steps 2 and 3, `weather` strong beside the .5 that an agreement is
// worth. The state carries cue and answer throughout, so that a central critic knows V exactly.
//
// The optimum is 3: answer the cue, then act alike twice. Uniformly random play earns 1.5.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The cue game. Action 0 answers the cue -1, action 1 the cue 1.
struct CueGame {
  static constexpr int agents = 2, last_step = 3;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// The cue (agent 0 at the first step, else 0); the step, one-hot.
  using Observation = Box<1 + last_step>;
  /// The cue; whether the answer was right (0 at the first step); the step, one-hot.
  using State = Box<2 + last_step>;
  using Action = Discrete<2>;

  struct Config {
    float weather = 4;  ///< what the cue adds at the end, or takes: how much a local critic cannot see
    static constexpr void fields(auto& self, auto&& visit) { visit("weather", self.weather); }
  };

  /// What the best and what a uniformly random team earn on average.
  static constexpr float optimum = 3, random_return = 1.5f;

  static OptimalValue optimal_value(const auto&) { return {static_cast<double>(optimum)}; }

  float cue = 1;
  int steps = 0, agreements = 0;
  bool right = false;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    cue = ctx.random.integer(2) == 1 ? 1.f : -1.f;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    ++steps;
    if (steps == 1) {
      right = (actions[0] == 1) == (cue > 0);
      return;
    }
    const bool agreed = actions[0] == actions[1];
    if (agreed) ++agreements;
    float reward = agreed ? 1.f : 0.f;
    if (steps == last_step) {
      reward += (right ? 1.f : 0.f) + ctx.config().weather * cue;
      ctx.terminate();
    }
    ctx.reward_all(reward);
  }

  POLIS_HD void observe(int agent, Row out) const {
    out[0] = agent == 0 && steps == 0 ? cue : 0.f;
    show_time(out.from(1));
  }

  POLIS_HD void state(Row out) const {
    out[0] = cue;
    out[1] = right ? 1.f : 0.f;
    show_time(out.from(2));
  }

  /// The share of the three points that was earned: the return without the weather, of the optimum.
  POLIS_HD float success() const { return static_cast<float>(agreements + (right ? 1 : 0)) / optimum; }

  void metrics(auto&& visit) const {
    visit("right", right ? 1. : 0.);
    visit("agreements", static_cast<double>(agreements));
  }

 private:
  POLIS_HD void show_time(Row out) const {
    for (int i = 0; i < last_step; ++i) out[i] = i == steps ? 1.f : 0.f;
  }
};

}  // namespace polis
