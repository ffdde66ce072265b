// The T-maze: walls, arms, what is seen when, and what can be had without a memory.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/envs/classic/t_maze.hpp>

#include "../env/lane.hpp"

namespace test_t_maze {

using namespace polis;
using polis_test::Lane;

using Maze = TMaze<3>;
static_assert(DeviceEnvironment<TMaze<>> && TMaze<>::length == 10);
static_assert(StatesSuccess<Maze> && HasMetrics<Maze> && !HasState<Maze> && !HasTurns<Maze>);
static_assert(fields_complete<Maze::Config>() && Maze::Config{}.max_steps == 15);

/// Takes one action and returns what it paid.
float go(Lane<Maze>& lane, int action) {
  Actions<Maze> actions{};
  actions[0] = action;
  lane.step(actions);
  return lane.rewards[0];
}

std::vector<float> seen(const Maze& maze) {
  std::vector<float> numbers(3, 7.f);
  maze.observe(0, Row{numbers.data()});
  return numbers;
}

TEST_CASE("envs/t_maze: the cue is seen at the first step alone, the corridor looks the same everywhere") {
  using Numbers = std::vector<float>;
  Lane<Maze> lane;
  for (const bool north : {false, true}) {
    lane.reset();
    lane.env.goal_in_north = north;
    CHECK(seen(lane.env) == Numbers{north ? 1.f : -1.f, 0, 0});
    for (const int action : {Maze::west, Maze::east, Maze::east}) {
      go(lane, action);
      CHECK(seen(lane.env) == Numbers{0, 1, 0});
    }
    go(lane, Maze::east);
    CHECK(lane.env.position == 3);
    CHECK(seen(lane.env) == Numbers{0, 0, 1});
    go(lane, Maze::west);
    CHECK(seen(lane.env) == Numbers{0, 1, 0});
  }
}

TEST_CASE("envs/t_maze: walls cost .1 and stop, the open way is free") {
  Lane<Maze> lane;
  lane.reset();
  CHECK(go(lane, Maze::west) == -.1f);
  CHECK(go(lane, Maze::north) == -.1f);
  CHECK(go(lane, Maze::south) == -.1f);
  CHECK(lane.env.position == 0);
  for (int step = 0; step < 3; ++step) CHECK(go(lane, Maze::east) == 0.f);
  CHECK(go(lane, Maze::east) == -.1f);
  CHECK(lane.env.position == 3);
  CHECK(go(lane, Maze::west) == 0.f);
  CHECK(lane.env.position == 2);
  CHECK(lane.episode == End::none);
}

TEST_CASE("envs/t_maze: the right arm pays 4, the wrong one costs .1, and both terminate") {
  Lane<Maze> lane;
  for (const bool north : {false, true}) {
    for (const bool right : {false, true}) {
      lane.reset();
      lane.env.goal_in_north = north;
      for (int step = 0; step < 3; ++step) go(lane, Maze::east);
      CHECK(go(lane, north == right ? Maze::north : Maze::south) == (right ? 4.f : -.1f));
      CHECK(lane.episode == End::terminated);
      CHECK(lane.env.success() == (right ? 1.f : 0.f));
      std::map<std::string, double> figures;
      lane.env.metrics([&figures](const std::string& name, double value) { figures[name] = value; });
      CHECK(figures == std::map<std::string, double>{{"success", right ? 1. : 0.}, {"at_junction", 1.}});
    }
  }
}

TEST_CASE("envs/t_maze: an episode that takes too long is truncated, unless its last step turns") {
  Lane<Maze> lane;
  lane.config.max_steps = 4;
  lane.reset();
  for (int step = 1; step <= 4; ++step) {
    go(lane, Maze::west);
    CHECK(lane.episode == (step == 4 ? End::truncated : End::none));
  }
  CHECK(lane.env.success() == 0.f);
  lane.reset();
  for (int step = 1; step <= 3; ++step) go(lane, Maze::east);
  go(lane, Maze::north);
  CHECK(lane.episode == End::terminated);
}

TEST_CASE("envs/t_maze: without the cue one turn in two is right") {
  constexpr int episodes = 20'000;
  Lane<Maze> lane;
  int always_north = 0, at_random = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    Random coin(3, static_cast<std::uint64_t>(episode), 0, 0, Purpose::test);
    for (const int turn : {Maze::north, coin.integer(2) == 1 ? Maze::north : Maze::south}) {
      lane.reset();
      for (int step = 0; step < 3; ++step) go(lane, Maze::east);
      int& right = turn == Maze::north ? always_north : at_random;
      go(lane, turn);
      right += lane.env.at_goal;
    }
  }
  CHECK(always_north + at_random > 0);
  CHECK(std::abs(always_north + at_random - episodes) < 4.5 * std::sqrt(episodes / 2.));
}

}  // namespace test_t_maze
