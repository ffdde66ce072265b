// Matrix games: two players choose at the same time, and a table says what each is paid.
//
// A game is a table of integers in a type; MatrixGame plays it once, or several times over. The cooperative
// ones are the known traps of independent learning: C. Claus and C. Boutilier, "The dynamics of reinforcement
// learning in cooperative multiagent systems" (1998).
#pragma once

#include <concepts>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What a player is paid for each pair of N choices: a row for each choice of the first player, a column for
/// each of the second.
template <int N>
struct PayoffMatrix {
  static_assert(N > 1, "a choice is between two at least");
  static constexpr int choices = N;
  int values[N * N];  // row by row

  POLIS_HD constexpr int operator()(int row, int column) const { return values[row * N + column]; }
};

/// A table of payoffs, `payoffs`, and whose they are, `rewards`: both players' where it is shared; the first
/// player's where the game is zero-sum, and the second is paid their negative; in a general-sum game
/// `column_payoffs` are the second player's.
template <class Game>
concept TwoPlayerGame = requires {
  { Game::rewards } -> std::convertible_to<RewardStructure>;
  { Game::payoffs(0, 0) } -> std::convertible_to<int>;
} && ((Game::rewards == RewardStructure::general_sum) == requires { Game::column_payoffs(0, 0); });

/// The game, played `Repeats` times; then the episode terminates. Each player sees the last two choices, its
/// own before the other's, one-hot; zeros before the first play: so a game that is played once is stateless.
/// The state is the same with the first player's choice in front. How many plays are left is not seen.
template <TwoPlayerGame Game, int Repeats = 1>
struct MatrixGame {
  static_assert(Repeats > 0, "a game is played once at least");
  static constexpr int agents = 2, choices = Game::payoffs.choices;
  static constexpr RewardStructure rewards = Game::rewards;
  struct Observation : Box<2 * choices> {
    static constexpr int count = 1 + choices * choices;
    POLIS_HD static int index(In<float> seen) {
      for (int i = 0; i < choices * choices; ++i) {
        if (seen[i / choices] > 0 && seen[choices + i % choices] > 0) return 1 + i;
      }
      return 0;
    }
  };
  using State = Box<2 * choices>;
  using Action = Discrete<choices>;

  int plays = 0, best_plays = 0;
  Array<int, 2> last{};    ///< the last choices, once there was a play
  Array<int, 2> earned{};  ///< in this episode

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < 2; ++i) last[i] = actions[i];
    for (int i = 0; i < 2; ++i) {
      const int paid = payoff(i, last[0], last[1]);
      ctx.reward(i) = static_cast<float>(paid);
      earned[i] += paid;
    }
    if (payoff(0, last[0], last[1]) == best_payoff()) ++best_plays;
    if (++plays == Repeats) ctx.terminate();
  }

  POLIS_HD void observe(int agent, Row out) const { show(agent, out); }
  POLIS_HD void state(Row out) const { show(0, out); }

  /// The share of plays in which the team earned the most there is.
  POLIS_HD float success() const
    requires(rewards == RewardStructure::shared)
  {
    return plays > 0 ? static_cast<float>(best_plays) / static_cast<float>(plays) : 0.f;
  }

  /// What each player earned per play.
  void metrics(auto&& visit) const {
    const double count = plays > 0 ? plays : 1;
    visit("row_payoff", earned[0] / count);
    visit("column_payoff", earned[1] / count);
  }

  /// What the agent is paid when these two are chosen.
  POLIS_HD static constexpr int payoff(int agent, int row, int column) {
    constexpr auto payoffs = Game::payoffs;  // in device code a static member has a value but no address
    if (agent == 0 || rewards == RewardStructure::shared) return payoffs(row, column);
    if constexpr (rewards == RewardStructure::general_sum) {
      constexpr auto column_payoffs = Game::column_payoffs;
      return column_payoffs(row, column);
    } else {
      return -payoffs(row, column);
    }
  }

  /// The most that the first player can be paid for a play: in a shared game the optimum.
  POLIS_HD static constexpr int best_payoff() {
    int best = payoff(0, 0, 0);
    for (int row = 0; row < choices; ++row) {
      for (int column = 0; column < choices; ++column) {
        if (payoff(0, row, column) > best) best = payoff(0, row, column);
      }
    }
    return best;
  }

  static OptimalValue optimal_value(const auto&)
    requires(rewards == RewardStructure::shared)
  {
    return {static_cast<double>(Repeats) * best_payoff()};
  }

  /// What the agent is paid for a play on average when both choose uniformly at random.
  POLIS_HD static constexpr float random_payoff(int agent) {
    int total = 0;
    for (int row = 0; row < choices; ++row) {
      for (int column = 0; column < choices; ++column) total += payoff(agent, row, column);
    }
    return static_cast<float>(total) / static_cast<float>(choices * choices);
  }

 private:
  POLIS_HD void show(int first, Row out) const {
    for (int i = 0; i < 2 * choices; ++i) out[i] = 0;
    if (plays == 0) return;
    out[last[first]] = 1;
    out[choices + last[1 - first]] = 1;
  }
};

// ---- Cooperative: one payoff for both.

/// Two equilibria, of which (0, 0) pays twice as much. At random .75.
struct CoordinationPayoffs {
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr PayoffMatrix<2> payoffs{{2, 0,  //
                                            0, 1}};
};

/// Both must choose 0 for the optimum of 11, beside which a mistake costs 30: independent learners settle for
/// less. At random -3.44.
struct ClimbingPayoffs {
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr PayoffMatrix<3> payoffs{{11, -30, 0,  //
                                            -30, 7, 0,   //
                                            0, 6, 5}};
};

/// Two optima of 10 in opposite corners; who aims for different ones pays K, and (1, 1) is a safe 2.
template <int K>
struct PenaltyPayoffs {
  static_assert(K <= 0, "a penalty");
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr PayoffMatrix<3> payoffs{{K, 0, 10,  //
                                            0, 2, 0,   //
                                            10, 0, K}};
};

// ---- Competitive: one wins what the other loses.

/// Rock 0, paper 1, scissors 2. The equilibrium is uniform, its value 0.
struct RockPaperScissorsPayoffs {
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  static constexpr PayoffMatrix<3> payoffs{{0, -1, 1,  //
                                            1, 0, -1,  //
                                            -1, 1, 0}};
};

/// The first player wants the same side, the second another. The equilibrium is uniform, its value 0.
struct MatchingPenniesPayoffs {
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  static constexpr PayoffMatrix<2> payoffs{{1, -1,  //
                                            -1, 1}};
};

// ---- Neither.

/// Cooperate 0, defect 1, paid as in R. Axelrod, "The evolution of cooperation" (1984): temptation 5, reward
/// 3, punishment 1, sucker 0. To defect dominates in one play; repeated, each sees what the other did last.
struct PrisonersDilemmaPayoffs {
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr PayoffMatrix<2> payoffs{{3, 0,  //
                                            5, 1}};
  static constexpr PayoffMatrix<2> column_payoffs{{3, 5,  //
                                                   0, 1}};
};

using CoordinationGame = MatrixGame<CoordinationPayoffs>;
using ClimbingGame = MatrixGame<ClimbingPayoffs>;
template <int K>
using PenaltyGame = MatrixGame<PenaltyPayoffs<K>>;
using RockPaperScissors = MatrixGame<RockPaperScissorsPayoffs>;
using MatchingPennies = MatrixGame<MatchingPenniesPayoffs>;
template <int Repeats = 1>
using PrisonersDilemma = MatrixGame<PrisonersDilemmaPayoffs, Repeats>;

}  // namespace polis
