// Scenarios of Trading: what happens in each, by which model, and the curriculum that is made of them.
#include <polis/envs/market/backtest.hpp>
#include <polis/envs/market/fit.hpp>
#include <polis/envs/market/scenario.hpp>
#include <polis/envs/market/trading.hpp>

#include <array>
#include <cmath>
#include <set>
#include <vector>

#include <doctest/doctest.h>
#include <polis/core/fields.hpp>

#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

namespace {

using One = BasicTrading<TradingSpec{.assets = 1, .traders = 1}>;

static_assert(fields_complete<One::Task>() && fields_complete<One::Config>());

/// What one asset that is the factor itself did in some episodes of a scenario.
struct Seen {
  double count = 0, sum = 0, squares = 0, lowest = 9, highest = -1;

  void add(double percent, int regime) {
    count += 1, sum += percent, squares += percent * percent;
    lowest = std::min(lowest, double(regime)), highest = std::max(highest, double(regime));
  }
  double mean() const { return sum / count; }
  double deviation() const { return std::sqrt(squares / count - mean() * mean()); }
};

/// Bars before a scenario turns, and from then on; bars that are part of neither are left out.
std::array<Seen, 2> watch(MarketScenario scenario, const MarketData& data = {}, int episodes = 300) {
  std::array<Seen, 2> seen;
  Lane<One> lane;
  lane.data = data;
  lane.data.default_model = {0, 1, {}};
  lane.task = One::Task::of_scenario(scenario, data);
  for (int n = 0; n < episodes; ++n) {
    lane.number = static_cast<std::uint32_t>(n);
    lane.episode = End::none;
    lane.reset();
    const int turn = lane.env.market().plan().turn();
    while (lane.episode == End::none) {
      lane.step({});
      const double percent = 100 * double(lane.env.path().log_return(0));
      if (scenario == MarketScenario::crash && lane.env.bar() == turn) {
        CHECK_UNARY(percent < -5);
        continue;
      }
      seen[turn > 0 && lane.env.bar() >= turn ? 1 : 0].add(percent, lane.env.path().regime());
    }
  }
  return seen;
}

/// Whether the mean is this, within 4 standard errors and a little for what moves together.
bool near(const Seen& seen, double mean) {
  return std::abs(seen.mean() - mean) < 4 * seen.deviation() / std::sqrt(seen.count);
}

}  // namespace

TEST_CASE("envs/trading_scenarios: the default market rises, falls, recovers and crashes as it is told to") {
  const auto calm = watch(MarketScenario::calm)[0];
  CHECK(calm.highest == 0);
  CHECK(near(calm, .0971));
  CHECK(calm.deviation() == doctest::Approx(.5428).epsilon(.02));
  const auto bull = watch(MarketScenario::bull)[0];
  CHECK(bull.highest == 1);
  CHECK(near(bull, .1));
  const auto bear = watch(MarketScenario::bear)[0];
  CHECK(bear.lowest == 1);
  CHECK(bear.highest == 2);
  CHECK(near(bear, -.1));
  const auto crisis = watch(MarketScenario::crisis)[0];
  CHECK(crisis.lowest == 2);
  CHECK(near(crisis, -.2));
  CHECK(crisis.deviation() == doctest::Approx(2.9612).epsilon(.02));

  const auto recovery = watch(MarketScenario::recovery);
  CHECK(recovery[0].lowest == 2);
  CHECK(near(recovery[0], -.2));
  CHECK(recovery[1].highest == 1);
  CHECK(near(recovery[1], .15));
  const auto crash = watch(MarketScenario::crash);
  CHECK(crash[0].highest == 1);
  CHECK(crash[0].deviation() < 1);
  CHECK(crash[1].lowest == 2);
  CHECK(crash[1].deviation() > 2.8);
}

TEST_CASE("envs/trading_scenarios: what turns does so in the middle third, at any of its bars") {
  std::set<int> turns;
  for (std::uint32_t n = 0; n < 600; ++n) {
    Random random(1, n, 0, 0, Purpose::test);
    turns.insert(ScenarioPlan(MarketScenario::crash, 120, random).turn());
  }
  CHECK(*turns.begin() == 41);
  CHECK(*turns.rbegin() == 81);
  CHECK(turns.size() == 41);
  Random random(1, 0, 0, 0, Purpose::test), same(1, 0, 0, 0, Purpose::test);
  CHECK(ScenarioPlan(MarketScenario::bear, 120, random).turn() == 0);
  CHECK(random.uniform() == same.uniform());  // what does not turn draws nothing
  CHECK(ScenarioPlan(MarketScenario::crash, 1, random).turn() == 1);
}

