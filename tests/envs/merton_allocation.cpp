// Wealth between a risky asset and cash: Merton's and Kelly's shares, and what they are worth by simulation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/market/merton_allocation.hpp>

#include "../env/lane.hpp"

namespace test_merton_allocation {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using Merton = MertonAllocation;

static_assert(DeviceEnvironment<Merton> && HasMetrics<Merton> && HasReferencePolicies<Merton> &&
              HasOptimalValue<Merton> && fields_complete<MertonConfig>());

TEST_CASE("envs/merton_allocation: share and certainty equivalent are the known ones") {
  MertonConfig config;
  CHECK(config.best_share(3) == Approx(.5));
  CHECK(config.certainty_equivalent(.5) == Approx(.035));
  CHECK(config.best_share(1) == Approx(1.5));
  CHECK(config.certainty_equivalent(0) == Approx(.02));
  for (const double other : {.4, .6}) {
    CHECK(config.certainty_equivalent(other) < config.certainty_equivalent(.5) - 1e-4);
  }
  Lane<Merton> lane;
  CHECK(Merton::optimal_value(lane.view()).value == Approx((1 - std::exp(-2 * .035)) / 2));
  lane.config.risk_aversion = 1;  // the logarithm; the same as nearby powers
  CHECK(Merton::optimal_value(lane.view()).value == Approx(.02 + .06 * .06 / (2 * .04)));
  CHECK(lane.config.utility(.1) == Approx(.1));
  lane.config.risk_aversion = 1.0001f;
  CHECK(lane.config.utility(.1) == Approx(.1).epsilon(1e-4));
  lane.config.risk_aversion = .5f;  // 3 were best: the bound is the best there is
  CHECK(Merton::optimal_value(lane.view()).value ==
        Approx(lane.config.utility(lane.config.certainty_equivalent(2))));
}

struct Simulated {
  double utility = 0, error = 0, growth = 0, squares = 0;
  std::map<std::string, double> figures;
};
template <class Policy>
Simulated simulate(const MertonConfig& config, const Policy& policy, int episodes = 100'000) {
  Simulated result;
  Random random(7, 0, 0, 0, Purpose::test);
  double squares = 0;
  for (int number = 0; number < episodes; ++number) {
    Lane<Merton> lane;
    lane.config = config;
    lane.number = static_cast<std::uint32_t>(number);
    lane.reset();
    double total = 0;
    while (lane.episode == End::none) {
      lane.step(policy(lane.env, lane.view(), random));
      total += static_cast<double>(lane.rewards[0]);
    }
    REQUIRE(lane.episode == End::terminated);
    result.utility += total / episodes, squares += total * total / episodes;
    result.growth += lane.env.log_wealth / episodes;
    result.squares += lane.env.log_wealth * lane.env.log_wealth / episodes;
    lane.env.metrics([&](const char* name, double value) { result.figures[name] += value / episodes; });
  }
  result.error = std::sqrt(std::max(0., squares - result.utility * result.utility) / episodes);
  return result;
}

TEST_CASE("envs/merton_allocation: constant shares are worth their certainty equivalents") {
  Lane<Merton> lane;
  const MertonConfig& config = lane.config;
  const std::map<std::string, double> shares{{"merton", .5}, {"kelly", 1.5}, {"all_in", 1}, {"cash", 0}};
  std::map<std::string, Simulated> results;
  for_each_reference<Merton>(lane.view(), [&](const char* name, const auto& policy) {
    const double share = shares.at(name);
    const Simulated played = simulate(config, policy);
    CAPTURE(std::string(name));
    CHECK(std::abs(played.utility - config.utility(config.certainty_equivalent(share))) <
          4 * played.error + 1e-6);
    CHECK(played.figures.at("share") == Approx(share));
    // Log wealth is normal with known mean and variance.
    const double deviation = .2 * share, mean = .02 + .06 * share - deviation * deviation / 2;
    CHECK(std::abs(played.growth - mean) < 4 * deviation / std::sqrt(1e5) + 1e-6);
    CHECK(std::abs(std::sqrt(std::abs(played.squares - played.growth * played.growth)) - deviation) <
          4 * deviation / std::sqrt(2e5) + 1e-6);
    CHECK(std::abs(played.figures.at("wealth") - std::exp(.02 + .06 * share)) <
          5 * deviation / std::sqrt(1e5) + 1e-6);
    results[name] = played;
  });
  REQUIRE(results.size() == 4);
  CHECK(results["merton"].utility > results["cash"].utility + 4 * results["merton"].error);
  CHECK(results["merton"].utility > results["all_in"].utility);
  CHECK(results["kelly"].growth > results["merton"].growth + .005);
  CHECK(results["kelly"].utility < results["cash"].utility);
}

TEST_CASE("envs/merton_allocation: a share that changes with time is worth the mean rate") {
  // The share .2 in one half of the time and .8 in the other: the mean of two certainty equivalents.
  MertonConfig config;
  config.risk_aversion = 2, config.steps = 4;
  const auto changing = [](const Merton& env, const View<Merton>&, Random&) {
    Actions<Merton> actions{};
    actions[0][0] = env.step_count % 2 == 0 ? .2f : .8f;
    return actions;
  };
  const Simulated played = simulate(config, changing);
  const double rate = (config.certainty_equivalent(.2) + config.certainty_equivalent(.8)) / 2;
  CHECK(std::abs(played.utility - config.utility(rate)) < 4 * played.error);
  CHECK(rate < config.certainty_equivalent(.5));
}

TEST_CASE("envs/merton_allocation: what is seen, and cash grows at its rate") {
  Lane<Merton> lane;
  lane.reset();
  lane.step({});
  float seen[2];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] == Approx(.002));
  CHECK(seen[1] == Approx(.9));
  CHECK(lane.rewards[0] == Approx((1 - std::exp(-.004)) / 2));
  CHECK(lane.episode == End::none);
}

}  // namespace test_merton_allocation
