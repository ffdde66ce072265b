// Pendulum against trajectories of Gymnasium's Pendulum-v1, and the distribution of its resets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/envs/classic/pendulum.hpp>

#include "../env/lane.hpp"
#include "trajectory.hpp"

namespace test_pendulum {

using namespace polis;
using namespace polis_test;

constexpr double pi = 3.14159265358979323846;

static_assert(DeviceEnvironment<Pendulum> && DeviceEnvironment<NormalizedPendulum>);
static_assert(HasMetrics<Pendulum> && !StatesSuccess<Pendulum> && !HasState<Pendulum> && !HasTurns<Pendulum>);
static_assert(BoundedSpace<Pendulum::Action> && Pendulum::Action::low == -2 && Pendulum::Action::high == 2);
static_assert(NormalizedPendulum::Action::low == -1 && NormalizedPendulum::Action::high == 1);
static_assert(fields_complete<Pendulum::Config>());

struct Outcome {
  double largest_error = 0, largest_reward_error = 0;
  int steps = 0, truncations = 0;
};

/// Follows every recorded episode: from the recorded state at each step where `each_step`, else from the
/// first on its own. The recorded actions are torques.
template <class E>
Outcome follow(bool each_step, int longest) {
  using Scalar = decltype(E::angle);
  Outcome outcome;
  Lane<E> lane;
  std::vector<double> before;
  for (const RecordedStep& recorded : read_trajectories("pendulum_v1.csv", 2)) {
    if (recorded.step == 0) lane.reset();
    if (recorded.step == 0 || each_step) {
      const std::vector<double>& state = recorded.step == 0 ? recorded.state : before;
      lane.env.angle = static_cast<Scalar>(state[0]);
      lane.env.angular_velocity = static_cast<Scalar>(state[1]);
    }
    if (recorded.step > 0 && recorded.step <= longest) {
      Actions<E> actions{};
      actions[0][0] = static_cast<float>(recorded.action) * E::Action::high / Torque::high;
      lane.step(actions);
      outcome.largest_error =
          std::max({outcome.largest_error, error(static_cast<double>(lane.env.angle), recorded.state[0], .1),
                    error(static_cast<double>(lane.env.angular_velocity), recorded.state[1], .1)});
      outcome.largest_reward_error =
          std::max(outcome.largest_reward_error, error(lane.rewards[0], recorded.reward, .1));
      REQUIRE(lane.episode == (recorded.truncated ? End::truncated : End::none));
      ++outcome.steps;
      outcome.truncations += recorded.truncated;
    }
    before = recorded.state;
  }
  return outcome;
}

TEST_CASE("envs/pendulum: every step is Gymnasium's, in double precision") {
  const Outcome outcome = follow<BasicPendulum<double>>(true, 200);
  CHECK(outcome.steps == 600);
  CHECK(outcome.truncations == 3);
  CHECK(outcome.largest_error < 1e-12);
  CHECK(outcome.largest_reward_error < 1e-6);  // rewards are single precision
}

TEST_CASE("envs/pendulum: thirty steps on its own stay with Gymnasium's") {
  CHECK(follow<BasicPendulum<double>>(false, 30).largest_error < 1e-12);
  CHECK(follow<Pendulum>(false, 30).largest_error < 1e-3);
}

TEST_CASE(
    "envs/pendulum: single precision takes the same steps, with torques or with shares of the largest") {
  const Outcome torques = follow<Pendulum>(true, 200), shares = follow<NormalizedPendulum>(true, 200);
  CHECK(torques.largest_error < 1e-5);
  CHECK(torques.largest_reward_error < 1e-4);
  CHECK(shares.largest_error == torques.largest_error);
  CHECK(shares.largest_reward_error == torques.largest_reward_error);
}

TEST_CASE("envs/pendulum: the reward's angle is the one in [-pi, pi)") {
  BasicPendulum<double> env;
  for (const double turns : {-7., -1., 0., 1., 12.}) {
    for (const double angle : {-3.1, -1., 0., 2., 3.1}) {
      env.angle = angle + 2 * pi * turns;
      CHECK(std::abs(env.wrapped_angle() - angle) < 1e-13);
    }
  }
  env.angle = pi;
  CHECK(env.wrapped_angle() == -pi);
  env.angle = -pi;
  CHECK(env.wrapped_angle() == -pi);
}

TEST_CASE("envs/pendulum: resets are uniform, angle in [-pi, pi], angular velocity in [-1, 1]") {
  constexpr std::size_t resets = 20'000;
  std::vector<double> angles, velocities;
  Lane<Pendulum> lane;
  double product = 0, mean_angle = 0, mean_velocity = 0;
  for (std::size_t i = 0; i < resets; ++i) {
    lane.reset();
    const double angle = static_cast<double>(lane.env.angle);
    const double velocity = static_cast<double>(lane.env.angular_velocity);
    REQUIRE(std::abs(angle) <= pi + 1e-6);
    REQUIRE(std::abs(velocity) <= 1.);
    angles.push_back(angle);
    velocities.push_back(velocity);
    mean_angle += angle / resets;
    mean_velocity += velocity / resets;
    product += angle * velocity / resets;
  }
  const double deviation = 1 / std::sqrt(3. * resets);
  CHECK(std::abs(mean_angle) < 4.5 * pi * deviation);
  CHECK(std::abs(mean_velocity) < 4.5 * deviation);
  CHECK(std::abs(product) < 4.5 * pi / 3 / std::sqrt(double{resets}));
  CHECK(distance_from_uniform(angles, -pi, pi) < distance_limit(resets));
  CHECK(distance_from_uniform(velocities, -1, 1) < distance_limit(resets));
}

TEST_CASE("envs/pendulum: the number of steps is a setting; the metric counts the steps upright") {
  Lane<Pendulum> lane;
  lane.config.max_steps = 4;
  lane.reset();
  lane.env.angle = .1f;
  lane.env.angular_velocity = 0;
  Actions<Pendulum> actions{};
  for (int step = 1; step <= 4; ++step) {
    if (step == 3) lane.env.angle = 3.f;
    lane.step(actions);
    CHECK(lane.episode == (step == 4 ? End::truncated : End::none));
  }
  double upright = -1;
  lane.env.metrics([&upright](const std::string& name, double value) {
    if (name == "upright") upright = value;
  });
  CHECK(upright == .5);

  float seen[3];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] * seen[0] + seen[1] * seen[1] == doctest::Approx(1));
  CHECK(seen[1] == doctest::Approx(std::sin(lane.env.angle)));
  CHECK(seen[2] == lane.env.angular_velocity);
}

}  // namespace test_pendulum
