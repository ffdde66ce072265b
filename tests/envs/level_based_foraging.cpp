// Level-based foraging against trajectories of lb-foraging, its rules one by one, and what random play
// returns.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/envs/games/level_based_foraging.hpp>

#include "../env/lane.hpp"
#include "particle.hpp"

namespace test_level_based_foraging {

using namespace polis;
using namespace polis_test;

struct Six : Foraging8x8 {
  static constexpr int size = 6, players = 3, sight = 6;
  static constexpr bool cooperative = false;
};
struct Alone : Foraging8x8 {
  static constexpr bool cooperative = false;
};
struct TooSmall : Foraging8x8 {
  static constexpr int size = 4;
};

using Game = LevelBasedForaging<>;
using Near = LevelBasedForaging<Foraging8x8Near>;

static_assert(DeviceEnvironment<Game> && HasState<Game> && HasMetrics<Game> && StatesSuccess<Game>);
static_assert(!HasTurns<Game> && !HasLegalActions<Game> && Game::rewards == RewardStructure::shared);
static_assert(Game::Observation::words == 12 && Game::State::words == 12 && Game::Action::size == 6);
static_assert(ForagingSpec<Six> && !ForagingSpec<TooSmall> && !ForagingSpec<int>);
static_assert(fields_complete<Game::Config>());

template <class E>
void restore(E& env, Reader& reader) {
  for (auto& player : env.players) {
    player.at.row = reader.integer(), player.at.column = reader.integer();
    player.level = reader.integer();
  }
  for (auto& item : env.food) {
    item.at.row = reader.integer(), item.at.column = reader.integer();
    item.level = reader.integer();
  }
}

template <class Items>
std::vector<int> listed(const Items& items) {
  std::vector<int> numbers;
  for (const auto& item : items) numbers.insert(numbers.end(), {item.at.row, item.at.column, item.level});
  return numbers;
}

struct Outcome {
  int steps = 0, terminations = 0, truncations = 0, loads = 0;
};

/// Plays every recorded episode of the task from its first state on; everything must be as recorded.
template <class E>
Outcome follow(const std::string& task) {
  Outcome outcome;
  Lane<E> lane;
  for (const RecordedRow& row : read_rows("foraging.csv")) {
    if (row.episode != task) continue;
    Reader reader(row);
    Actions<E> actions{};
    for (int i = 0; i < E::agents; ++i) actions[i] = reader.integer();
    if (row.step == 0) {
      lane.reset();
      restore(lane.env, reader);
      lane.env.spawned = 0;
      for (const auto& item : lane.env.food) lane.env.spawned += item.level;
      lane.env.left = lane.env.spawned;
      lane.episode = End::none;
    } else {
      lane.step(actions);
      E recorded = lane.env;
      restore(recorded, reader);
      REQUIRE(listed(lane.env.players) == listed(recorded.players));
      REQUIRE(listed(lane.env.food) == listed(recorded.food));
      ++outcome.steps;
    }
    const double reward = reader.number();
    const bool over = reader.integer() == 1;
    for (const float own : lane.rewards) {
      if (row.step > 0) REQUIRE(static_cast<double>(own) == doctest::Approx(reward).epsilon(1e-6));
    }
    if (reward > 0) ++outcome.loads;
    REQUIRE((lane.episode != End::none) == over);
    outcome.terminations += lane.episode == End::terminated;
    outcome.truncations += lane.episode == End::truncated;
    for (int i = 0; i < E::agents; ++i) {
      float seen[E::Observation::words];
      lane.env.observe(i, Row{seen});
      REQUIRE(difference(seen, reader) == 0);
    }
    REQUIRE(reader.empty());
  }
  return outcome;
}

TEST_CASE(
    "envs/level_based_foraging: every step is lb-foraging's, near and far sighted, with and without "
    "cooperation") {
  const Outcome far = follow<Game>("8x8-2p-2f-coop");
  const Outcome near = follow<Near>("8x8-2p-2f-2s-coop");
  const Outcome six = follow<LevelBasedForaging<Six>>("6x6-3p-2f");
  CHECK(far.steps == 175);
  CHECK(near.steps == 162);
  CHECK(six.steps == 200);
  CHECK(far.loads + near.loads + six.loads >= 8);
  CHECK(far.terminations + near.terminations + six.terminations >= 2);
  CHECK(far.truncations + near.truncations + six.truncations >= 2);
}

/// Players of levels 1 and 2 at (4, 2) and (4, 4), a food of level 3 at (4, 3), another far off.
Lane<Game> at_the_food() {
  Lane<Game> lane;
  lane.reset();
  lane.env.players = {{{{4, 2}, 1}, {{4, 4}, 2}}};
  lane.env.food = {{{{1, 6}, 3}, {{4, 3}, 3}}};
  lane.env.spawned = lane.env.left = 6;
  return lane;
}

Actions<Game> both(int first, int second) {
  Actions<Game> actions{};
  actions[0] = first;
  actions[1] = second;
  return actions;
}

TEST_CASE("envs/level_based_foraging: a food takes the levels of all who load it at the same time") {
  Lane<Game> lane = at_the_food();
  lane.step(both(Game::load, 0));
  CHECK(lane.rewards[0] == 0);
  CHECK(lane.env.left == 6);
  lane.step(both(Game::load, Game::load));
  CHECK(lane.rewards[0] == .5f);
  CHECK(lane.rewards[1] == .5f);
  CHECK(lane.env.success() == .5f);
  CHECK(lane.episode == End::none);
  double left = -1;
  lane.env.metrics([&left](const std::string&, double value) { left = value; });
  CHECK(left == 1);

  float state[12];
  lane.env.state(Row{state});
  CHECK(std::vector<float>(state, state + 12) == std::vector<float>{1, 6, 3, -1, -1, 0, 4, 2, 1, 4, 4, 2});

  lane.env.players[0].at = {1, 5};
  lane.env.players[1].at = {2, 6};
  lane.step(both(Game::load, Game::load));
  CHECK(lane.env.success() == 1);
  CHECK(lane.episode == End::terminated);
}

TEST_CASE("envs/level_based_foraging: nobody walks off the grid, into food, or into each other") {
  Lane<Game> lane = at_the_food();
  lane.step(both(4, 3));  // both into the food
  CHECK(listed(lane.env.players) == std::vector<int>{4, 2, 1, 4, 4, 2});
  lane.env.food[1] = {};
  lane.step(both(4, 3));  // both into the cell that is free now
  CHECK(listed(lane.env.players) == std::vector<int>{4, 2, 1, 4, 4, 2});
  lane.env.players[1].at = {4, 3};
  lane.step(both(4, 0));  // into one who stands still
  CHECK(listed(lane.env.players) == std::vector<int>{4, 2, 1, 4, 3, 2});
  lane.step(both(4, 4));  // after one who leaves
  CHECK(listed(lane.env.players) == std::vector<int>{4, 3, 1, 4, 4, 2});
  lane.env.players = {{{{0, 0}, 1}, {{7, 7}, 2}}};
  for (const int move : {1, 3}) lane.step(both(move, move + 1));
  CHECK(listed(lane.env.players) == std::vector<int>{0, 0, 1, 7, 7, 2});
}

TEST_CASE("envs/level_based_foraging: resets keep cells apart and levels within what players can lift") {
  Lane<LevelBasedForaging<Six>> lane;
  std::map<int, int> rows, levels, player_levels;
  constexpr int resets = 6'000;
  for (int i = 0; i < resets; ++i) {
    lane.reset();
    const auto& env = lane.env;
    const auto &a = env.food[0], &b = env.food[1];
    for (const auto& item : {a, b}) {
      REQUIRE((item.at.row >= 1 && item.at.row <= 4 && item.at.column >= 1 && item.at.column <= 4));
      REQUIRE((item.level >= 1 && item.level <= env.heaviest_food()));
      for (const auto& player : env.players) REQUIRE(!(player.at == item.at));
    }
    const int down = b.at.row - a.at.row, right = std::abs(b.at.column - a.at.column);
    REQUIRE(down >= 0);
    REQUIRE((down > 1 || right > 1));
    REQUIRE((down + right > 2));
    REQUIRE(!(env.players[0].at == env.players[1].at));
    ++rows[env.players[2].at.row];
    ++player_levels[env.players[1].level];
    if (env.heaviest_food() == 6) ++levels[a.level];
  }
  REQUIRE(rows.size() == 6);
  for (const auto& [row, count] : rows)
    CHECK(std::abs(count - resets / 6.) < 4.5 * std::sqrt(resets * 5 / 36.));
  REQUIRE(player_levels.size() == 2);
  CHECK(std::abs(player_levels[1] - resets / 2.) < 4.5 * std::sqrt(resets / 4.));
  CHECK(levels.size() == 6);

  Lane<Game> cooperative;
  for (int i = 0; i < 100; ++i) {
    cooperative.reset();
    const auto& env = cooperative.env;
    for (const auto& item : env.food) REQUIRE(item.level == env.players[0].level + env.players[1].level);
  }
}

template <class E>
Returns random_returns() {
  return play<E>(
      [](const E&, Random& random) {
        Actions<E> actions{};
        for (int i = 0; i < E::agents; ++i) actions[i] = random.integer(6);
        return actions;
      },
      10'000);
}

// The reference means are of 5,000 episodes of lb-foraging 2.0.0, standard errors .0006 and .0039.
TEST_CASE("envs/level_based_foraging: random play returns what it does in lb-foraging") {
  const Returns cooperative = random_returns<Game>(), alone = random_returns<LevelBasedForaging<Alone>>();
  CHECK(std::abs(cooperative.mean - .0036) < 3 * std::hypot(cooperative.error, .0006));
  CHECK(std::abs(alone.mean - .1974) < 3 * std::hypot(alone.error, .0039));
}

}  // namespace test_level_based_foraging
