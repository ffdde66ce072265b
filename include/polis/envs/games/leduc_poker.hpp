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
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>
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

  /// Games side by side (env/step_tile.hpp).
  template <class T>
  struct Tile {
    Array<T, agents> hand;
    T public_rank;
    Array<Array<T, most_moves>, rounds> made;
    Array<T, rounds> moves;
    T round, raises;
    Array<T, agents> paid;
  };
  static constexpr void columns(auto& self, auto&& visit) {
    for (auto& card : self.hand) visit(card);
    visit(self.public_rank);
    for (auto& of_round : self.made) {
      for (auto& move : of_round) visit(move);
    }
    for (auto& count : self.moves) visit(count);
    visit(self.round), visit(self.raises);
    for (auto& chips : self.paid) visit(chips);
  }

  template <class T>
  [[gnu::always_inline]] static void reset_tile(Tile<T>& games, auto& ctx) {
    columns(games, [](T& number) { number = T(0.f); });
    games.public_rank = T(-1.f);
    for (T& chips : games.paid) chips = T(1.f);
    games.hand[0] = half(ctx.random.integer(2 * ranks));
    const T second = ctx.random.integer(2 * ranks - 1), rank = half(second - T(1.f));
    const T other = rank + math::select(rank < games.hand[0], T(0.f), T(1.f));
    games.hand[1] = math::select(second == T(0.f), games.hand[0], other);
  }

  template <class T>
  [[gnu::always_inline]] static void legal_tile(const Tile<T>& games, int /*agent*/, T* flags) {
    const T zero(0.f), one(1.f);
    flags[fold] = math::select(games.paid[0] == games.paid[1], zero, one);
    flags[raise] = math::select(games.raises == T(static_cast<float>(most_raises)), zero, one);
  }

  template <class T>
  [[gnu::always_inline]] static void step_tile(Tile<T>& games, const auto& actions, auto& ctx) {
    const T zero(0.f), one(1.f), raising(static_cast<float>(raise)), calling(static_cast<float>(call));
    const auto late = games.round > zero;
    const T count = math::select(late, games.moves[1], games.moves[0]);
    const auto second = count == one || count == T(3.f);
    const T asked = math::select(second, actions[1][0], actions[0][0]);
    const auto even = games.paid[0] == games.paid[1];
    const auto refused =
        (asked == zero && even) || (asked == raising && games.raises == T(static_cast<float>(most_raises)));
    const T move = math::select(refused, calling, asked);
    const auto folds = move == zero, raised = move == raising, called = move == calling;

    for (int r = 0; r < rounds; ++r) {
      const auto now = games.round == T(static_cast<float>(r)) && !folds;
      for (int i = 0; i < most_moves; ++i) {
        games.made[r][i] = math::select(now && count == T(static_cast<float>(i)), move, games.made[r][i]);
      }
      games.moves[r] += math::select(now, one, zero);
    }
    const T before = math::select(second, games.paid[1], games.paid[0]);
    const T other = math::select(second, games.paid[0], games.paid[1]);
    const T added = math::select(raised, math::select(late, T(4.f), T(2.f)), zero);
    const T paid = math::select(folds, before, other + added);
    games.paid[0] = math::select(second, games.paid[0], paid);
    games.paid[1] = math::select(second, paid, games.paid[1]);
    games.raises += math::select(raised, one, zero);

    const auto answered = called && count > zero;
    const auto shown = answered && !late;
    if (xsimd::any(shown)) {
      const T card = ctx.random.integer(2 * ranks - 2);
      T left = zero, rank = zero;  // cards of the ranks up to this one; the first rank with more than `card`
      for (int r = 0; r + 1 < ranks; ++r) {
        const T of(static_cast<float>(r));
        left += T(2.f) - math::select(games.hand[0] == of, one, zero) -
                math::select(games.hand[1] == of, one, zero);
        rank += math::select(left <= card, one, zero);
      }
      games.public_rank = math::select(shown, rank, games.public_rank);
      games.round = math::select(shown, one, games.round);
      games.raises = math::select(shown, zero, games.raises);
    }
    const auto compared = answered && late;
    ctx.terminate(folds || compared);
    const T best(static_cast<float>(ranks));
    const T strength = math::select(games.hand[0] == games.public_rank, best, games.hand[0]) -
                       math::select(games.hand[1] == games.public_rank, best, games.hand[1]);
    const T sign = math::select(strength == zero, zero, math::select(strength > zero, one, -one));
    const T won = math::select(folds, math::select(second, before, -before),
                               math::select(compared, sign * other, zero));
    ctx.reward(0) = won;
    ctx.reward(1) = zero - won;
  }

 private:
  /// floor(x / 2) for x from -1 to 5, -1 of which is taken for 0.
  template <class T>
  [[gnu::always_inline]] static T half(const T& x) {
    const T zero(0.f), one(1.f);
    return math::select(x >= T(2.f), one, zero) + math::select(x >= T(4.f), one, zero);
  }

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
