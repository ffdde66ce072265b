// simple_speaker_listener against trajectories of PettingZoo's two versions, and what random play returns.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/envs/particle/simple_speaker_listener.hpp>

#include "../env/lane.hpp"
#include "particle.hpp"
#include "trajectory.hpp"

namespace test_simple_speaker_listener {

using namespace polis;
using namespace polis_test;
using particle::Listener;
using particle::Speaker;

using Old = SimpleSpeakerListener<particle::Original>;
using New = SimpleSpeakerListener<particle::Revised>;

static_assert(DeviceEnvironment<Old> && DeviceEnvironment<New>);
static_assert(HasState<Old> && HasMetrics<Old> && StatesSuccess<Old> && !HasTurns<Old>);
static_assert(Old::rewards == RewardStructure::shared && role_count<Old> == 2 && agent_count<Old> == 2);
static_assert(RoleOf<Old, 0>::Observation::words == 3 && RoleOf<Old, 0>::Action::size == 3 &&
              RoleOf<Old, 1>::Observation::words == 11 && RoleOf<Old, 1>::Action::size == 5);
static_assert(fields_complete<Old::Config>());

struct Outcome {
  double state = 0, reward = 0, observation = 0;  // largest differences
  int steps = 0;
};

/// The goal stands in the speaker's observation alone, which is recorded at the end of an episode.
int goal_of(const std::vector<RecordedRow>& rows, const std::string& episode) {
  for (const RecordedRow& row : rows) {
    if (row.episode != episode || row.step != 25) continue;
    const auto colour = row.numbers.begin() + 2 + 4 + 6 + 2;
    return static_cast<int>(std::max_element(colour, colour + 3) - colour);
  }
  return -1;
}

/// Steps from every recorded state with the recorded actions.
template <class E>
Outcome follow(const std::string& file) {
  Outcome outcome;
  Lane<E> lane;
  const std::vector<RecordedRow> rows = read_rows(file);
  for (const RecordedRow& row : rows) {
    Reader reader(row);
    Actions<E> actions{};
    actions.of(Speaker{})[0] = reader.integer();
    actions.of(Listener{})[0] = reader.integer();
    if (row.step == 0) {
      lane.reset();
      lane.env.goal = goal_of(rows, row.episode);
    } else {
      lane.step(actions);
    }
    E recorded = lane.env;
    recorded.listener = read_body(reader);
    for (particle::Vector& landmark : recorded.landmarks) landmark = read_vector(reader);
    const double rewards[2] = {reader.number(), reader.number()};
    if (row.step > 0) {
      outcome.state = std::max(outcome.state, difference(lane.env.listener, recorded.listener));
      for (int i = 0; i < 2; ++i) {
        const auto reward = static_cast<double>(lane.rewards[i]);
        outcome.reward = std::max(outcome.reward, std::abs(reward - rewards[i]));
      }
      REQUIRE(lane.episode == (row.step == 25 ? End::truncated : End::none));
      ++outcome.steps;
    }
    if (row.step == 25) {
      float colour[3], heard[11];
      lane.env.observe(Speaker{}, 0, Row{colour});
      lane.env.observe(Listener{}, 0, Row{heard});
      outcome.observation =
          std::max({outcome.observation, difference(colour, reader), difference(heard, reader)});
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
  CHECK(outcome.state < particle_tolerance);
  CHECK(outcome.reward < particle_tolerance);
  CHECK(outcome.observation < particle_tolerance);
}

TEST_CASE("envs/simple_speaker_listener: every step is PettingZoo's, in both physics") {
  check_every_step<Old>("particle_speaker_listener_original.csv");
  check_every_step<New>("particle_speaker_listener_revised.csv");
  CHECK(follow<New>("particle_speaker_listener_original.csv").state > .01);
  CHECK(follow<Old>("particle_speaker_listener_revised.csv").state > .01);
}

template <class E>
Returns random_returns() {
  return play<E>(
      [](const E&, Random& random) {
        Actions<E> actions{};
        actions.of(Speaker{})[0] = random.integer(3);
        actions.of(Listener{})[0] = random.integer(5);
        return actions;
      },
      10'000);
}

// The reference means are of 4,000 episodes in PettingZoo 1.22.3 and mpe2 1.1.1, standard errors .54
// and .53: the bounds are three standard errors of the difference.
TEST_CASE("envs/simple_speaker_listener: random play returns what it does in PettingZoo") {
  const Returns original = random_returns<Old>(), revised = random_returns<New>();
  CHECK(std::abs(original.mean + 40.59) < 3 * std::hypot(original.error, .54));
  CHECK(std::abs(revised.mean + 39.92) < 3 * std::hypot(revised.error, .53));
}

TEST_CASE("envs/simple_speaker_listener: a word is heard after the step in which it is said") {
  Lane<Old> lane;
  lane.config.max_steps = 2;
  lane.reset();
  lane.env.goal = 2;
  float heard[11], state[16];
  lane.env.observe(Listener{}, 0, Row{heard});
  CHECK((heard[8] == 0 && heard[9] == 0 && heard[10] == 0));
  Actions<Old> actions{};
  actions.of(Speaker{})[0] = 1;
  lane.step(actions);
  CHECK(lane.episode == End::none);
  lane.env.observe(Listener{}, 0, Row{heard});
  CHECK((heard[8] == 0 && heard[9] == 1 && heard[10] == 0));
  lane.env.state(Row{state});
  CHECK(state[2] == lane.env.listener.position.x);
  CHECK((state[10] == 0 && state[11] == 0 && state[12] == 1));  // the goal
  CHECK((state[13] == 0 && state[14] == 1 && state[15] == 0));  // the word
  lane.step(actions);
  CHECK(lane.episode == End::truncated);
}

TEST_CASE("envs/simple_speaker_listener: success is to be at the goal, not at another landmark") {
  Lane<New> lane;
  lane.reset();
  lane.env.landmarks = {{{-1, 0}, {0, 0}, {1, 0}}};
  lane.env.goal = 1;
  lane.env.listener = {{1, 0}, {}};
  CHECK(lane.env.success() == 0);
  lane.step({});
  CHECK(lane.rewards[0] == -1);
  CHECK(lane.rewards[1] == -1);
  lane.env.listener = {{.05f, 0}, {}};
  CHECK(lane.env.success() == 1);
  double distance = -1;
  lane.env.metrics([&distance](const std::string&, double value) { distance = value; });
  CHECK(distance == doctest::Approx(.05));
}

TEST_CASE("envs/simple_speaker_listener: goals are uniform, and so are positions") {
  constexpr std::size_t resets = 6'000;
  std::vector<double> positions;
  double counts[3] = {};
  Lane<Old> lane;
  for (std::size_t i = 0; i < resets; ++i) {
    lane.reset();
    REQUIRE(lane.env.listener.velocity == particle::Vector{});
    REQUIRE(lane.env.word == -1);
    ++counts[lane.env.goal];
    for (const particle::Vector& at : lane.env.landmarks) positions.insert(positions.end(), {at.x, at.y});
    positions.push_back(lane.env.listener.position.x);
  }
  for (const double count : counts) CHECK(std::abs(count - 2000) < 4.5 * std::sqrt(6000 * 2. / 9));
  CHECK(distance_from_uniform(positions, -1, 1) < distance_limit(positions.size()));
}

}  // namespace test_simple_speaker_listener
