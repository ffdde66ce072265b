// Leduc poker: six cards, two rounds of betting, and a public card between them.
//
// From F. Southey et al., "Bayes' bluff: opponent modelling in poker" (2005), with the rules of OpenSpiel's
// leduc_poker for two. The deck has two each of jack, queen and king. Each antes 1 and gets a card; after the
// first round a public card is shown. In each round the first player begins, a bet or raise adds 2 (in the
// second round 4) to what is to be called, and there are two of them at most. Who has the public card's rank
// wins at the end, else the higher card; equal ranks share. There are 288 information states, and uniform
// play has a NashConv of 4.747222 (exploitability.hpp), as OpenSpiel finds.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// One game of Leduc poker an episode, the players in turns. Action 0 folds, 1 calls (or checks), 2 raises
/// (or bets). To fold needs a bet to be called; a third raise in a round is not allowed.
struct LeducPoker {
  static constexpr int agents = 2, ranks = 3, rounds = 2, most_raises = 2;
  static constexpr int most_moves = most_raises + 2;  ///< in a round: check, bet, raise, call
  static constexpr int fold = 0, call = 1, raise = 2;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;

  /// The own rank and the public one, one-hot (jack, queen, king; zeros before it is shown); then for each
  /// round its moves, each one-hot (call, raise; zeros before it was made): from these a player knows whose
  /// turn it is. Suits do not matter and are not seen.
  struct Observation : Box<2 * ranks + rounds * most_moves * 2> {
    static constexpr int nodes = 6;    ///< of a round that goes on: nothing, c, cr, crr, r, rr
    static constexpr int endings = 5;  ///< of the first round: cc, crc, crrc, rc, rrc
    static constexpr int count = ranks * nodes + ranks * ranks * endings * nodes;

    POLIS_HD static int index(In<float> seen) {
      const int own = rank(seen);
      const In<float> first = seen.from(2 * ranks), second = first.from(most_moves * 2);
      if (seen[ranks] + seen[ranks + 1] + seen[ranks + 2] == 0) return own * nodes + node(first);
      const int place = (own * ranks + rank(seen.from(ranks))) * endings + ending(first);
      return ranks * nodes + place * nodes + node(second);
    }

   private:
    POLIS_HD static int rank(In<float> shown) { return shown[1] > 0 ? 1 : shown[2] > 0 ? 2 : 0; }
    POLIS_HD static bool raised(In<float> moves, int i) { return moves[2 * i + 1] > 0; }
    POLIS_HD static int node(In<float> moves) {
      const bool begun = moves[0] + moves[1] > 0;
      if (!begun) return 0;
      if (raised(moves, 0)) return raised(moves, 1) ? 5 : 4;
      return raised(moves, 1) ? (raised(moves, 2) ? 3 : 2) : 1;
    }
    POLIS_HD static int ending(In<float> moves) {
      if (raised(moves, 0)) return raised(moves, 1) ? 4 : 3;
      return raised(moves, 1) ? (raised(moves, 2) ? 2 : 1) : 0;
    }
  };
  using Action = Discrete<3>;

  Array<int, agents> hand{};  ///< ranks
  int public_rank = -1;       ///< -1 until it is shown
  Array<Array<int, most_moves>, rounds> made{};
  Array<int, rounds> moves{};
  int round = 0, raises = 0;
  Array<int, agents> paid{};  ///< into the pot

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    for (int& chips : paid) chips = 1;
    hand[0] = ctx.random.integer(2 * ranks) / 2;
    const int second =
        ctx.random.integer(2 * ranks - 1);  // of the cards that are left: the pair's other first
    hand[1] = second == 0 ? hand[0] : other_rank((second - 1) / 2, hand[0]);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const int player = turn(), opponent = 1 - player;
    const int move = allowed(actions[player]);
    if (move == fold) return pay(opponent, paid[player], ctx);
    const bool answered = moves[round] > 0;
    made[round][moves[round]++] = move;
    paid[player] = paid[opponent];
    if (move == raise) {
      paid[player] += round == 0 ? 2 : 4;
      ++raises;
      return;
    }
    if (!answered) return;  // checked to the other player
    if (round == 0) return show(ctx);
    const int strength = value_of(0) - value_of(1);
    if (strength == 0) return ctx.terminate();
    const int winner = strength > 0 ? 0 : 1;
    pay(winner, paid[1 - winner], ctx);
  }

  POLIS_HD void observe(int agent, Row out) const {
    for (int i = 0; i < ranks; ++i) {
      out[i] = hand[agent] == i ? 1.f : 0.f;
      out[ranks + i] = public_rank == i ? 1.f : 0.f;
    }
    for (int r = 0; r < rounds; ++r) {
      for (int i = 0; i < most_moves; ++i) {
        const Row at = out.from(2 * ranks + (r * most_moves + i) * 2);
        at[0] = i < moves[r] && made[r][i] == call ? 1.f : 0.f;
        at[1] = i < moves[r] && made[r][i] == raise ? 1.f : 0.f;
      }
    }
  }

  POLIS_HD void legal(int /*agent*/, Row mask) const {
    if (paid[0] == paid[1]) mask[fold] = 0;
    if (raises == most_raises) mask[raise] = 0;
  }

  POLIS_HD bool acting(int agent) const { return agent == turn(); }

 private:
  POLIS_HD int turn() const { return moves[round] % 2; }

  /// The move, or a call in place of one that is not allowed.
  POLIS_HD int allowed(int move) const {
    if (move == fold && paid[0] == paid[1]) return call;
    return move == raise && raises == most_raises ? call : move;
  }

  POLIS_HD static void pay(int winner, int chips, auto& ctx) {
    ctx.reward(winner) = static_cast<float>(chips);
    ctx.reward(1 - winner) = -static_cast<float>(chips);
    ctx.terminate();
  }

  /// Ends the first round: shows one of the four cards that are left.
  POLIS_HD void show(auto& ctx) {
    int card = ctx.random.integer(2 * ranks - 2);
    for (int rank = 0; public_rank < 0; ++rank) {
      card -= 2 - (hand[0] == rank ? 1 : 0) - (hand[1] == rank ? 1 : 0);
      if (card < 0) public_rank = rank;
    }
    round = 1;
    raises = 0;
  }

  /// The i-th of the ranks that are not `taken`.
  POLIS_HD static int other_rank(int i, int taken) { return i < taken ? i : i + 1; }

  POLIS_HD int value_of(int player) const { return hand[player] == public_rank ? ranks : hand[player]; }
};

}  // namespace polis
