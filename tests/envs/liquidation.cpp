// Selling a large position: Almgren and Chriss's schedules, costs and risks, by the environment and by
// simulation of its prices; the game of several sellers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/market/liquidation.hpp>

#include "../env/lane.hpp"

namespace test_liquidation {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using One = Liquidation<1>;
using Two = Liquidation<2>;

static_assert(DeviceEnvironment<One> && HasState<Two> && HasMetrics<One> && HasReferencePolicies<One> &&
              HasOptimalValue<One> && fields_complete<LiquidationConfig>());

template <class E>
struct Played {
  std::vector<double> rewards, rests;
  std::map<std::string, double> figures;
};
template <class E, class Policy>
Played<E> play(Lane<E>& lane, const Policy& policy) {
  Played<E> result;
  result.rewards.resize(E::agents);
  Random random(7, 0, 0, 0, Purpose::test);
  lane.reset();
  lane.episode = End::none;
  while (lane.episode == End::none) {
    lane.step(policy(lane.env, lane.view(), random));
    for (int i = 0; i < E::agents; ++i) {
      result.rewards[static_cast<std::size_t>(i)] += static_cast<double>(lane.rewards[i]);
    }
    result.rests.push_back(static_cast<double>(lane.env.rest[0]));
  }
  REQUIRE(lane.episode == End::terminated);
  lane.env.metrics([&](const char* name, double value) { result.figures[name] = value; });
  return result;
}

constexpr One::Scheduled optimal{One::Schedule::optimal}, constant{One::Schedule::constant_rate};

TEST_CASE("envs/liquidation: schedules and costs are Almgren and Chriss's") {
  Lane<One> lane;
  CHECK(lane.config.kappa() == Approx(.607076).epsilon(1e-5));
  const auto best = play(lane, optimal);
  const double rests[] = {541956, 289854, 147897, 62142, 0};
  REQUIRE(best.rests.size() == 5);
  for (std::size_t k = 0; k < 5; ++k) CHECK(std::abs(1e6 * best.rests[k] - rests[k]) < 1);
  CHECK(best.figures.at("cost") == Approx(1'275'356).epsilon(1e-6));
  CHECK(best.rewards[0] == Approx(-1.275356).epsilon(1e-5));
  CHECK(One::optimal_value(lane.view()).value == Approx(-1.275356).epsilon(1e-5));
  CHECK(play(lane, constant).figures.at("cost") == Approx(1'745'500).epsilon(1e-6));
  // No change of the schedule costs less.
  for (int k = 1; k < 5; ++k) {
    for (const double change : {-.01, .01}) {
      const auto other = [&](const One& env, const View<One>& view, Random&) {
        const auto planned = [&](int done) {
          return view.config().optimal_rest(done) + (done == k ? change : 0.);
        };
        Actions<One> actions{};
        actions[0][0] = static_cast<float>(1 - planned(env.step_count + 1) / planned(env.step_count));
        return actions;
      };
      CHECK(play(lane, other).figures.at("cost") > 1'275'356 + 50);
    }
  }
  lane.config.risk = 0;
  const auto neutral = play(lane, optimal);
  for (std::size_t k = 0; k < 5; ++k) CHECK(neutral.rests[k] == Approx(.8 - .2 * static_cast<double>(k)));
  CHECK(neutral.figures.at("cost") == Approx(662'500).epsilon(1e-6));
}

TEST_CASE("envs/liquidation: what is lost by simulated prices has the known mean and deviation") {
  for (const float risk : {0.f, 1e-6f}) {
    Lane<One> lane;
    lane.config.risk = risk;
    constexpr int episodes = 40'000;
    double mean = 0, squares = 0;
    for (std::uint32_t number = 0; number < episodes; ++number) {
      lane.number = number;
      const double lost = play(lane, optimal).figures.at("shortfall");
      mean += lost / episodes, squares += lost * lost / episodes;
    }
    const double deviation = std::sqrt(squares - mean * mean);
    const double expected = risk > 0 ? 911'227 : 662'500, spread = risk > 0 ? 603'431 : 1'040'673;
    CHECK(std::abs(mean - expected) < 4 * spread / std::sqrt(episodes));
    CHECK(std::abs(deviation - spread) < 4 * spread / std::sqrt(2. * episodes));
    // The objective is the mean plus risk times the variance.
    CHECK(-1e6 * One::optimal_value(lane.view()).value ==
          Approx(expected + static_cast<double>(risk) * spread * spread).epsilon(1e-5));
  }
}

LiquidationConfig of_game() {
  LiquidationConfig config;
  config.amount = 1, config.epsilon = 0, config.gamma = 1, config.eta = .1f, config.risk = 0;
  config.deviation = 0, config.horizon = 1, config.steps = 2000, config.unit = 1;
  return config;
}

TEST_CASE("envs/liquidation: two who race to sell pay 1.78998 times the temporary cost of agreeing") {
  Lane<Two> lane;
  lane.config = of_game();
  const auto race = play(lane, Two::Scheduled{Two::Schedule::equilibrium});
  const auto agreed = play(lane, Two::Scheduled{Two::Schedule::constant_rate});
  CHECK(race.figures.at("temporary") / agreed.figures.at("temporary") == Approx(1.78998).epsilon(1e-3));
  CHECK(agreed.rewards[0] == Approx(Two::optimal_value(lane.view()).value).epsilon(1e-3));
  CHECK(race.rewards[0] < agreed.rewards[0]);
  CHECK(race.rewards[0] == Approx(race.rewards[1]));
  CHECK(std::isnan(Two::optimal_value(Lane<Two>{}.view()).value));
}

TEST_CASE("envs/liquidation: nobody gains by leaving the equilibrium alone, but by leaving an agreement") {
  const auto deviating = [](Two::Schedule schedule, int wave, double size) {
    Lane<Two> lane;
    lane.config = of_game();
    const Two::Scheduled plan{schedule};
    return play(lane,
                [&](const Two& env, const View<Two>& view, Random& random) {
                  Actions<Two> actions = plan(env, view, random);
                  // What the first has left differs by a sine, which is 0 at both ends.
                  const auto rest = [&](int done) {
                    const LiquidationConfig& config = view.config();
                    const double own = schedule == Two::Schedule::equilibrium
                                           ? config.equilibrium_rest(2, done)
                                           : 1 - static_cast<double>(done) / config.steps;
                    return own + size * std::sin(3.14159265358979 * wave * done / config.steps);
                  };
                  actions[0][0] = static_cast<float>(1 - rest(env.step_count + 1) / rest(env.step_count));
                  return actions;
                })
        .rewards[0];
  };
  double most = -1e9;
  const double stays = deviating(Two::Schedule::equilibrium, 1, 0);
  for (int wave = 1; wave <= 3; ++wave) {
    for (const double size : {-.05, -.02, .02, .05}) {
      CHECK(deviating(Two::Schedule::equilibrium, wave, size) < stays);
      most = std::max(most, deviating(Two::Schedule::constant_rate, wave, size));
    }
  }
  CHECK(most > deviating(Two::Schedule::constant_rate, 1, 0) + .005);
}

TEST_CASE("envs/liquidation: what is seen, and that all is sold at the end") {
  Lane<Two> lane;
  lane.reset();
  Actions<Two> actions{};
  actions[0][0] = .25f;
  lane.step(actions);
  float seen[2], state[3];
  lane.env.observe(0, Row{seen});
  CHECK(seen[0] == .75f);
  CHECK(seen[1] == Approx(.8));
  lane.env.state(Row{state});
  CHECK(state[0] == .75f);
  CHECK(state[1] == 1.f);
  CHECK(state[2] == seen[1]);
  // The sale moved the price for both, and the seller paid for its temporary impact.
  CHECK(lane.rewards[1] == Approx(-.0625 - .9025 * 1).epsilon(1e-4));  // gamma N x, risk sigma^2 tau x^2
  for (int k = 0; k < 4; ++k) lane.step({});
  CHECK(lane.episode == End::terminated);
  CHECK(lane.env.rest == Array<float, 2>{});
}

}  // namespace test_liquidation
