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
#include <polis/core/math.hpp>
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

  /// Games side by side (env/step_tile.hpp).
  template <class T>
  struct Tile {
    Array<T, agents> hand;
    Array<T, most_moves> made;
    T moves;
  };
  static constexpr void columns(auto& self, auto&& visit) {
    for (auto& card : self.hand) visit(card);
    for (auto& move : self.made) visit(move);
    visit(self.moves);
  }

  template <class T>
  [[gnu::always_inline]] static void reset_tile(Tile<T>& games, auto& ctx) {
    games.hand[0] = ctx.random.integer(cards);
    const T other = ctx.random.integer(cards - 1);
    games.hand[1] = other + math::select(other >= games.hand[0], T(1.f), T(0.f));
    for (T& move : games.made) move = T(0.f);
    games.moves = T(0.f);
  }

  template <class T>
  [[gnu::always_inline]] static void step_tile(Tile<T>& games, const auto& actions, auto& ctx) {
    const T zero(0.f), one(1.f);
    const auto second = games.moves == one;  // the second player's turn
    const T move = math::select(second, actions[1][0], actions[0][0]);
    const T before = math::select(second, games.made[0], games.made[1]);  // of no move: 0, a pass
    for (int i = 0; i < most_moves; ++i) {
      games.made[i] = math::select(games.moves == T(static_cast<float>(i)), move, games.made[i]);
    }
    const auto bets = move == one, faced_bet = before == one;
    ctx.terminate(faced_bet || (games.moves > zero && move == zero));
    const T showdown = math::select(games.hand[0] > games.hand[1], one, -one);
    const T folded = math::select(second, one, -one);  // the one who passes a bet loses
    const T called = math::select(bets, showdown + showdown, folded);
    const T won = math::select(ctx.over(), math::select(faced_bet, called, showdown), zero);
    ctx.reward(0) = won;
    ctx.reward(1) = zero - won;
    games.moves += one;
  }
};

}  // namespace polis
