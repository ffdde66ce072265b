// The two-step game: a team of two whose best return a sum of values cannot express.
//
// From T. Rashid et al., "QMIX: monotonic value function factorisation for deep multi-agent reinforcement
// learning" (2018), section 5 and appendix B. In the first step agent 0 alone decides which game is played in
// the second; nothing is paid. Both always see where they are.
//
//     2A   pays 7, whatever they do
//     2B   pays [[0, 1], [1, 8]]
//
// The optimum is 8: play 2B and choose 1 twice. Under uniformly random data the best additive values of 2B
// are [[-1.5, 2.5], [2.5, 6.5]], so that a learner of such values (VDN) prefers 2A and earns 7; a monotone
// mixer (QMIX) represents 2B exactly and earns 8. Uniformly random play earns 4.75.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The two-step game. In the first step agent 0's action 0 leads to 2A, its action 1 to 2B.
struct TwoStepGame {
  static constexpr int agents = 2, states = 3;
  static constexpr RewardStructure rewards = RewardStructure::shared;

  /// The state (first step, 2A, 2B) and who sees it, both one-hot. After the end the state of the second
  /// step stays in view.
  struct Observation : Box<states + agents> {
    static constexpr int count = states * agents;
    POLIS_HD static int index(In<float> seen) {
      const int at = seen[1] > 0 ? 1 : seen[2] > 0 ? 2 : 0;
      return at * agents + (seen[states + 1] > 0 ? 1 : 0);
    }
  };
  using State = Box<states>;  ///< one-hot
  using Action = Discrete<2>;

  /// What the best team, one that plays 2A, and a uniformly random one earn.
  static constexpr float optimum = 8, safe_return = 7, random_return = 4.75f;

  static OptimalValue optimal_value(const auto&) { return {static_cast<double>(optimum)}; }

  int at = 0;  ///< 0: the first step, 1: 2A, 2: 2B
  float earned = 0;

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    if (at == 0) {
      at = 1 + actions[0];
      return;
    }
    earned = payoff(at, actions[0], actions[1]);
    ctx.reward_all(earned);
    ctx.terminate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    state(out);
    for (int i = 0; i < agents; ++i) out[states + i] = i == agent ? 1.f : 0.f;
  }
  POLIS_HD void state(Row out) const {
    for (int i = 0; i < states; ++i) out[i] = i == at ? 1.f : 0.f;
  }

  /// Whether the optimum was earned.
  POLIS_HD float success() const { return earned == optimum ? 1.f : 0.f; }

  void metrics(auto&& visit) const { visit("chose_2b", at == 2 ? 1. : 0.); }

  /// What the second step pays in 2A (1) or 2B (2).
  POLIS_HD static constexpr float payoff(int game, int first, int second) {
    if (game == 1) return 7;
    if (first == 1 && second == 1) return 8;
    return first == second ? 0.f : 1.f;
  }
};

}  // namespace polis
