// What happens within an episode of Trading: orders, costs, impact, limits, ends, and what is observed.
#include <polis/envs/market/trading.hpp>

#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include "leaking_trading.hpp"
#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

namespace {

using One = BasicTrading<TradingSpec{.assets = 1, .traders = 1}>;
using Pair = BasicTrading<TradingSpec{.assets = 1, .traders = 2}>;

static_assert(DeviceEnvironment<Trading>);
static_assert(HasState<Trading> && HasStages<Trading> && StatesSuccess<Trading> && HasMetrics<Trading>);
static_assert(HasTurns<Trading> && event_order<Trading>() == EventOrder::simultaneous);
static_assert(!HasLegalActions<Trading>);
static_assert(Trading::rewards == RewardStructure::general_sum);
static_assert(Trading::Observation::words == 4 * 15 + 12 && Trading::Action::words == 4);
static_assert(BoundedSpace<Trading::Action>);
static_assert(DeviceEnvironment<polis_test::LeakingTrading<TradingSpec{.assets = 4, .traders = 4}>>);

template <class E>
float positions(const E& env, int trader) {
  float sum = 0;
  for (int a = 0; a < E::assets; ++a) sum += env.account(trader).position[a];
  return sum;
}

}  // namespace

TEST_CASE("envs/trading: zero actions keep cash, earn nothing and cost nothing") {
  const MarketHistory history(index_prices());
  auto lane = start<Trading>(history.training(), TradingConfig{});
  for (int bar = 0; bar < 120; ++bar) {
    lane.step({});
    for (int i = 0; i < 4; ++i) CHECK_UNARY(lane.rewards[i] == 0 && lane.env.account(i).equity == 1);
  }
  CHECK(lane.env.totals(0).cost == 0);
  CHECK(lane.env.totals(0).turnover == 0);
}

TEST_CASE("envs/trading: accounts agree with a ledger of units and prices kept beside them") {
  for (const bool with_open : {false, true}) {
    const MarketPrices prices = waving_prices(400, 2, with_open);
    const MarketHistory history(prices);
    using Two = BasicTrading<TradingSpec{.assets = 2, .traders = 1}>;
    TradingConfig config = frictionless();
    config.cost = .002f;
    config.adjustment = .5f;
    config.cash_rate = .1f;
    auto lane = start<Two>(history.training(), config, 80);
    double cash = 1, units[2] = {}, paid = 0;
    Random random(1, 0, 0, 0, Purpose::test);
    for (int bar = 0; bar < 120; ++bar) {
      const auto day = static_cast<std::size_t>(80 + bar);
      const auto actions = random_actions<Two>(random);
      lane.step(actions);
      double equity = cash, orders[2];
      for (std::size_t s = 0; s < 2; ++s) equity += units[s] * double(prices.close[day * 2 + s]);
      for (std::size_t s = 0; s < 2; ++s) {
        const double close = double(prices.close[day * 2 + s]),
                     target = double(actions[0][int(s)]) / 2 * equity / close;
        orders[s] = .5 * (target - units[s]);
      }
      cash *= 1 + .1 / 252;
      double after = cash;
      for (std::size_t s = 0; s < 2; ++s) {
        const double fill = double(with_open ? prices.open[day * 2 + 2 + s] : prices.close[day * 2 + 2 + s]);
        units[s] += orders[s];
        cash -= orders[s] * fill + .002 * std::abs(orders[s]) * fill;
        paid += .002 * std::abs(orders[s]) * fill;
      }
      after = cash;
      for (std::size_t s = 0; s < 2; ++s) after += units[s] * double(prices.close[day * 2 + 2 + s]);
      const auto& account = lane.env.account(0);
      CHECK(double(account.equity) == doctest::Approx(after).epsilon(1e-5));
      CHECK(double(account.cash) == doctest::Approx(cash).epsilon(1e-4));
      CHECK(account.equity == doctest::Approx(account.cash + positions(lane.env, 0)));
      CHECK(double(lane.rewards[0]) == doctest::Approx(100 * (after / equity - 1)).epsilon(.002));
    }
    CHECK(double(lane.env.totals(0).cost) == doctest::Approx(paid).epsilon(1e-3));
  }
}