TEST_CASE("envs/trading_scenarios: they are made by the model of the data, whatever its generator") {
  MarketHistory history(index_prices());
  const double calm = double(history.model().factor.regimes.deviation[0]),
               wild = double(history.model().factor.regimes.deviation[2]);
  CHECK(watch(MarketScenario::calm, history.training(), 60)[0].highest == 0);
  CHECK(watch(MarketScenario::crisis, history.held_out(), 60)[0].deviation() >
        1.5 * watch(MarketScenario::calm, history.held_out(), 60)[0].deviation());
  CHECK(wild > 1.5 * calm);
  for (const auto generator : {MarketGenerator::StudentGarch, MarketGenerator::Jumps}) {
    history.set_model(market::fit_market(history.training_returns(), generator));
    MarketData data = history.training();
    const auto bull = watch(MarketScenario::bull, data, 100)[0],
               bear = watch(MarketScenario::bear, data, 100)[0];
    CHECK(bull.mean() > .06);
    CHECK(bear.mean() < -.02);
    if (generator == MarketGenerator::StudentGarch) {
      CHECK(bull.highest <= 1);
      CHECK(bear.lowest >= 1);
      CHECK(watch(MarketScenario::crisis, data, 60)[0].lowest == 2);
    }
  }
}

TEST_CASE("envs/trading_scenarios: who holds on gains in a rise and loses in a fall") {
  const auto gain = [](MarketScenario scenario, float side) {
    double sum = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const auto hold = [&](const auto&, int, const auto&, Random&) {
        One::Vector weights{};
        weights[0] = side;
        return weights;
      };
      sum += backtest<One>(hold, {}, One::Task::of_scenario(scenario), frictionless(), seed)[0].total_return;
    }
    return sum / 200;
  };
  CHECK(gain(MarketScenario::bull, 1) > .05);
  CHECK(gain(MarketScenario::bear, 1) < -.05);
  CHECK(gain(MarketScenario::bear, -1) > .02);
  CHECK(gain(MarketScenario::crash, 1) < -.1);
}

TEST_CASE("envs/trading_scenarios: the curriculum of regimes grows from a calm to the market as it is") {
  using Wide = BasicTrading<TradingSpec{.assets = 15, .traders = 2}>;
  TradingConfig config;
  config.curriculum = TradingCurriculum::regimes;
  CHECK(Wide::stages(config, {}) == 5);
  const int assets[] = {2, 5, 8, 10, 15};
  using S = MarketScenario;
  const std::set<S> scenarios[] = {
      {S::calm}, {S::bull, S::bear}, {S::bear, S::recovery}, {S::crisis, S::crash}, {S::none}};
  Random random(4, 0, 0, 0, Purpose::test);
  for (int stage = 0; stage < 5; ++stage) {
    std::set<S> seen;
    for (int i = 0; i < 50; ++i) {
      const auto task = Wide::task(stage, config, {}, random);
      seen.insert(task.scenario);
      CHECK_UNARY(task.assets == assets[stage] && task.synthetic);
      CHECK_UNARY(task.cost_scale == 1 && task.impact_scale == 1);
    }
    CHECK(seen == scenarios[stage]);
  }
  const MarketHistory history(index_prices());
  int synthetic = 0;
  for (int i = 0; i < 400; ++i) synthetic += Trading::task(4, config, history.training(), random).synthetic;
  CHECK(std::abs(synthetic - 200) < 50);
  CHECK_FALSE(Trading::task(4, config, history.held_out(), random).synthetic);
  CHECK(Trading::task(0, config, history.training(), random).assets == 1);
  CHECK(Trading::stages({}, {}) == 4);
}

TEST_CASE("envs/trading_scenarios: a scenario is a synthetic episode, and repeats with its seed") {
  const MarketHistory history(index_prices());
  const auto play = [&](std::uint32_t number) {
    Lane<Trading> lane;
    lane.data = history.training();
    lane.task.scenario = MarketScenario::crash;  // though the task does not say that it is synthetic
    lane.task.start = 300;
    lane.number = number;
    lane.reset();
    while (lane.episode == End::none) lane.step({});
    CHECK(lane.env.bar() == 120);
    CHECK(lane.env.path().log_close(0) != 0);
    return lane.env.path().log_close(0);
  };
  CHECK(play(1) == play(1));
  CHECK_FALSE(play(1) == play(2));
}
