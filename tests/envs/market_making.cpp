// Market making: Avellaneda and Stoikov's figures by simulation and exactly, and the optimum by dynamic
// programming.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/market/market_making.hpp>

#include "../env/lane.hpp"

namespace test_market_making {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using Maker = MarketMaking;

static_assert(DeviceEnvironment<Maker> && HasMetrics<Maker> && HasReferencePolicies<Maker> &&
              HasOptimalValue<Maker> && fields_complete<MarketMakingConfig>());

constexpr Maker::Formula around_reservation{true}, around_mid{false};

struct Simulated {
  double profit = 0, deviation = 0, inventory = 0, inventory_deviation = 0, value = 0, value_deviation = 0;
  std::map<std::string, double> figures;
};
template <class Policy>
Simulated simulate(const Policy& policy, int episodes, const MarketMakingConfig& config = {}) {
  Simulated result;
  Random random(7, 0, 0, 0, Purpose::test);
  double squares = 0, inventories = 0, values = 0;
  for (int number = 0; number < episodes; ++number) {
    Lane<Maker> lane;
    lane.config = config;
    lane.number = static_cast<std::uint32_t>(number);
    lane.reset();
    double total = 0;
    while (lane.episode == End::none) {
      lane.step(policy(lane.env, lane.view(), random));
      total += static_cast<double>(lane.rewards[0]);
    }
    REQUIRE(lane.episode == End::terminated);
    const double profit = lane.env.profit, inventory = lane.env.inventory;
    result.profit += profit / episodes, squares += profit * profit / episodes;
    result.inventory += inventory / episodes, inventories += inventory * inventory / episodes;
    result.value += total / episodes, values += total * total / episodes;
    lane.env.metrics([&](const char* name, double value) { result.figures[name] += value / episodes; });
  }
  result.deviation = std::sqrt(squares - result.profit * result.profit);
  result.inventory_deviation = std::sqrt(inventories - result.inventory * result.inventory);
  result.value_deviation = std::sqrt(values - result.value * result.value);
  return result;
}

/// The known figures were simulated over some thousands of episodes, and are given to two digits.
struct Known {
  double profit, deviation, inventory_deviation;
};
void check(const Simulated& simulated, const MakingFigures& exact, const Known& known, int episodes) {
  const double root = std::sqrt(episodes);
  CHECK(std::abs(simulated.profit - exact.profit) < 4 * exact.deviation / root);
  CHECK(std::abs(simulated.deviation / exact.deviation - 1) < 4 / root);
  CHECK(std::abs(simulated.inventory) < 4 * exact.inventory_deviation / root);
  CHECK(std::abs(simulated.inventory_deviation / exact.inventory_deviation - 1) < 4 / root);
  CHECK(std::abs(simulated.value - exact.value) < 4 * simulated.value_deviation / root);
  CHECK(std::abs(simulated.profit - known.profit) < 4 * exact.deviation / root + .03);
  CHECK(std::abs(exact.profit - known.profit) < .03);
  CHECK(std::abs(exact.deviation - known.deviation) < .02);
  CHECK(std::abs(exact.inventory_deviation - known.inventory_deviation) < .03);
}

TEST_CASE("envs/market_making: the spread is Avellaneda and Stoikov's") {
  const MarketMakingConfig config;
  double mean = 0;
  for (int done = 0; done < config.steps; ++done) mean += config.spread(done) / config.steps;
  CHECK(mean == Approx(1.492).epsilon(2e-4));
  CHECK(config.spread(0) == Approx(1.69).epsilon(1e-3));
  CHECK(config.reservation_discount(3, 100) == Approx(3 * .1 * 4 * .5));
  MarketMakingConfig neutral;
  neutral.risk = 0;
  CHECK(neutral.spread(0) == Approx(2 / 1.5));
}

TEST_CASE("envs/market_making: profits and inventories are the known ones") {
  const MarketMakingConfig config;
  const auto exact = [&](const Maker::Formula& formula) {
    return exact_making(config, [&](int done, int q) { return formula.quotes(config, done, q); });
  };
  constexpr int episodes = 8000;
  const Simulated skewed = simulate(around_reservation, episodes), even = simulate(around_mid, episodes);
  check(skewed, exact(around_reservation), {64.90, 6.54, 2.93}, episodes);
  check(even, exact(around_mid), {68.00, 13.26, 8.42}, episodes);
  CHECK(skewed.figures.at("spread") == Approx(1.492).epsilon(2e-4));
  CHECK(even.figures.at("spread") == Approx(1.492).epsilon(2e-4));
  CHECK(skewed.figures.at("profit") == Approx(skewed.profit));
  CHECK(skewed.figures.at("inventory") < even.figures.at("inventory"));
  CHECK(skewed.figures.at("fills") > 60);
}

TEST_CASE("envs/market_making: the optimum is what its quotes earn, and nothing near earns more") {
  Lane<Maker> lane;
  const MarketMakingConfig& config = lane.config;
  const BestMaking best(config);
  CHECK(Maker::optimal_value(lane.view()).value == best.value());
  CHECK(best.value() == Approx(66.875).epsilon(1e-5));
  const MakingFigures exact = exact_making(config, best);
  CHECK(exact.value == Approx(best.value()).epsilon(1e-10));
  CHECK(exact.profit == Approx(67.868).epsilon(1e-5));
  CHECK(exact.deviation == Approx(7.333).epsilon(1e-4));
  for (const Quotes change : {Quotes{.1, 0}, {-.1, 0}, {0, .1}, {0, -.1}, {.1, .1}, {.1, -.1}}) {
    for (const int when : {0, 100, 199}) {
      const auto other = [&](int done, int q) {
        const Quotes own = best(done, q);
        return done == when ? Quotes{own.bid + change.bid, own.ask + change.ask} : own;
      };
      CHECK(exact_making(config, other).value < best.value() - 1e-4);
    }
  }
  std::map<std::string, Simulated> results;
  for_each_reference<Maker>(
      lane.view(), [&](const char* name, const auto& policy) { results[name] = simulate(policy, 2000); });
  REQUIRE(results.size() == 3);
  const Simulated& optimal = results["optimal"];
  CHECK(std::abs(optimal.value - best.value()) < 4 * optimal.value_deviation / std::sqrt(2000));
  CHECK(results["avellaneda_stoikov"].value < optimal.value);
  CHECK(results["symmetric"].value < results["avellaneda_stoikov"].value);
}

TEST_CASE("envs/market_making: without risk 1/k on each side is optimal, and earns 2 A T / (k e)") {
  MarketMakingConfig config;
  config.risk = 0;
  const BestMaking best(config);
  CHECK(best.value() == Approx(2 * 140 / (1.5 * std::exp(1))).epsilon(1e-9));
  CHECK(best(7, -5).bid == Approx(1));
  CHECK(best(7, 5).ask == Approx(1));
  // Where fills are certain at the mid price, distances go beyond it.
  config.fill_rate = 1000;
  CHECK(BestMaking(config)(0, 0).bid == Approx(std::log(5.)));
}

TEST_CASE("envs/market_making: a step by hand") {
  Lane<Maker> lane;
  lane.config.fill_rate = 2e4f;  // 100 in a step at the mid price: near quotes fill for certain
  lane.reset();
  Actions<Maker> actions{};
  actions[0][0] = .75f, actions[0][1] = .75f;
  lane.step(actions);
  CHECK(lane.env.inventory == 0);
  CHECK(lane.env.fills == 2);
  CHECK(lane.rewards[0] == Approx(1));
  CHECK(lane.env.profit == Approx(1));
  lane.env.inventory = -5;
  lane.step(actions);
  CHECK(lane.rewards[0] == Approx(1 - .1 / 2 * 4 * .005 * 25));
  CHECK(std::abs(std::abs(lane.env.profit - 2) - 5 * 2 * std::sqrt(.005)) < 1e-6);
  float seen[2];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] == -1.f);
  CHECK(seen[1] == Approx(.99));
}

}  // namespace test_market_making
