// Risk in Trading: how it is measured, what it costs, what is seen of it, and limits that close a trader out.
#include <polis/envs/market/metrics.hpp>
#include <polis/envs/market/risk.hpp>
#include <polis/envs/market/trading.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <polis/core/fields.hpp>

#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

namespace {

using One = BasicTrading<TradingSpec{.assets = 1, .traders = 1}>;
using Seen = BasicTrading<TradingSpec{.assets = 1, .traders = 2, .window = 10, .risk = true}>;

static_assert(fields_complete<RiskSettings>());
static_assert(DeviceEnvironment<Seen> && Seen::Observation::words == 15 + 15);
static_assert(Seen::State::words == 13 + 2 * (3 + 3) + 2);

/// Closes of 100 up to day 90 and then by these percent a bar, and 0 after them.
MarketPrices path(const std::vector<float>& percent) {
  MarketPrices prices{1, std::vector<float>(300, 100.f)};
  float price = 100;
  for (std::size_t day = 91; day < 300; ++day) {
    if (day - 91 < percent.size()) price *= 1 + .01f * percent[day - 91];
    prices.close[day] = price;
  }
  return prices;
}

double metric(const auto& env, const char* wanted) {
  double found = NAN;
  env.metrics([&](const char* name, double value) {
    if (std::strcmp(name, wanted) == 0) found = value;
  });
  return found;
}

}  // namespace

TEST_CASE("envs/trading_risk: tail risk is that of the reports, at any level") {
  Random random(5, 0, 0, 0, Purpose::test);
  for (int round = 0; round < 20; ++round) {
    Array<float, 40> returns{};
    std::vector<double> same;
    for (int i = 0; i < 40; ++i) {
      returns[i] = random.normal() + (round == 19 ? 9.f : 0.f);
      same.push_back(double(returns[i]));
    }
    for (const double level : {.5, .8, .9, .95, .96, .975, .99}) {
      double tail = 0;
      const double expected = value_at_risk(same, level, tail);
      const TailRisk risk = tail_risk(returns, static_cast<float>(level));
      CHECK(double(risk.value_at_risk) == doctest::Approx(std::max(expected, 0.)).epsilon(1e-5));
      CHECK(double(risk.shortfall) == doctest::Approx(std::max(tail, 0.)).epsilon(1e-5));
    }
  }
}

TEST_CASE("envs/trading_risk: bar by bar it is that of the last returns, ties and gains alone included") {
  for (const float level : {.95f, .8f}) {
    TraderRecord<1, 20> record;
    Random random(6, 0, 0, 0, Purpose::test);
    for (int bar = 1; bar <= 400; ++bar) {
      const float net = bar % 100 > 60 ? 1.f + random.uniform() : static_cast<float>(random.integer(9) - 4);
      record.mark(net, 1, level);
      const TailRisk whole = bar < 20 ? TailRisk{} : tail_risk(record.returns, level);
      CHECK_UNARY(record.tail.value_at_risk == whole.value_at_risk);
      CHECK_UNARY(record.tail.shortfall == whole.shortfall);
    }
  }
}

TEST_CASE("envs/trading_risk: drawdown, value at risk and shortfall are components of the reward") {
  const MarketHistory history(index_prices());
  TradingConfig config = frictionless();
  config.rewards = {.profit = 0, .risk = 0, .cost = 0, .impact = 0};
  config.rewards.drawdown = .5f, config.rewards.value_at_risk = 2, config.rewards.shortfall = 3;
  config.risk.level = .85f;  // of 20 returns the third worst
  auto lane = start<One>(history.training(), config, 400);
  Actions<One> actions{};
  actions[0][0] = 1;
  std::vector<double> returns;
  double equity = 1, peak = 1, total = 0, at_risk = 0;
  for (int bar = 0; bar < 60; ++bar) {
    lane.step(actions);
    const double now = double(lane.env.account(0).equity);
    returns.push_back(100 * (now / equity - 1));
    equity = now, peak = std::max(peak, now);
    double expected = -50 * (1 - now / peak), tail = 0;
    if (returns.size() >= 20) {
      const double value = value_at_risk({returns.end() - 20, returns.end()}, .85, tail);
      expected -= 2 * std::max(value, 0.) + 3 * std::max(tail, 0.);
      at_risk -= std::max(value, 0.);
      CHECK(double(observation(lane, 0)[15 + 6]) == doctest::Approx(.5 * std::max(value, 0.)).epsilon(.01));
    }
    CHECK(std::abs(double(lane.rewards[0]) - expected) < 2e-3);
    total += double(lane.rewards[0]);
  }
  CHECK(metric(lane.env, "reward_value_at_risk") == doctest::Approx(at_risk).epsilon(.01));
  CHECK(.5 * metric(lane.env, "reward_drawdown") + 2 * metric(lane.env, "reward_value_at_risk") +
            3 * metric(lane.env, "reward_shortfall") ==
        doctest::Approx(total).epsilon(.001));
  CHECK(at_risk < -5);
}