TEST_CASE(
    "envs/trading: an order decided on bar t fills at t+1's open, or at its close where there is none") {
  const int jump = 100;  // the price doubles between the close of day 99 and that of day 100
  for (const bool with_open : {false, true}) {
    MarketPrices prices{1, std::vector<float>(300, 10.f), {}};
    for (std::size_t day = jump; day < 300; ++day) prices.close[day] = 20;
    if (with_open) {
      prices.open = std::vector<float>(300, 10.f);  // day 100 still opens at 10
      for (std::size_t day = jump + 1; day < 300; ++day) prices.open[day] = 20;
    }
    const MarketHistory history(prices);
    for (int decided = 97; decided <= 100; ++decided) {
      auto lane = start<One>(history.training(), frictionless(), decided);
      Actions<One> buy{};
      buy[0][0] = 1;
      lane.step(buy);
      while (lane.env.day() < 105) lane.step(buy);
      const bool earns = decided <= (with_open ? 99 : 98);
      CHECK(lane.env.account(0).equity == doctest::Approx(earns ? 2 : 1));
    }
  }
}

TEST_CASE("envs/trading: impact is linear in the joint order, and its lasting part moves the price") {
  MarketPrices prices{1, std::vector<float>(300, 10.f), {}};
  for (std::size_t day = 0; day < 300; day += 2) prices.close[day] = 10.001f;  // not quite still
  const MarketHistory history(prices);
  TradingConfig config = frictionless();
  config.temporary_impact = .02f, config.permanent_impact = .01f, config.liquidity = 4;
  auto lane = start<Pair>(history.training(), config);
  Actions<Pair> actions{};
  actions[0][0] = 1, actions[1][0] = .6f;
  lane.step(actions);
  const double v = 1.6 / 4, eta = .02, gamma = .01;
  CHECK(double(lane.env.price_offset(0)) == doctest::Approx(gamma * v).epsilon(1e-3));
  CHECK(double(lane.env.totals(0).impact) == doctest::Approx((eta + gamma / 2) * v * 1).epsilon(1e-3));
  CHECK(double(lane.env.totals(1).impact) == doctest::Approx((eta + gamma / 2) * v * .6).epsilon(1e-3));
  // What was bought is worth more by the lasting shift.
  CHECK(double(lane.env.account(0).position[0]) == doctest::Approx(std::exp(gamma * v)).epsilon(1e-3));

  // Orders that cross each other move nothing and cost nothing.
  auto crossing = start<Pair>(history.training(), config);
  actions[0][0] = .5f, actions[1][0] = -.5f;
  crossing.step(actions);
  CHECK(std::abs(crossing.env.price_offset(0)) < 1e-7f);
  CHECK(std::abs(crossing.env.totals(0).impact) < 1e-7f);

  // The task scales it.
  auto none = start<Pair>(history.training(), config);
  none.task.impact_scale = 0;
  actions[1][0] = .5f;
  none.step(actions);
  CHECK(none.env.totals(0).impact == 0);
  CHECK(none.env.price_offset(0) == 0);
}

TEST_CASE("envs/trading: a round trip never gains from its own impact") {
  MarketPrices prices{1, std::vector<float>(300, 10.f), {}};
  const MarketHistory history(prices);
  for (const float eta : {0.f, .02f}) {
    TradingConfig config = frictionless();
    config.temporary_impact = eta, config.permanent_impact = .05f, config.liquidity = 1;
    for (const float size : {1.f, -1.f, .3f}) {
      auto lane = start<One>(history.training(), config);
      Actions<One> actions{};
      for (const float target : {size, .5f * size, size, 0.f}) {
        actions[0][0] = target;
        lane.step(actions);
      }
      for (int bar = 0; bar < 40; ++bar) lane.step({});
      CHECK(std::abs(lane.env.account(0).position[0]) < 1e-4f);
      const float lost = 1 - lane.env.account(0).equity;
      CHECK(lost > -2e-5f);                          // rounding and the cube of the order's size
      if (eta > 0) CHECK(lost > eta * size * size);  // at least half of what in and out cost
    }
  }
}

