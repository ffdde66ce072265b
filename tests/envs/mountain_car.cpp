// Both forms of MountainCar against trajectories of Gymnasium's MountainCar-v0 and MountainCarContinuous-v0,
// and the distribution of their resets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/envs/classic/mountain_car.hpp>
#include <polis/envs/classic/mountain_car_continuous.hpp>

#include "../env/lane.hpp"
#include "trajectory.hpp"

namespace test_mountain_car {

using namespace polis;
using namespace polis_test;

template <class E>
constexpr bool as_expected =
    DeviceEnvironment<E> && StatesSuccess<E> && !HasMetrics<E> && !HasState<E> && !HasTurns<E> &&
    E::rewards == RewardStructure::shared && fields_complete<typename E::Config>();
static_assert(as_expected<MountainCar> && as_expected<BasicMountainCar<double>>);
static_assert(as_expected<MountainCarContinuous> && as_expected<BasicMountainCarContinuous<double>>);
static_assert(BoundedSpace<MountainCarContinuous::Action> && MountainCarContinuous::Action::low == -1);

struct Outcome {
  double largest_error = 0, largest_reward_error = 0;
  int steps = 0, terminations = 0, truncations = 0, walls = 0, differently_rounded = 0;
};

void act(int& action, double recorded) { action = static_cast<int>(recorded); }
void act(Array<float, 1>& action, double recorded) { action[0] = static_cast<float>(recorded); }

/// Follows every recorded episode: from the recorded state at each step where `each_step`, else from the
/// first on its own.
template <class E>
Outcome follow(const std::string& file, bool each_step, int longest) {
  using Scalar = decltype(E::position);
  Outcome outcome;
  Lane<E> lane;
  std::vector<double> before;
  for (const RecordedStep& recorded : read_trajectories(file, 2)) {
    if (recorded.step == 0) lane.reset();
    if (recorded.step == 0 || each_step) {
      const std::vector<double>& state = recorded.step == 0 ? recorded.state : before;
      lane.env.position = static_cast<Scalar>(state[0]);
      lane.env.velocity = static_cast<Scalar>(state[1]);
    }
    if (recorded.step > 0 && recorded.step <= longest) {
      Actions<E> actions{};
      act(actions[0], recorded.action);
      lane.step(actions);
      const double position = static_cast<double>(lane.env.position);
      const double velocity = static_cast<double>(lane.env.velocity);
      outcome.largest_error = std::max({outcome.largest_error, error(position, recorded.state[0], .01),
                                        error(velocity, recorded.state[1], .01)});
      outcome.largest_reward_error = std::max(
          outcome.largest_reward_error, error(static_cast<double>(lane.rewards[0]), recorded.reward, 1));
      const End end = recorded.terminated ? End::terminated : recorded.truncated ? End::truncated : End::none;
      REQUIRE(lane.episode == end);
      REQUIRE(lane.env.success() == (recorded.terminated ? 1.f : 0.f));
      ++outcome.steps;
      outcome.terminations += end == End::terminated;
      outcome.truncations += end == End::truncated;
      outcome.walls += lane.env.position == E::left_end && velocity == 0;
      outcome.differently_rounded += static_cast<float>(position) != static_cast<float>(recorded.state[0]) ||
                                     static_cast<float>(velocity) != static_cast<float>(recorded.state[1]);
    }
    before = recorded.state;
  }
  return outcome;
}

constexpr const char* discrete = "mountaincar_v0.csv";
constexpr const char* continuous = "mountaincarcontinuous_v0.csv";

TEST_CASE("envs/mountain_car: every step is Gymnasium's, in double precision") {
  const Outcome outcome = follow<BasicMountainCar<double>>(discrete, true, 200);
  CHECK(outcome.steps == 569);
  CHECK(outcome.terminations == 1);
  CHECK(outcome.truncations == 2);
  CHECK(outcome.walls > 0);
  CHECK(outcome.largest_error < 1e-13);
  CHECK(outcome.largest_reward_error == 0);
}

TEST_CASE("envs/mountain_car: whole episodes on their own stay with Gymnasium's") {
  CHECK(follow<BasicMountainCar<double>>(discrete, false, 200).largest_error < 1e-11);
  CHECK(follow<MountainCar>(discrete, false, 50).largest_error < 1e-3);
}

TEST_CASE("envs/mountain_car: single precision takes the same steps and ends at the same ones") {
  const Outcome outcome = follow<MountainCar>(discrete, true, 200);
  CHECK(outcome.terminations == 1);
  CHECK(outcome.truncations == 2);
  CHECK(outcome.largest_error < 1e-4);
}

TEST_CASE("envs/mountain_car: with a continuous engine, every step rounds to Gymnasium's") {
  const Outcome outcome = follow<BasicMountainCarContinuous<double>>(continuous, true, 999);
  CHECK(outcome.steps == 1188);
  CHECK(outcome.terminations == 2);
  CHECK(outcome.truncations == 1);
  CHECK(outcome.walls > 0);
  CHECK(outcome.differently_rounded == 0);  // the recorded state is in single precision
  CHECK(outcome.largest_reward_error < 1e-6);
}

TEST_CASE("envs/mountain_car: with a continuous engine, single precision takes the same steps") {
  const Outcome outcome = follow<MountainCarContinuous>(continuous, true, 999);
  CHECK(outcome.terminations == 2);
  CHECK(outcome.truncations == 1);
  CHECK(outcome.largest_error < 1e-4);
  CHECK(follow<MountainCarContinuous>(continuous, false, 50).largest_error < 1e-3);
}

TEST_CASE_TEMPLATE("envs/mountain_car: the car starts at rest, uniform in [-.6, -.4]", E, MountainCar,
                   MountainCarContinuous) {
  constexpr std::size_t resets = 20'000;
  std::vector<double> positions;
  Lane<E> lane;
  for (std::size_t i = 0; i < resets; ++i) {
    lane.env.velocity = 1;
    lane.env.steps = 99;
    lane.reset();
    REQUIRE(lane.env.velocity == 0);
    REQUIRE(lane.env.steps == 0);
    positions.push_back(static_cast<double>(lane.env.position));
    REQUIRE(positions.back() >= -.6 - 1e-7);
    REQUIRE(positions.back() <= -.4 + 1e-7);
  }
  CHECK(distance_from_uniform(positions, -.6, -.4) < distance_limit(resets));
}

TEST_CASE_TEMPLATE("envs/mountain_car: the number of steps is a setting; position and velocity are seen", E,
                   MountainCar, MountainCarContinuous) {
  Lane<E> lane;
  lane.config.max_steps = 2;
  lane.reset();
  lane.step({});
  CHECK(lane.episode == End::none);
  lane.step({});
  CHECK(lane.episode == End::truncated);
  float seen[2];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] == lane.env.position);
  CHECK(seen[1] == lane.env.velocity);
  CHECK(seen[1] != 0);
}

TEST_CASE("envs/mountain_car: the goal counts only for a car that does not roll back") {
  MountainCar car;
  car.position = .55f;
  car.velocity = -.01f;
  CHECK_FALSE(car.reached_goal());
  car.velocity = 0;
  CHECK(car.reached_goal());
  car.position = .49f;
  CHECK_FALSE(car.reached_goal());
}

}  // namespace test_mountain_car