TEST_CASE(
    "envs/trading_risk: past the drawdown limit a trader is closed out, and let back in with a new peak") {
  // In from the close of day 91 on; the drawdown passes 10% on day 94, at .891, and the close of day 95 is
  // .855.
  const MarketHistory history(path({0, 10, -1, -10.1f, -4, 2, 3, 0, 0, 0, -9, -5}));
  TradingConfig config = frictionless();
  config.cost = .01f;
  config.risk.drawdown_limit = .1f, config.risk.block = 4;
  auto lane = start<One>(history.training(), config, 90);
  Actions<One> actions{};
  actions[0][0] = 1;
  const auto position = [&] { return lane.env.account(0).position[0]; };
  for (int day = 91; day <= 94; ++day) {
    lane.step(actions);
    CHECK(position() > .5f);
  }
  CHECK(metric(lane.env, "limit_breaches") == 1);
  const double value = double(position()), cash = double(lane.env.account(0).cash);
  lane.step(actions);  // out at the close of day 95, at a cost
  CHECK(position() == 0);
  CHECK(double(lane.env.account(0).cash) == doctest::Approx(cash + value * .96 * .99).epsilon(1e-5));
  CHECK(metric(lane.env, "closed_by_limit") == 1);
  for (int day = 96; day <= 98; ++day) {
    lane.step(actions);
    CHECK(position() == 0);
  }
  lane.step(actions);  // four fills have passed it by
  CHECK(position() > .5f);
  CHECK(metric(lane.env, "limit_breaches") == 1);  // though it is still far below its first peak
  lane.step(actions), lane.step(actions);
  CHECK(lane.env.day() == 101);
  CHECK(metric(lane.env, "limit_breaches") == 1);
  lane.step(actions);  // 9% and 5% from the new peak
  CHECK(metric(lane.env, "limit_breaches") == 2);

  config.risk.block = 0;
  auto never = start<One>(history.training(), config, 90);
  for (int bar = 0; bar < 100; ++bar) never.step(actions);
  CHECK(metric(never.env, "limit_breaches") == 1);
  CHECK(metric(never.env, "closed_by_limit") == 1);
  CHECK(never.env.account(0).position[0] == 0);
  CHECK(never.env.acting(0));
}

TEST_CASE("envs/trading_risk: limits on tail risk count whole windows in the market") {
  std::vector<float> waves;
  for (int bar = 0; bar < 80; ++bar) waves.push_back(bar % 2 ? 3.f : -2.f);
  const MarketHistory history(path(waves));
  for (const bool shortfall : {false, true}) {
    TradingConfig config = frictionless();
    (shortfall ? config.risk.shortfall_limit : config.risk.value_at_risk_limit) = .0195f;
    config.risk.block = 5;
    auto lane = start<Seen>(history.training(), config, 90);
    Actions<Seen> actions{};
    actions[0][0] = 1;  // the other trader stays out
    int bars = 0;
    while (metric(lane.env, "limit_breaches") == 0) lane.step(actions), ++bars;
    CHECK(bars == 10);
    CHECK(metric(lane.env, "limit_breaches") == .5);
    CHECK(observation(lane, 0)[15 + 14] == 1);
    CHECK(observation(lane, 1)[15 + 14] == 0);
    for (int bar = 0; bar < 5; ++bar) {
      lane.step(actions);
      CHECK(lane.env.account(0).position[0] == 0);
    }
    CHECK(observation(lane, 0)[15 + 14] == 0);
    bars = 0;
    while (metric(lane.env, "limit_breaches") < 1) lane.step(actions), ++bars;
    CHECK(bars == 9);  // its first free bar was the last on which it had to be out
    config.risk.value_at_risk_limit = config.risk.shortfall_limit = .021f;
    auto within = start<Seen>(history.training(), config, 90);
    for (int bar = 0; bar < 70; ++bar) within.step(actions);
    CHECK(metric(within.env, "limit_breaches") == 0);
  }
}

TEST_CASE("envs/trading_risk: the observation shows shortfall and how much of the limit is used up") {
  const MarketHistory history(path({0, 10, -1, -3, -2, 1, 2, -1, 1, -2, 1, 1}));
  TradingConfig config = frictionless();
  config.risk.level = .8f, config.risk.drawdown_limit = .2f;
  auto lane = start<Seen>(history.training(), config, 90);
  Actions<Seen> actions{};
  actions[0][0] = 1;
  for (int bar = 0; bar < 4; ++bar) lane.step(actions);
  CHECK(observation(lane, 0)[15 + 12] == 0);
  CHECK(double(observation(lane, 0)[15 + 13]) == doctest::Approx((1 - .99 * .97) / .2).epsilon(1e-4));
  for (int bar = 0; bar < 6; ++bar) lane.step(actions);
  CHECK(double(observation(lane, 0)[15 + 12]) == doctest::Approx(.5 * 2.5).epsilon(1e-3));  // of -3 and -2
  std::vector<float> state(Seen::State::words);
  lane.env.state(Row{state.data(), 1}, lane.view());
  for (std::size_t f = 0; f < 3; ++f) CHECK(state[13 + 3 + f] == observation(lane, 0)[15 + 12 + f]);
}

TEST_CASE("envs/trading_risk: settings out of their range are refused by their key") {
  const auto where = [](RiskSettings risk) {
    TradingConfig config;
    config.risk = risk;
    try {
      check_settings(config);
    } catch (const Error& error) {
      return error.where();
    }
    return std::string();
  };
  CHECK(where({.level = 1}) == "risk.level");
  CHECK(where({.drawdown_limit = 1}) == "risk.drawdown_limit");
  CHECK(where({.value_at_risk_limit = -.1f}) == "risk.value_at_risk_limit");
  CHECK(where({.shortfall_limit = NAN}) == "risk.shortfall_limit");
  CHECK(where({.block = -1}) == "risk.block");
  CHECK(where({}).empty());
}