TEST_CASE("envs/trading: positions keep within the limits on weights, shorts and leverage") {
  const MarketHistory history(waving_prices(400, 4, false));
  Random random(2, 0, 0, 0, Purpose::test);
  TradingConfig config = frictionless();
  config.position_limit = 4, config.leverage_limit = 1.5f, config.short_limit = .25f;
  Array<float, 4> weight{{1, 1, -.5f, -.5f}};
  limit_weights(weight, config);
  // Shorts of 1 shrink to .25; then 2.25 of gross weight to 1.5.
  CHECK(weight[0] == doctest::Approx(1.5 / 2.25));
  CHECK(weight[2] == doctest::Approx(-.125 * 1.5 / 2.25));
  auto lane = start<Trading>(history.training(), config);
  for (int bar = 0; bar < 100; ++bar) {
    auto actions = random_actions<Trading>(random);
    actions[0][0] = 50;  // beyond the bounds: clipped
    lane.step(actions);
    const auto& account = lane.env.account(0);
    float gross = 0, shorts = 0;
    for (int a = 0; a < 4; ++a) {
      gross += std::abs(account.position[a]) / account.equity;
      shorts += std::max(-account.position[a], 0.f) / account.equity;
    }
    CHECK(gross < 1.5f * 1.25f);  // prices move by some percent between decision and fill
    CHECK(shorts < .25f * 1.25f);
  }
  config.short_limit = 0;
  auto long_only = start<Trading>(history.training(), config);
  for (int bar = 0; bar < 50; ++bar) {
    long_only.step(random_actions<Trading>(random));
    for (int a = 0; a < 4; ++a) CHECK_UNARY(long_only.env.account(1).position[a] >= -1e-6f);
  }
}

TEST_CASE("envs/trading: changing every bar after t leaves observation and state at t bit-identical") {
  const MarketPrices prices = waving_prices(800, 4, true);
  const int t = 700;
  MarketPrices changed = prices;
  for (std::size_t i = (t + 1) * 4; i < prices.close.size(); ++i)
    changed.close[i] *= 1.3f, changed.open[i] *= .7f;
  const MarketHistory history(prices), other(changed);
  auto a = start<Trading>(history.held_out(), TradingConfig{}, 650);
  auto b = start<Trading>(other.held_out(), TradingConfig{}, 650);
  Random random(3, 0, 0, 0, Purpose::test);
  while (true) {
    for (int i = 0; i < 4; ++i) CHECK(observation(a, i) == observation(b, i));
    std::vector<float> state_a(Trading::State::words), state_b(Trading::State::words);
    a.env.state(Row{state_a.data(), 1}, a.view());
    b.env.state(Row{state_b.data(), 1}, b.view());
    CHECK(state_a == state_b);
    if (a.env.day() == t) break;
    const auto actions = random_actions<Trading>(random);
    a.step(actions);
    b.step(actions);
    CHECK(a.rewards == b.rewards);
  }
  const auto actions = random_actions<Trading>(random);
  a.step(actions);
  b.step(actions);
  CHECK_FALSE(observation(a, 0) == observation(b, 0));  // or the test could not fail
  CHECK_FALSE(a.rewards == b.rewards);
}

TEST_CASE(
    "envs/trading: the leak shows exactly the next return an order will earn, and nothing else changes") {
  using Leaking = polis_test::LeakingTrading<TradingSpec{.assets = 1, .traders = 1}>;
  for (const bool with_open : {false, true}) {
    const MarketHistory history(waving_prices(300, 1, with_open));
    auto lane = start<Leaking>(history.training(), frictionless());
    Actions<Leaking> actions{};
    for (int bar = 0; bar < 60; ++bar) {  // going with the leak gains whatever the market does
      const auto seen = observation(lane, 0);
      REQUIRE(seen.size() == Leaking::Observation::words);
      actions[0][0] = seen.back() > 0 ? 1.f : -1.f;
      lane.step(actions);
    }
    CHECK(lane.env.account(0).equity > 1.5f);
  }
}

