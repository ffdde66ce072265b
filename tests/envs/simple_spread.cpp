// simple_spread against trajectories of PettingZoo's two versions, and the returns of its reference policies.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/envs/particle/simple_spread.hpp>

#include "../env/lane.hpp"
#include "particle.hpp"
#include "trajectory.hpp"

namespace test_simple_spread {

using namespace polis;
using namespace polis_test;

using Old = SimpleSpread<particle::Original>;
using New = SimpleSpread<particle::Revised>;

static_assert(DeviceEnvironment<Old> && DeviceEnvironment<New>);
static_assert(HasState<Old> && HasMetrics<Old> && StatesSuccess<Old> && !HasTurns<Old> &&
              !HasLegalActions<Old>);
static_assert(Old::rewards == RewardStructure::shared && Old::Observation::words == 14 &&
              Old::State::words == 18);
static_assert(fields_complete<Old::Config>());

struct Outcome {
  double state = 0, reward = 0, observation = 0;  // largest differences
  int steps = 0, collisions = 0;
};

template <class E>
void restore(E& env, Reader& reader) {
  for (particle::Body& body : env.bodies) body = read_body(reader);
  for (particle::Vector& landmark : env.landmarks) landmark = read_vector(reader);
}

/// Steps from every recorded state with the recorded actions.
template <class E>
Outcome follow(const std::string& file) {
  Outcome outcome;
  Lane<E> lane;
  for (const RecordedRow& row : read_rows(file)) {
    Reader reader(row);
    Actions<E> actions{};
    for (int i = 0; i < 3; ++i) actions[i] = reader.integer();
    if (row.step == 0) lane.reset();
    if (row.step > 0) lane.step(actions);
    E recorded = lane.env;
    restore(recorded, reader);
    if (row.step > 0) {
      for (int i = 0; i < 3; ++i) {
        outcome.state = std::max(outcome.state, difference(lane.env.bodies[i], recorded.bodies[i]));
      }
      double total = 0;
      for (int i = 0; i < 3; ++i) total += reader.number();
      for (const float reward : lane.rewards) {
        outcome.reward = std::max(outcome.reward, std::abs(static_cast<double>(reward) - total));
      }
      REQUIRE(lane.episode == (row.step == 25 ? End::truncated : End::none));
      ++outcome.steps;
    }
    if (row.step == 25) {
      outcome.collisions += lane.env.collisions;
      for (int i = 0; i < 3; ++i) {
        float seen[14];
        lane.env.observe(i, Row{seen});
        outcome.observation = std::max(outcome.observation, difference(seen, reader));
        for (int zero = 0; zero < 4; ++zero) REQUIRE(reader.number() == 0);
      }
      REQUIRE(reader.empty());
    }
    lane.env = recorded;
  }
  return outcome;
}

template <class E>
void check_every_step(const std::string& file) {
  const Outcome outcome = follow<E>(file);
  CHECK(outcome.steps == 50);
  CHECK(outcome.collisions >= 10);
  CHECK(outcome.state < particle_tolerance);
  CHECK(outcome.reward < 2 * particle_tolerance);  // nine distances
  CHECK(outcome.observation < particle_tolerance);
}

TEST_CASE("envs/simple_spread: every step is PettingZoo's, in the original physics and in the revised") {
  check_every_step<Old>("particle_spread_original.csv");
  check_every_step<New>("particle_spread_revised.csv");
}

TEST_CASE("envs/simple_spread: the physics are told apart by what was recorded") {
  CHECK(follow<New>("particle_spread_original.csv").state > .01);
  CHECK(follow<Old>("particle_spread_revised.csv").state > .01);
}

template <class E>
Returns random_returns() {
  return play<E>([](const E& env, Random& random) { return random_play(env, random); }, 10'000);
}

template <class E>
Returns greedy_returns() {
  return play<E>([](const E& env, Random& random) { return greedy_assignment(env, random); }, 10'000);
}

// The reference means are taken as exact: the standard error is that of the episodes played here.
TEST_CASE("envs/simple_spread: random play returns what it is known to, within three standard errors") {
  const Returns original = random_returns<Old>(), revised = random_returns<New>();
  CHECK(std::abs(original.mean + 231.3) < 3 * original.error);
  CHECK(original.deviation == doctest::Approx(46.8).epsilon(.03));
  CHECK(std::abs(revised.mean + 158.7) < 3 * revised.error);
  CHECK(revised.deviation == doctest::Approx(47.3).epsilon(.03));
}

TEST_CASE("envs/simple_spread: greedy assignment returns twice as much as random play, and more") {
  const Returns original = greedy_returns<Old>(), revised = greedy_returns<New>();
  CHECK(original.mean > -125);
  CHECK(original.mean == doctest::Approx(-114.2).epsilon(.01));
  CHECK(revised.mean > -55);
  CHECK(revised.mean == doctest::Approx(-45.7).epsilon(.01));
}

TEST_CASE("envs/simple_spread: every agent, covered landmark and collision counts once in the reward") {
  Lane<New> lane;
  lane.reset();
  // One agent on each landmark, a unit apart: nothing to lose but the original's self-collision.
  const auto place = [](auto& env) {
    for (int i = 0; i < 3; ++i) {
      env.bodies[i] = {{static_cast<float>(i - 1), 0}, {}};
      env.landmarks[i] = env.bodies[i].position;
    }
  };
  place(lane.env);
  lane.step({});
  CHECK(lane.rewards[0] == 0);
  CHECK(lane.env.success() == 1);
  Lane<Old> original;
  original.reset();
  place(original.env);
  original.step({});
  for (const float reward : original.rewards) CHECK(reward == -3);
  CHECK(original.env.collisions == 0);

  // The third agent sits halfway in the second: they touch, and one landmark is .85 away from the nearest.
  lane.env.bodies[2].position.x = .15f;
  lane.step({});
  CHECK(lane.env.collisions == 1);
  CHECK(lane.rewards[1] == doctest::Approx(-3 * .85 - 2));
  CHECK(lane.env.bodies[2].velocity.x == doctest::Approx(100 * .15 * .1));
  CHECK(lane.env.bodies[1].velocity.x == doctest::Approx(-100 * .15 * .1));
  std::map<std::string, double> figures;
  lane.env.metrics([&figures](const std::string& name, double value) { figures[name] = value; });
  CHECK(figures == std::map<std::string, double>{{"collisions", 1.}, {"occupied_landmarks", 2.}});
}

TEST_CASE("envs/simple_spread: bodies in the very same place stay finite") {
  Lane<Old> lane;
  lane.reset();
  for (particle::Body& body : lane.env.bodies) body = {};
  lane.step({});
  for (const particle::Body& body : lane.env.bodies) CHECK(body.position == particle::Vector{});
  CHECK(lane.env.collisions == 3);
}

TEST_CASE("envs/simple_spread: positions start uniform on the square, at rest") {
  constexpr std::size_t resets = 5'000;
  std::vector<double> agents, landmarks;
  Lane<Old> lane;
  for (std::size_t i = 0; i < resets; ++i) {
    lane.reset();
    for (const particle::Body& body : lane.env.bodies) {
      REQUIRE(body.velocity == particle::Vector{});
      agents.insert(agents.end(), {body.position.x, body.position.y});
    }
    for (const particle::Vector& at : lane.env.landmarks) landmarks.insert(landmarks.end(), {at.x, at.y});
  }
  CHECK(distance_from_uniform(agents, -1, 1) < distance_limit(6 * resets));
  CHECK(distance_from_uniform(landmarks, -1, 1) < distance_limit(6 * resets));
}

TEST_CASE("envs/simple_spread: the state holds all velocities and positions once") {
  Lane<Old> lane;
  lane.config.max_steps = 2;
  lane.reset();
  Actions<Old> actions{};
  actions[1] = 4;
  lane.step(actions);
  CHECK(lane.episode == End::none);
  float numbers[18];
  lane.env.state(Row{numbers});
  const particle::Body& mover = lane.env.bodies[1];
  CHECK(numbers[4] == mover.velocity.x);
  CHECK(numbers[5] == mover.velocity.y);
  CHECK(numbers[7] == mover.position.y);
  CHECK(mover.velocity.y > .4f);
  CHECK(numbers[12] == lane.env.landmarks[0].x);
  CHECK(numbers[17] == lane.env.landmarks[2].y);
  lane.step(actions);
  CHECK(lane.episode == End::truncated);
}

TEST_CASE("envs/simple_spread: the last step cuts the episode, or ends it where the task says so") {
  for (const bool ends : {false, true}) {
    Lane<New> lane;
    lane.config.max_steps = 3;
    lane.config.limit_ends = ends;
    lane.reset();
    for (int step = 1; step <= 3; ++step) {
      CHECK(lane.episode == End::none);
      lane.step(Actions<New>{});
    }
    CHECK(lane.episode == (ends ? End::terminated : End::truncated));
  }
}

}  // namespace test_simple_spread
