// CartPole against trajectories of Gymnasium's CartPole-v1, and the distribution of its resets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/envs/classic/cartpole.hpp>

#include "../env/lane.hpp"
#include "trajectory.hpp"

namespace test_cartpole {

using namespace polis;
using namespace polis_test;

static_assert(DeviceEnvironment<CartPole> && DeviceEnvironment<BasicCartPole<double>>);
static_assert(StatesSuccess<CartPole> && HasMetrics<CartPole>);
static_assert(!HasState<CartPole> && !HasLegalActions<CartPole> && !HasTurns<CartPole> &&
              !HasStages<CartPole>);
static_assert(CartPole::rewards == RewardStructure::shared);
static_assert(fields_complete<CartPole::Config>());

template <class Scalar>
void put(BasicCartPole<Scalar>& env, const std::vector<double>& state) {
  env.position = static_cast<Scalar>(state[0]);
  env.velocity = static_cast<Scalar>(state[1]);
  env.angle = static_cast<Scalar>(state[2]);
  env.angular_velocity = static_cast<Scalar>(state[3]);
}

template <class Scalar>
std::vector<double> get(const BasicCartPole<Scalar>& env) {
  return {static_cast<double>(env.position), static_cast<double>(env.velocity),
          static_cast<double>(env.angle), static_cast<double>(env.angular_velocity)};
}

struct Outcome {
  double largest_error = 0;
  int steps = 0, terminations = 0, truncations = 0;
};

/// Follows every recorded episode: from the recorded state at each step where `each_step`, else from the
/// first on its own. (Over 500 steps the unstable pole turns one rounding into a different trajectory.)
template <class Scalar>
Outcome follow(bool each_step, int longest) {
  Outcome outcome;
  Lane<BasicCartPole<Scalar>> lane;
  std::vector<double> before;
  for (const RecordedStep& recorded : read_trajectories("cartpole_v1.csv", 4)) {
    if (recorded.step == 0) {
      lane.reset();
      put(lane.env, recorded.state);
    } else if (recorded.step <= longest) {
      if (each_step) put(lane.env, before);
      Actions<BasicCartPole<Scalar>> actions{};
      actions[0] = static_cast<int>(recorded.action);
      lane.step(actions);
      const std::vector<double> state = get(lane.env);
      for (std::size_t i = 0; i < 4; ++i) {
        outcome.largest_error = std::max(outcome.largest_error, error(state[i], recorded.state[i], .01));
      }
      const End end = recorded.terminated ? End::terminated : recorded.truncated ? End::truncated : End::none;
      REQUIRE(lane.episode == end);
      REQUIRE(lane.rewards[0] == static_cast<float>(recorded.reward));
      ++outcome.steps;
      outcome.terminations += end == End::terminated;
      outcome.truncations += end == End::truncated;
    }
    before = recorded.state;
  }
  return outcome;
}

TEST_CASE("envs/cartpole: every step is Gymnasium's, in double precision") {
  const Outcome outcome = follow<double>(true, 500);
  CHECK(outcome.steps == 655);
  CHECK(outcome.terminations == 3);
  CHECK(outcome.truncations == 1);
  CHECK(outcome.largest_error < 1e-12);
}

TEST_CASE("envs/cartpole: thirty steps on its own stay with Gymnasium's") {
  CHECK(follow<double>(false, 30).largest_error < 1e-12);
  CHECK(follow<float>(false, 30).largest_error < 3e-4);
}

TEST_CASE("envs/cartpole: single precision takes the same steps and ends at the same ones") {
  const Outcome outcome = follow<float>(true, 500);
  CHECK(outcome.terminations == 3);
  CHECK(outcome.truncations == 1);
  CHECK(outcome.largest_error < 5e-5);
}

TEST_CASE("envs/cartpole: resets are uniform in [-.05, .05], each number for itself") {
  constexpr std::size_t resets = 20'000;
  std::vector<std::vector<double>> samples(4);
  Lane<CartPole> lane;
  double product = 0;
  for (std::size_t i = 0; i < resets; ++i) {
    lane.env.steps = 99;
    lane.reset();
    REQUIRE(lane.env.steps == 0);
    const std::vector<double> state = get(lane.env);
    for (std::size_t k = 0; k < 4; ++k) {
      REQUIRE(std::abs(state[k]) <= .05 + 1e-9);
      samples[k].push_back(state[k]);
    }
    product += state[0] * state[2];
  }
  for (const std::vector<double>& sample : samples) {
    double mean = 0;
    for (const double x : sample) mean += x / resets;
    CHECK(std::abs(mean) < 4.5 * .1 / std::sqrt(12. * resets));
    CHECK(distance_from_uniform(sample, -.05, .05) < distance_limit(resets));
  }
  const double variance = .01 / 12;
  CHECK(std::abs(product / resets) < 4.5 * variance / std::sqrt(double{resets}));
}

TEST_CASE("envs/cartpole: the number of steps is a setting; success and metrics speak of the episode") {
  Lane<CartPole> lane;
  lane.config.max_steps = 3;
  lane.reset();
  Actions<CartPole> actions{};
  for (int step = 1; step <= 3; ++step) {
    actions[0] = step % 2;
    lane.step(actions);
    CHECK(lane.episode == (step == 3 ? End::truncated : End::none));
  }
  CHECK(lane.env.success() == 0.f);
  lane.env.steps = 474;
  CHECK(lane.env.success() == 0.f);
  lane.env.steps = 475;
  CHECK(lane.env.success() == 1.f);

  lane.env.angle = -.3f;
  std::map<std::string, double> figures;
  lane.env.metrics([&figures](const std::string& name, double value) { figures[name] = value; });
  CHECK(figures == std::map<std::string, double>{{"fell", 1.}, {"left_track", 0.}});

  float seen[4];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] == lane.env.position);
  CHECK(seen[2] == -.3f);
  CHECK(seen[3] == lane.env.angular_velocity);
}

}  // namespace test_cartpole