TEST_CASE("envs/trading: traders are interchangeable") {
  const MarketHistory history(index_prices());
  const int order[] = {2, 0, 3, 1};
  auto a = start<Trading>(history.training(), TradingConfig{});
  auto b = start<Trading>(history.training(), TradingConfig{});
  Random random(4, 0, 0, 0, Purpose::test);
  for (int bar = 0; bar < 50; ++bar) {
    const auto actions = random_actions<Trading>(random);
    Actions<Trading> permuted{};
    for (int i = 0; i < 4; ++i) permuted[i] = actions[order[i]];
    a.step(actions);
    b.step(permuted);
    for (int i = 0; i < 4; ++i) {
      CHECK(std::abs(b.rewards[i] - a.rewards[order[i]]) < 1e-4f);  // sums in another order
      const auto x = observation(b, i), y = observation(a, order[i]);
      for (std::size_t w = 0; w < x.size(); ++w) CHECK_UNARY(std::abs(x[w] - y[w]) < 1e-4f);
    }
  }
}

TEST_CASE("envs/trading: a bankrupt trader is out, its account closed; the others trade on") {
  MarketPrices prices{1, std::vector<float>(400, 10.f), {}};
  for (std::size_t day = 70; day < 400; ++day) prices.close[day] = 4;
  const MarketHistory history(prices);
  auto lane = start<Pair>(history.training(), frictionless(), 65);
  Actions<Pair> actions{};
  actions[0][0] = 1;
  while (lane.env.day() < 69) lane.step(actions);
  CHECK(lane.env.acting(0));
  lane.step(actions);
  CHECK(lane.ends[0] == End::terminated);
  CHECK(lane.ends[1] == End::none);
  CHECK(lane.episode == End::none);
  CHECK(lane.rewards[0] == doctest::Approx(-60));
  CHECK_FALSE(lane.env.acting(0));
  CHECK(lane.env.acting(1));
  CHECK(lane.env.account(0).position[0] == 0);
  actions[1][0] = 1;
  lane.step(actions);
  CHECK(lane.rewards[0] == 0);
  CHECK(lane.env.account(0).equity == doctest::Approx(.4));
  CHECK(lane.env.account(1).position[0] == doctest::Approx(1));

  auto both = start<Pair>(history.training(), frictionless(), 65);
  actions[1][0] = 1;
  while (both.episode == End::none) both.step(actions);
  CHECK(both.episode == End::terminated);
  CHECK(both.env.day() == 70);
}

TEST_CASE("envs/trading: an episode is truncated when its bars are over, and stays within the data") {
  const MarketHistory history(index_prices());
  const MarketData data = history.training();
  auto lane = start<Trading>(data, TradingConfig{});
  for (int bar = 1; bar <= 120; ++bar) {
    lane.step({});
    CHECK(lane.episode == (bar < 120 ? End::none : End::truncated));
  }
  auto late = start<Trading>(data, TradingConfig{}, 1486);
  late.step({});
  CHECK(late.episode == End::truncated);
  CHECK(late.env.day() == data.end_day - 1);
}

TEST_CASE("envs/trading: a lane's state is bytes, and reads the data wherever it lies") {
  const MarketHistory history(index_prices()), elsewhere(index_prices());
  auto lane = start<Trading>(history.training(), TradingConfig{});
  Random random(8, 0, 0, 0, Purpose::test);
  for (int bar = 0; bar < 10; ++bar) lane.step(random_actions<Trading>(random));
  Lane<Trading> copy = lane;
  std::memset(static_cast<void*>(&copy.env), 0xff, sizeof(Trading));
  std::memcpy(static_cast<void*>(&copy.env), &lane.env, sizeof(Trading));
  copy.data = elsewhere.training();
  for (int bar = 0; bar < 10; ++bar) {
    const auto actions = random_actions<Trading>(random);
    lane.step(actions);
    copy.step(actions);
    CHECK(lane.rewards == copy.rewards);
    CHECK(observation(lane, 2) == observation(copy, 2));
  }
}
