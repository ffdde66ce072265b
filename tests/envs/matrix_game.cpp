// Matrix games: who is paid what, and the figures that are known of each game.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <polis/envs/games/matrix_game.hpp>

#include "../env/lane.hpp"

namespace test_matrix_game {

using namespace polis;
using polis_test::Lane;

/// Each player's payoffs, row by row, as `step` pays them.
template <class Game>
std::vector<std::vector<float>> paid() {
  std::vector<std::vector<float>> tables(2);
  Lane<Game> lane;
  for (int row = 0; row < Game::choices; ++row) {
    for (int column = 0; column < Game::choices; ++column) {
      Actions<Game> actions{};
      actions[0] = row;
      actions[1] = column;
      lane.reset();
      lane.step(actions);
      REQUIRE(lane.episode == End::terminated);
      for (int i = 0; i < 2; ++i) {
        tables[static_cast<std::size_t>(i)].push_back(lane.rewards[i]);
        REQUIRE(lane.rewards[i] == static_cast<float>(Game::payoff(i, row, column)));
      }
    }
  }
  return tables;
}

using Table = std::vector<float>;

static_assert(DeviceEnvironment<ClimbingGame> && HasState<ClimbingGame> && HasMetrics<ClimbingGame>);
static_assert(!HasTurns<ClimbingGame> && !HasLegalActions<ClimbingGame> && !HasStages<ClimbingGame>);
static_assert(StatesSuccess<CoordinationGame> && !StatesSuccess<MatchingPennies> &&
              !StatesSuccess<PrisonersDilemma<>>);
static_assert(CoordinationGame::rewards == RewardStructure::shared &&
              RockPaperScissors::rewards == RewardStructure::zero_sum &&
              PrisonersDilemma<>::rewards == RewardStructure::general_sum);
static_assert(CoordinationGame::best_payoff() == 2 && ClimbingGame::best_payoff() == 11 &&
              PenaltyGame<-25>::best_payoff() == 10);

struct SharedWithTwoTables : CoordinationPayoffs {
  static constexpr PayoffMatrix<2> column_payoffs{{2, 0, 0, 1}};
};
struct GeneralWithOneTable {
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr PayoffMatrix<2> payoffs{{3, 0, 5, 1}};
};
static_assert(TwoPlayerGame<PrisonersDilemmaPayoffs> && TwoPlayerGame<PenaltyPayoffs<0>>);
static_assert(!TwoPlayerGame<SharedWithTwoTables> && !TwoPlayerGame<GeneralWithOneTable> &&
              !TwoPlayerGame<int>);

TEST_CASE("envs/matrix_game: cooperative games pay both players the table's payoff") {
  const Table coordination{2, 0, 0, 1}, climbing{11, -30, 0, -30, 7, 0, 0, 6, 5};
  const Table penalty{-25, 0, 10, 0, 2, 0, 10, 0, -25};
  CHECK(paid<CoordinationGame>() == std::vector<Table>{coordination, coordination});
  CHECK(paid<ClimbingGame>() == std::vector<Table>{climbing, climbing});
  CHECK(paid<PenaltyGame<-25>>() == std::vector<Table>{penalty, penalty});
}

TEST_CASE("envs/matrix_game: what one wins in a zero-sum game the other loses") {
  const Table rock{0, -1, 1, 1, 0, -1, -1, 1, 0}, against_rock{0, 1, -1, -1, 0, 1, 1, -1, 0};
  CHECK(paid<RockPaperScissors>() == std::vector<Table>{rock, against_rock});
  CHECK(paid<MatchingPennies>() == std::vector<Table>{{1, -1, -1, 1}, {-1, 1, 1, -1}});
}

TEST_CASE("envs/matrix_game: the prisoner's dilemma is symmetric, and to defect dominates") {
  const auto tables = paid<PrisonersDilemma<>>();
  CHECK(tables == std::vector<Table>{{3, 0, 5, 1}, {3, 5, 0, 1}});
  using Game = PrisonersDilemma<>;
  for (int other = 0; other < 2; ++other) {
    CHECK(Game::payoff(0, 1, other) > Game::payoff(0, 0, other));
    CHECK(Game::payoff(1, other, 1) > Game::payoff(1, other, 0));
  }
  CHECK(Game::payoff(0, 0, 0) > Game::payoff(0, 1, 1));
  CHECK(2 * Game::payoff(0, 0, 0) > Game::payoff(0, 0, 1) + Game::payoff(0, 1, 0));
}

TEST_CASE("envs/matrix_game: uniformly random play is paid the mean of the table") {
  CHECK(CoordinationGame::random_payoff(1) == .75f);
  CHECK(ClimbingGame::random_payoff(0) == doctest::Approx(-31. / 9));
  CHECK(PenaltyGame<-25>::random_payoff(0) == doctest::Approx(-28. / 9));
  CHECK(RockPaperScissors::random_payoff(1) == 0.f);
  CHECK(MatchingPennies::random_payoff(0) == 0.f);
  CHECK(PrisonersDilemma<>::random_payoff(0) == 2.25f);
  CHECK(PrisonersDilemma<>::random_payoff(1) == 2.25f);
}

/// What the agent sees, and the state for agent -1.
template <class Game>
Table seen(const Game& game, int agent) {
  Table numbers(2 * Game::choices, 7.f);
  agent < 0 ? game.state(Row{numbers.data()}) : game.observe(agent, Row{numbers.data()});
  return numbers;
}

TEST_CASE("envs/matrix_game: repeated, a game shows the last choices, an agent's own first") {
  using Game = PrisonersDilemma<3>;
  Lane<Game> lane;
  lane.reset();
  for (int agent = -1; agent < 2; ++agent) CHECK(seen(lane.env, agent) == Table{0, 0, 0, 0});
  Actions<Game> actions{};
  actions[0] = 1;
  for (int play = 1; play <= 3; ++play) {
    lane.step(actions);
    CHECK(lane.episode == (play == 3 ? End::terminated : End::none));
    CHECK(seen(lane.env, 0) == Table{0, 1, 1, 0});
    CHECK(seen(lane.env, 1) == Table{1, 0, 0, 1});
    CHECK(seen(lane.env, -1) == seen(lane.env, 0));
  }
  std::map<std::string, double> figures;
  lane.env.metrics([&figures](const std::string& name, double value) { figures[name] = value; });
  CHECK(figures == std::map<std::string, double>{{"row_payoff", 5.}, {"column_payoff", 0.}});
  lane.reset();
  CHECK(seen(lane.env, 0) == Table{0, 0, 0, 0});
  CHECK(lane.env.earned[0] == 0);
}

TEST_CASE("envs/matrix_game: success is the share of plays at the optimum") {
  using Game = MatrixGame<CoordinationPayoffs, 4>;
  Lane<Game> lane;
  lane.reset();
  CHECK(lane.env.success() == 0.f);
  Actions<Game> good{}, other{};
  other[0] = other[1] = 1;
  lane.step(good);
  CHECK(lane.env.success() == 1.f);
  lane.step(other);
  lane.step(good);
  lane.step(good);
  CHECK(lane.env.success() == .75f);
}

}  // namespace test_matrix_game
