// simple_tag against trajectories of PettingZoo's two versions, and what random play returns.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/envs/particle/simple_tag.hpp>

#include "../env/lane.hpp"
#include "particle.hpp"
#include "trajectory.hpp"

namespace test_simple_tag {

using namespace polis;
using namespace polis_test;
using particle::Predator;
using particle::Prey;

using Old = SimpleTag<particle::Original>;
using New = SimpleTag<particle::Revised>;

static_assert(DeviceEnvironment<Old> && DeviceEnvironment<New>);
static_assert(HasState<Old> && HasMetrics<Old> && !StatesSuccess<Old> && !HasTurns<Old>);
static_assert(Old::rewards == RewardStructure::general_sum && role_count<Old> == 2 && agent_count<Old> == 4);
static_assert(RoleOf<Old, 0>::Observation::words == 16 && RoleOf<Old, 1>::Observation::words == 14 &&
              Old::State::words == 20);
static_assert(fields_complete<Old::Config>());

struct Outcome {
  double state = 0, reward = 0, observation = 0;  // largest differences
  double strayed = 0;                             // the most that the prey paid for leaving the square
  int steps = 0, catches = 0, at_full_speed = 0;
};

/// Steps from every recorded state with the recorded actions.
template <class E>
Outcome follow(const std::string& file) {
  Outcome outcome;
  Lane<E> lane;
  for (const RecordedRow& row : read_rows(file)) {
    Reader reader(row);
    Actions<E> actions{};
    for (int i = 0; i < 3; ++i) actions.of(Predator{})[i] = reader.integer();
    actions.of(Prey{})[0] = reader.integer();
    if (row.step == 0) lane.reset();
    if (row.step > 0) lane.step(actions);
    E recorded = lane.env;
    for (particle::Body& body : recorded.bodies) body = read_body(reader);
    for (particle::Vector& obstacle : recorded.obstacles) obstacle = read_vector(reader);
    for (int i = 0; i < 4; ++i) {
      const double reward = reader.number();
      if (row.step == 0) continue;
      outcome.state = std::max(outcome.state, difference(lane.env.bodies[i], recorded.bodies[i]));
      outcome.reward = std::max(outcome.reward, std::abs(static_cast<double>(lane.rewards[i]) - reward));
      if (recorded.bodies[i].velocity.length() > .999f * E::largest_speed(i)) ++outcome.at_full_speed;
      if (i == 3) outcome.strayed = std::max(outcome.strayed, -reward - static_cast<double>(lane.rewards[0]));
    }
    if (row.step > 0) {
      REQUIRE(lane.episode == (row.step == 25 ? End::truncated : End::none));
      ++outcome.steps;
    }
    if (row.step == 25) {
      outcome.catches += lane.env.catches;
      for (int i = 0; i < 3; ++i) {
        float seen[16];
        lane.env.observe(Predator{}, i, Row{seen});
        outcome.observation = std::max(outcome.observation, difference(seen, reader));
      }
      float seen[14];
      lane.env.observe(Prey{}, 0, Row{seen});
      outcome.observation = std::max(outcome.observation, difference(seen, reader));
      REQUIRE(reader.empty());
    }
    lane.env = recorded;
  }
  return outcome;
}

// The reward's exp(2 |x| - 2) multiplies a position's error by twenty where it reaches its bound of 10.
template <class E>
void check_every_step(const std::string& file) {
  const Outcome outcome = follow<E>(file);
  CHECK(outcome.steps == 100);
  CHECK(outcome.catches >= 5);
  CHECK(outcome.at_full_speed >= 10);
  CHECK(outcome.strayed > 2);
  CHECK(outcome.state < particle_tolerance);
  CHECK(outcome.reward < 20 * particle_tolerance);
  CHECK(outcome.observation < particle_tolerance);
}

TEST_CASE("envs/simple_tag: every step is PettingZoo's, in the original physics and in the revised") {
  check_every_step<Old>("particle_tag_original.csv");
  check_every_step<New>("particle_tag_revised.csv");
  CHECK(follow<New>("particle_tag_original.csv").state > .01);
  CHECK(follow<Old>("particle_tag_revised.csv").state > .01);
}

template <class E>
Returns random_returns(int agent) {
  return play<E>(
      [](const E&, Random& random) {
        Actions<E> actions{};
        for (int i = 0; i < 3; ++i) actions.of(Predator{})[i] = random.integer(5);
        actions.of(Prey{})[0] = random.integer(5);
        return actions;
      },
      10'000, agent);
}

/// Within three standard errors of the difference from a mean with the standard error `error`.
bool agrees(const Returns& returns, double mean, double error) {
  return std::abs(returns.mean - mean) < 3 * std::hypot(returns.error, error);
}

// The reference means are of 4,000 episodes in PettingZoo 1.22.3 and in mpe2 1.1.1.
TEST_CASE("envs/simple_tag: random play returns what it does in PettingZoo") {
  CHECK(agrees(random_returns<Old>(0), 2.805, .123));
  CHECK(agrees(random_returns<Old>(3), -14.79, .308));
  CHECK(agrees(random_returns<New>(0), 3.922, .159));
  CHECK(agrees(random_returns<New>(3), -15.94, .325));
}

TEST_CASE("envs/simple_tag: leaving the square costs more the farther, up to 10 an axis") {
  CHECK(Old::straying(.89f) == 0);
  CHECK(Old::straying(-.95f) == doctest::Approx(.5));
  CHECK(Old::straying(1.f) == doctest::Approx(1));
  CHECK(Old::straying(-2.f) == doctest::Approx(std::exp(2.)));
  CHECK(Old::straying(3.f) == 10);
}

TEST_CASE("envs/simple_tag: every predator is paid for every touch, the prey pays once for each") {
  Lane<New> lane;
  lane.reset();
  lane.env.obstacles = {{{-.8f, -.8f}, {-.8f, .8f}}};
  lane.env.bodies = {};
  lane.env.bodies[0].position = {.1f, 0};
  lane.env.bodies[1].position = {-.1f, 0};
  lane.env.bodies[2].position = {.8f, 0};
  lane.step({});
  for (int i = 0; i < 3; ++i) CHECK(lane.rewards[i] == 20);
  CHECK(lane.rewards[3] == -20);
  double catches = 0;
  lane.env.metrics([&catches](const std::string&, double value) { catches = value; });
  CHECK(catches == 2);
  CHECK(lane.env.bodies[0].velocity.x == doctest::Approx(100 * .025 * .1));  // pushed off
  CHECK(lane.env.bodies[2].velocity == particle::Vector{});
}

TEST_CASE("envs/simple_tag: agents start on the square, obstacles a little inside") {
  std::vector<double> agents, obstacles;
  Lane<Old> lane;
  for (int i = 0; i < 5'000; ++i) {
    lane.reset();
    for (const particle::Body& body : lane.env.bodies) {
      agents.insert(agents.end(), {body.position.x, body.position.y});
    }
    for (const particle::Vector& at : lane.env.obstacles) obstacles.insert(obstacles.end(), {at.x, at.y});
  }
  CHECK(distance_from_uniform(agents, -1, 1) < distance_limit(agents.size()));
  CHECK(distance_from_uniform(obstacles, -.9, .9) < distance_limit(obstacles.size()));
}

TEST_CASE("envs/simple_tag: the state holds all velocities and positions once") {
  Lane<Old> lane;
  lane.config.max_steps = 1;
  lane.reset();
  Actions<Old> actions{};
  actions.of(Prey{})[0] = 1;
  lane.step(actions);
  CHECK(lane.episode == End::truncated);
  float numbers[20];
  lane.env.state(Row{numbers});
  CHECK(numbers[2] == lane.env.bodies[0].position.x);
  CHECK(numbers[12] == lane.env.bodies[3].velocity.x);
  CHECK(numbers[15] == lane.env.bodies[3].position.y);
  CHECK(numbers[19] == lane.env.obstacles[1].y);
}

}  // namespace test_simple_tag
