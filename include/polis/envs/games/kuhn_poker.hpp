// Kuhn poker: three cards, two players, one bet; the smallest poker in which bluffing pays.
//
// From H. Kuhn, "A simplified two-person poker" (1950), with the payments of OpenSpiel's kuhn_poker. Each
// antes 1 and gets one card of jack, queen and king. A player passes or bets 1; who faces a bet passes
// (folds) or bets (calls). The higher card wins the pot where nobody folded. With perfect play the first
// player loses 1/18 a game; the equilibria are a family with one parameter, the first player's odds of
// betting a jack. Known figures of exploitability.hpp: uniform play has a NashConv of 11/12, always
// passing 2.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// One game of Kuhn poker an episode, the players in turns. Action 0 passes, 1 bets; both are always allowed.
struct KuhnPoker {
  static constexpr int agents = 2, cards = 3, most_moves = 3;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  /// The equilibrium's mean payment to the first player.
  static constexpr double value = -1. / 18;

  /// The own card one-hot (jack, queen, king), and the first two moves, each one-hot (pass, bet; zeros
  /// before it was made): from these a player knows whose turn it is.
  struct Observation : Box<cards + 4> {
    static constexpr int nodes = 4,
                         count = cards * nodes;  ///< of each card: nothing, pass, bet, pass and bet
    POLIS_HD static int index(In<float> seen) {
      const int card = seen[1] > 0 ? 1 : seen[2] > 0 ? 2 : 0;
      const int node = seen[cards + 3] > 0 ? 3 : seen[cards + 1] > 0 ? 2 : seen[cards] > 0 ? 1 : 0;
      return card * nodes + node;
    }
  };
  using Action = Discrete<2>;

  Array<int, agents> hand{};
  Array<int, most_moves> made{};
  int moves = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    hand[0] = ctx.random.integer(cards);
    hand[1] = ctx.random.integer(cards - 1);
    if (hand[1] >= hand[0]) ++hand[1];
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const int player = moves % 2;
    const int move = actions[player];
    made[moves++] = move;
    const bool faced_bet = moves > 1 && made[moves - 2] == 1;
    if (!faced_bet && (moves == 1 || move == 1)) return;
    const bool folded = faced_bet && move == 0;
    const int winner = folded ? 1 - player : hand[0] > hand[1] ? 0 : 1;
    const float won = faced_bet && move == 1 ? 2.f : 1.f;
    ctx.reward(winner) = won;
    ctx.reward(1 - winner) = -won;
    ctx.terminate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    for (int card = 0; card < cards; ++card) out[card] = hand[agent] == card ? 1.f : 0.f;
    for (int i = 0; i < 4; ++i) out[cards + i] = i / 2 < moves && made[i / 2] == i % 2 ? 1.f : 0.f;
  }

  POLIS_HD bool acting(int agent) const { return agent == moves % 2; }
};

}  // namespace polis
