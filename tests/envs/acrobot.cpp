// Acrobot against trajectories of Gymnasium's Acrobot-v1, and the distribution of its resets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/envs/classic/acrobot.hpp>

#include "../env/lane.hpp"
#include "trajectory.hpp"

namespace test_acrobot {

using namespace polis;
using namespace polis_test;

static_assert(DeviceEnvironment<Acrobot> && DeviceEnvironment<BasicAcrobot<double>>);
static_assert(StatesSuccess<Acrobot> && HasMetrics<Acrobot>);
static_assert(!HasState<Acrobot> && !HasLegalActions<Acrobot> && !HasTurns<Acrobot> && !HasStages<Acrobot>);
static_assert(Acrobot::rewards == RewardStructure::shared && fields_complete<Acrobot::Config>());

constexpr double pi = 3.14159265358979323846;

template <class Scalar>
void put(BasicAcrobot<Scalar>& env, const std::vector<double>& state) {
  env.first_angle = static_cast<Scalar>(state[0]);
  env.second_angle = static_cast<Scalar>(state[1]);
  env.first_velocity = static_cast<Scalar>(state[2]);
  env.second_velocity = static_cast<Scalar>(state[3]);
}

template <class Scalar>
std::vector<double> get(const BasicAcrobot<Scalar>& env) {
  return {static_cast<double>(env.first_angle), static_cast<double>(env.second_angle),
          static_cast<double>(env.first_velocity), static_cast<double>(env.second_velocity)};
}

struct Outcome {
  double largest_error = 0;
  int steps = 0, terminations = 0, truncations = 0, fastest_first = 0, fastest_second = 0;
};

/// Follows every recorded episode: from the recorded state at each step where `each_step`, else from the
/// first on its own, except the fast one, which is chaotic. An angle may come out a full turn away where it
/// lies at the seam.
template <class Scalar>
Outcome follow(bool each_step, int longest) {
  Outcome outcome;
  Lane<BasicAcrobot<Scalar>> lane;
  std::vector<double> before;
  for (const RecordedStep& recorded : read_trajectories("acrobot_v1.csv", 4)) {
    if (recorded.step == 0) {
      lane.reset();
      put(lane.env, recorded.state);
    } else if (recorded.step <= longest && (each_step || recorded.episode != "fast")) {
      if (each_step) put(lane.env, before);
      Actions<BasicAcrobot<Scalar>> actions{};
      actions[0] = static_cast<int>(recorded.action);
      lane.step(actions);
      const std::vector<double> state = get(lane.env);
      for (std::size_t i = 0; i < 4; ++i) {
        const double size = std::max(std::abs(recorded.state[i]), 1.);
        double difference = std::abs(state[i] - recorded.state[i]);
        if (i < 2) difference = std::min(difference, std::abs(difference - 2 * pi));
        outcome.largest_error = std::max(outcome.largest_error, difference / size);
      }
      const End end = recorded.terminated ? End::terminated : recorded.truncated ? End::truncated : End::none;
      REQUIRE(lane.episode == end);
      REQUIRE(lane.rewards[0] == static_cast<float>(recorded.reward));
      ++outcome.steps;
      outcome.terminations += end == End::terminated;
      outcome.truncations += end == End::truncated;
      outcome.fastest_first += std::abs(std::abs(state[2]) - 4 * pi) < 1e-5;
      outcome.fastest_second += std::abs(std::abs(state[3]) - 9 * pi) < 1e-5;
    }
    before = recorded.state;
  }
  return outcome;
}

TEST_CASE("envs/acrobot: every step is Gymnasium's, in double precision") {
  const Outcome outcome = follow<double>(true, 500);
  CHECK(outcome.steps == 615);
  CHECK(outcome.terminations == 2);
  CHECK(outcome.truncations == 1);
  CHECK(outcome.fastest_first > 0);
  CHECK(outcome.fastest_second > 0);
  CHECK(outcome.largest_error < 1e-12);
}

TEST_CASE("envs/acrobot: thirty steps on its own stay with Gymnasium's") {
  CHECK(follow<double>(false, 30).largest_error < 1e-12);
  CHECK(follow<float>(false, 30).largest_error < 1e-4);
}

TEST_CASE("envs/acrobot: single precision takes the same steps and ends at the same ones") {
  const Outcome outcome = follow<float>(true, 500);
  CHECK(outcome.terminations == 2);
  CHECK(outcome.truncations == 1);
  CHECK(outcome.largest_error < 1e-4);
}

TEST_CASE("envs/acrobot: resets are uniform in [-.1, .1], each number for itself") {
  constexpr std::size_t resets = 20'000;
  std::vector<std::vector<double>> samples(4);
  Lane<Acrobot> lane;
  double product = 0;
  for (std::size_t i = 0; i < resets; ++i) {
    lane.env.steps = 99;
    lane.reset();
    REQUIRE(lane.env.steps == 0);
    const std::vector<double> state = get(lane.env);
    for (std::size_t k = 0; k < 4; ++k) {
      REQUIRE(std::abs(state[k]) <= .1 + 1e-8);
      samples[k].push_back(state[k]);
    }
    product += state[0] * state[2];
  }
  for (const std::vector<double>& sample : samples) {
    CHECK(distance_from_uniform(sample, -.1, .1) < distance_limit(resets));
  }
  CHECK(std::abs(product / resets) < 4.5 * (.04 / 12) / std::sqrt(double{resets}));
}

TEST_CASE("envs/acrobot: the number of steps is a setting; success, height and observation") {
  Lane<Acrobot> lane;
  lane.config.max_steps = 2;
  lane.reset();
  lane.step({});
  CHECK(lane.episode == End::none);
  lane.step({});
  CHECK(lane.episode == End::truncated);
  CHECK(lane.env.success() == 0.f);

  put(lane.env, {pi - .01, .02, .5, -.25});
  CHECK(lane.env.success() == 1.f);
  double height = 0;
  lane.env.metrics([&height](const std::string&, double value) { height = value; });
  CHECK(height == doctest::Approx(2 * std::cos(.01)));
  float seen[6];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] == doctest::Approx(std::cos(pi - .01)));
  CHECK(seen[1] == doctest::Approx(std::sin(.01)).epsilon(1e-4));
  CHECK(seen[2] == doctest::Approx(std::cos(.02)));
  CHECK(seen[3] == doctest::Approx(std::sin(.02)));
  CHECK(seen[4] == .5f);
  CHECK(seen[5] == -.25f);
}

}  // namespace test_acrobot
