// Trading a price that comes back: what the best amount earns by simulation.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/market/mean_reversion.hpp>

#include "../env/lane.hpp"

namespace test_mean_reversion {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using Reversion = MeanReversion;

static_assert(DeviceEnvironment<Reversion> && HasMetrics<Reversion> && HasReferencePolicies<Reversion> &&
              HasOptimalValue<Reversion> && fields_complete<MeanReversionConfig>());

struct Simulated {
  double mean = 0, error = 0, variance = 0, covariance = 0;
  std::map<std::string, double> figures;
};
template <class Policy>
Simulated simulate(MeanReversionConfig config, const Policy& policy) {
  constexpr int batches = 300, length = 5000;
  Lane<Reversion> lane;
  config.steps = std::numeric_limits<int>::max();
  lane.config = config;
  lane.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  Simulated result;
  double squares = 0;
  for (int batch = 0; batch < batches; ++batch) {
    double total = 0;
    for (int i = 0; i < length; ++i) {
      const auto before = static_cast<double>(lane.env.price);
      lane.step(policy(lane.env, lane.view(), random));
      const auto after = static_cast<double>(lane.env.price);
      total += static_cast<double>(lane.rewards[0]) / length;
      result.variance += after * after / (batches * length);
      result.covariance += before * after / (batches * length);
    }
    result.mean += total / batches, squares += total * total / batches;
  }
  result.error = std::sqrt((squares - result.mean * result.mean) / batches);
  lane.env.metrics([&](const char* name, double value) { result.figures[name] = value; });
  return result;
}

TEST_CASE("envs/mean_reversion: the best amount earns what is known") {
  Lane<Reversion> lane;
  CHECK(std::abs(Reversion::optimal_value(lane.view()).value - .026316) < 1e-6);
  CHECK(Reversion::optimal_value(lane.view()).of == OptimalValue::Of::step);
  for (const float stays : {.9f, .5f}) {
    lane.config.stays = stays;
    lane.config.risk = stays > .6f ? 1.f : 3.f, lane.config.deviation = stays > .6f ? 1.f : .2f;
    const double best = lane.config.best_average();
    std::map<std::string, Simulated> results;
    for_each_reference<Reversion>(lane.view(), [&](const char* name, const auto& policy) {
      results[name] = simulate(lane.config, policy);
    });
    REQUIRE(results.size() == 2);
    const Simulated &optimal = results["optimal"], &by_sign = results["by_sign"];
    CHECK(std::abs(optimal.mean - best) < 4 * optimal.error);
    CHECK(std::abs(by_sign.mean - 2 / 3.14159265358979 * best) < 4 * by_sign.error);
    CHECK(optimal.error < .02 * best);
    // Half of the gain is paid for the risk.
    CHECK(std::abs(optimal.figures.at("gain") / best - 2) < .1);
    const double unit = static_cast<double>(lane.config.amount_unit());
    CHECK(optimal.figures.at("squared_amount") / (unit * unit) == Approx(1).epsilon(.02));
    // The price is the autoregression that is said.
    const double price = static_cast<double>(lane.config.price_unit());
    CHECK(optimal.variance / (price * price) == Approx(1).epsilon(.02));
    CHECK(optimal.covariance / optimal.variance == Approx(static_cast<double>(stays)).epsilon(.003));
  }
}

TEST_CASE("envs/mean_reversion: other amounts earn less, by the square of what they are off") {
  const auto held = [](float part) {
    return [part](const Reversion& env, const View<Reversion>& view, Random&) {
      Actions<Reversion> actions{};
      actions[0][0] = -part * env.price / view.config().price_unit();
      return actions;
    };
  };
  const double best = MeanReversionConfig{}.best_average();
  for (const float part : {.5f, 1.5f, 2.f}) {
    const Simulated played = simulate({}, held(part));
    const double off = 1 - static_cast<double>(part);
    CHECK(std::abs(played.mean - best * (1 - off * off)) < 4 * played.error);
  }
}

TEST_CASE("envs/mean_reversion: a step by hand") {
  Lane<Reversion> lane;
  lane.config.steps = 2;
  lane.reset();
  lane.env.price = 2;
  const float unit = lane.config.amount_unit();
  CHECK(unit == Approx(.1 / std::sqrt(.19)));
  float seen[1];
  lane.env.observe(0, Row{seen}, lane.view());
  CHECK(seen[0] == Approx(2 * std::sqrt(.19)));
  Actions<Reversion> actions{};
  actions[0][0] = -.4f / unit;
  lane.step(actions);
  CHECK(lane.rewards[0] == Approx(-.4 * (static_cast<double>(lane.env.price) - 2) - .08));
  CHECK(lane.episode == End::none);
  lane.step(actions);
  CHECK(lane.episode == End::truncated);
}

}  // namespace test_mean_reversion
