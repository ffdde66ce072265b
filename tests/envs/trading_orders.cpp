// Standing orders of Trading: where they fill, what they cost, and what they must not see.
#include <polis/envs/market/backtest.hpp>
#include <polis/envs/market/orders.hpp>
#include <polis/envs/market/trading.hpp>

#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <polis/core/fields.hpp>

#include "leaking_trading.hpp"
#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

namespace {

using One = BasicTrading<TradingSpec{.assets = 1, .traders = 1}>;
using Pair = BasicTrading<TradingSpec{.assets = 1, .traders = 2}>;
using Seen = BasicTrading<TradingSpec{.assets = 2, .traders = 1, .orders = true}>;
using Timed = BasicTrading<TradingSpec{.assets = 2, .traders = 1, .orders = true, .holding = 4}>;

static_assert(fields_complete<OrderSettings>());
static_assert(DeviceEnvironment<Seen> && DeviceEnvironment<Timed>);
static_assert(Seen::Observation::words == 2 * 18 + 12 && Seen::Action::words == 2);
static_assert(Timed::Action::kind == SpaceKind::tuple && Timed::Action::words == 4 &&
              Timed::Action::features == 2 + 8);

constexpr std::size_t entered = 91;  // the day at whose open the trader of `play` is in

/// 200 days on which every price is 100, but for what `change` makes of them.
MarketPrices level(auto&& change, bool ranges = true) {
  MarketPrices prices{1, std::vector<float>(200, 100.f), std::vector<float>(200, 100.f)};
  if (ranges) prices.high = prices.low = prices.close;
  change(prices);
  return prices;
}

/// A day of these prices.
void set_bar(MarketPrices& prices, std::size_t day, float open, float high, float low, float close) {
  prices.open[day] = open, prices.high[day] = high, prices.low[day] = low, prices.close[day] = close;
}

/// One trader that keeps asking for `target` from the close of day 90 on, until the close of `last_day`.
template <class E = One>
Lane<E> play(const MarketHistory& history, const TradingConfig& config, float target, int last_day) {
  auto lane = start<E>(history.training(), config, 90);
  Actions<E> actions{};
  for (int i = 0; i < E::agents; ++i) actions[i][0] = target;
  while (lane.env.day() < last_day) lane.step(actions);
  return lane;
}

TradingConfig costly(OrderSettings orders) {
  TradingConfig config = frictionless();
  config.cost = .01f;
  config.orders = orders;
  return config;
}

constexpr MarketSettings short_windows{.window = 20, .training = 1};

}  // namespace

TEST_CASE("envs/trading_orders: barriers of long and short positions, the stop before the target") {
  const OrderSettings both{.stop_loss = .1f, .take_profit = .2f};
  const PriceBarriers bought(both, true), sold(both, false);
  CHECK(bought.at(.89f).reason == CloseReason::stop_loss);
  CHECK(bought.at(.89f).price == .89f);
  CHECK(bought.at(1.25f).reason == CloseReason::take_profit);
  CHECK_FALSE(bool(bought.at(1.1f)));
  CHECK(sold.at(1.11f).reason == CloseReason::stop_loss);
  CHECK(sold.at(.79f).reason == CloseReason::take_profit);
  CHECK_FALSE(bool(sold.at(.85f)));
  CHECK(bought.within(.85f, 1.3f).reason == CloseReason::stop_loss);
  CHECK(bought.within(.85f, 1.3f).price == doctest::Approx(.9));
  CHECK(bought.within(.95f, 1.3f).price == doctest::Approx(1.2));
  CHECK(sold.within(.7f, 1.15f).price == doctest::Approx(1.1));
  CHECK(sold.within(.7f, 1.05f).price == doctest::Approx(.8));
  CHECK_FALSE(bool(sold.within(.81f, 1.09f)));
  const PriceBarriers none({}, true), none_sold({}, false);
  CHECK_FALSE(bool(none.within(1e-6f, 1e6f)));
  CHECK_FALSE(bool(none_sold.within(1e-6f, 1e6f)));
}

TEST_CASE("envs/trading_orders: a barrier within a bar fills at the barrier, one at the open there") {
  struct Path {
    float open, high, low, close, target;  // of one bar, and the position
    float fill;                            // 0: none
    int reason;                            // as an index of `closed`
  };
  // Bought or sold at 100, with a stop at 10% and a target at 20%.
  const Path paths[] = {{100, 101, 85, 95, 1, 90, 1},     // stop
                        {80, 99, 70, 95, 1, 80, 1},       // gap through the stop
                        {100, 130, 99, 110, 1, 120, 2},   // target
                        {125, 130, 124, 126, 1, 125, 2},  // gap through the target
                        {100, 130, 85, 110, 1, 90, 1},    // both: the stop
                        {125, 130, 60, 70, 1, 125, 2},    // the target at the open, before the stop
                        {100, 119, 91, 100, 1, 0, 0},     // neither
                        {100, 115, 99, 105, -1, 110, 1},  // sold: stop
                        {118, 119, 100, 105, -1, 118, 1}, {100, 101, 70, 75, -1, 80, 2},
                        {75, 76, 70, 75, -1, 75, 2},      {100, 109, 81, 100, -1, 0, 0}};
  for (const Path& path : paths) {
    CAPTURE(path.fill);
    const MarketHistory history(level([&](MarketPrices& prices) {
                                  set_bar(prices, entered + 3, path.open, path.high, path.low, path.close);
                                }),
                                short_windows);
    const TradingConfig config = costly({.stop_loss = .1f, .take_profit = .2f, .cooldown = 50});
    const auto lane = play(history, config, path.target, entered + 4);
    const auto& env = lane.env;
    // The first order is of one unit of equity; later ones bring the weight back to 1 of what is left.
    const auto before = play(history, config, path.target, entered + 2);
    const double units = double(before.env.account(0).position[0]), cash = double(before.env.account(0).cash);
    CHECK(std::abs(units) == doctest::Approx(.99).epsilon(1e-3));
    if (path.fill == 0) {
      CHECK(std::abs(env.account(0).position[0]) > .8f);
      continue;
    }
    const double value = units * double(path.fill) / 100;
    CHECK(env.account(0).position[0] == 0);
    // An order that was to fill at the same open lapses; after the open one had filled already.
    const bool at_open = path.fill == path.open;
    const double target = double(path.target) * (units + cash), order = at_open ? 0 : target - units;
    const double left = cash - order - .01 * std::abs(order) + value + order * double(path.fill) / 100 -
                        .01 * std::abs(value + order * double(path.fill) / 100);
    CHECK(double(env.account(0).cash) == doctest::Approx(left).epsilon(1e-5));
    CHECK(env.account(0).equity == env.account(0).cash);
    for (int reason = 0; reason < close_reasons; ++reason) {
      CHECK(env.standing(0).closed[reason] == (reason == path.reason ? 1 : 0));
    }
  }
}

TEST_CASE("envs/trading_orders: without a range the close decides, and without an open orders fill there") {
  const auto falls = [](MarketPrices& prices) {
    for (std::size_t day = entered + 3; day < 200; ++day) prices.close[day] = 85;
    for (std::size_t day = entered + 4; day < 200; ++day) prices.open[day] = 85;
  };
  TradingConfig config = frictionless();
  config.orders = {.stop_loss = .1f, .cooldown = 50};
  const MarketHistory with_open(level(falls, false), short_windows);
  const auto at_close = play(with_open, config, 1, entered + 3);
  CHECK(at_close.env.account(0).position[0] == 0);
  CHECK(double(at_close.env.account(0).cash) == doctest::Approx(.85));

  MarketPrices closes = level(falls, false);
  closes.open.clear();
  const MarketHistory without(closes, short_windows);
  const auto lane = play(without, config, 1, entered + 3);
  CHECK(lane.env.account(0).position[0] == 0);
  CHECK(double(lane.env.account(0).cash) == doctest::Approx(.85));
  CHECK(lane.env.standing(0).closed[1] == 1);
}

TEST_CASE("envs/trading_orders: a position is closed `holding` fills after it was opened, then cools down") {
  const MarketHistory history(level([](MarketPrices&) {}), short_windows);
  for (const int holding : {1, 3}) {
    for (const int cooldown : {0, 2}) {
      auto lane = start<One>(history.training(), costly({.holding = holding, .cooldown = cooldown}), 90);
      Actions<One> actions{};
      actions[0][0] = 1;
      int closed = 0;
      for (int bar = 0; bar < 18; ++bar) {
        lane.step(actions);
        // Opened at the first fill, held for `holding` bars, then out for the closing bar and the cooldown.
        const int phase = bar % (holding + 1 + cooldown);
        CHECK((lane.env.account(0).position[0] > .5f) == (phase < holding));
        closed += phase == holding ? 1 : 0;
        CHECK(lane.env.standing(0).closed[0] == closed);
      }
    }
  }
}

TEST_CASE("envs/trading_orders: an action with a holding period sets the deadline of what it opens") {
  const MarketHistory history(waving_prices(200, 2, true), short_windows);
  TradingConfig config = frictionless();
  config.orders.holding = 2;  // bars in a unit of the choice
  auto lane = start<Timed>(history.training(), config, 90);
  Actions<Timed> actions{};
  actions[0].get<0>() = {{1, -1}};
  actions[0].get<1>() = {{0, 2}};  // 2 and 6 bars
  for (int bar = 0; bar < 7; ++bar) {
    lane.step(actions);
    actions[0].get<1>() = {{3, 3}};  // which is too late for positions that are open
    CHECK((lane.env.account(0).position[0] != 0) == (bar != 2));
    CHECK((lane.env.account(0).position[1] != 0) == (bar != 6));
    if (bar >= 3) CHECK(lane.env.standing(0).deadline[0] == 8);
  }
  const auto reports = backtest<Timed>(BuyAndHold{}, history.training(),
                                       Timed::Task::whole_range(history.training()), frictionless());
  CHECK(reports[0].total_return != 0);
}

TEST_CASE("envs/trading_orders: what traders' stops sell together has one impact, and the price keeps it") {
  const MarketHistory history(
      level([](MarketPrices& prices) { set_bar(prices, entered + 1, 100, 100, 80, 95); }), short_windows);
  TradingConfig config = frictionless();
  config.temporary_impact = .02f, config.permanent_impact = 0, config.liquidity = 4;
  config.orders = {.stop_loss = .1f, .cooldown = 50};
  const auto lane = play<Pair>(history, config, .5f, entered + 1);
  // Both bought .5 at a concession of .02 * 1 / 4, hold about .5 and sell it at 90, together .9 of a unit.
  const auto opened = play<Pair>(history, config, .5f, entered);
  const double value = .9 * double(opened.env.account(0).position[0]);
  CHECK(double(lane.env.totals(0).impact - opened.env.totals(0).impact) ==
        doctest::Approx(.02 * 2 * value / 4 * value).epsilon(.01));
  config.temporary_impact = 0, config.permanent_impact = .01f;
  const auto lasting = play<Pair>(history, config, .5f, entered + 1);
  const auto before = play<Pair>(history, config, .5f, entered);
  CHECK(before.env.price_offset(0) > .002f);
  CHECK(std::abs(lasting.env.price_offset(0)) < 3e-4f);  // bought at 100 and sold at 90: most of it is undone
}

namespace {

/// The same rules on units and prices in double precision, for one trader without impact.
struct Ledger {
  OrderSettings orders;
  double cost = 0, adjustment = 1, cash = 1;
  double units[2] = {}, entry[2] = {};
  int bars[2] = {}, deadline[2] = {}, cooldown[2] = {}, closed = 0;

  void sell_out(std::size_t s, double price) {
    cash += units[s] * price - cost * std::abs(units[s]) * price;
    units[s] = entry[s] = 0;
    bars[s] = deadline[s] = 0;
    cooldown[s] = orders.cooldown;
    ++closed;
  }
  /// Whether the position is past a barrier at this price.
  int past(std::size_t s, double price) const {
    const double gain = (units[s] > 0 ? 1 : -1) * (price / entry[s] - 1);
    if (orders.stop_loss > 0 && gain <= -double(orders.stop_loss)) return -1;
    return orders.take_profit > 0 && gain >= double(orders.take_profit) ? 1 : 0;
  }
  double equity(const MarketPrices& prices, std::size_t day) const {
    return cash + units[0] * double(prices.close[day * 2]) + units[1] * double(prices.close[day * 2 + 1]);
  }
  void bar(const MarketPrices& prices, std::size_t day, const float* action) {
    const double worth = equity(prices, day);
    double order[2];
    for (std::size_t s = 0; s < 2; ++s) {
      order[s] = adjustment * (double(action[s]) / 2 * worth / double(prices.close[day * 2 + s]) - units[s]);
    }
    for (std::size_t s = 0; s < 2; ++s) {
      const std::size_t at = day * 2 + 2 + s;
      const double open = double(prices.open[at]), low = double(prices.low[at]),
                   high = double(prices.high[at]);
      if (cooldown[s] > 0) --cooldown[s], order[s] = 0;
      const bool over = deadline[s] > 0 && bars[s] + 1 >= deadline[s];
      if (over || (units[s] != 0 && past(s, open) != 0)) {
        sell_out(s, open);
        continue;
      }
      const double after = units[s] + order[s];
      if (units[s] * after <= 0) {
        entry[s] = open, bars[s] = 0, deadline[s] = order[s] != 0 ? orders.holding : 0;
      } else {
        if (std::abs(after) > std::abs(units[s])) entry[s] = (entry[s] * units[s] + open * order[s]) / after;
        ++bars[s];
      }
      units[s] = after;
      cash -= order[s] * open + cost * std::abs(order[s]) * open;
      if (units[s] == 0) continue;
      const bool is_long = units[s] > 0;
      const double stop = entry[s] * (1 - (is_long ? 1 : -1) * double(orders.stop_loss)),
                   target = entry[s] * (1 + (is_long ? 1 : -1) * double(orders.take_profit));
      if (past(s, is_long ? low : high) < 0) {
        sell_out(s, stop);
      } else if (past(s, is_long ? high : low) > 0) {
        sell_out(s, target);
      }
    }
  }
};

}  // namespace

TEST_CASE("envs/trading_orders: accounts agree with a ledger of units and prices under every kind of order") {
  const MarketPrices prices = waving_ranges(400, 2);
  const MarketHistory history(prices);
  const OrderSettings kinds[] = {{.stop_loss = .04f},
                                 {.take_profit = .05f},
                                 {.holding = 7},
                                 {.holding = 9, .stop_loss = .05f, .take_profit = .06f, .cooldown = 2}};
  using Two = BasicTrading<TradingSpec{.assets = 2, .traders = 1}>;
  for (const OrderSettings& orders : kinds) {
    for (const float adjustment : {1.f, .4f}) {
      TradingConfig config = costly(orders);
      config.adjustment = adjustment;
      config.bankruptcy = .01f;
      auto lane = start<Two>(history.training(), config, 80);
      Ledger ledger{orders, .01, double(adjustment)};
      Random random(3, 0, 0, 0, Purpose::test);
      Actions<Two> actions{};
      for (int bar = 0; bar < 120; ++bar) {
        if (bar % 5 == 0) actions = random_actions<Two>(random);
        ledger.bar(prices, std::size_t(80 + bar), &actions[0][0]);
        lane.step(actions);
        REQUIRE(double(lane.env.account(0).equity) ==
                doctest::Approx(ledger.equity(prices, std::size_t(81 + bar))).epsilon(2e-5));
      }
      const auto& closed = lane.env.standing(0).closed;
      CHECK(closed[0] + closed[1] + closed[2] == ledger.closed);
      CHECK(ledger.closed > 5);
    }
  }
}

// The price is a martingale, so that no rule of stopping gains on average, and of a position closed at 1 - a
// or 1 + b the share a / (a + b) is closed at the latter. Prices are seen at closes only: a path passes its
// barrier by .5826 deviations on average (Siegmund 1979), which widens both.
TEST_CASE("envs/trading_orders: on a fair price barriers gain nothing, and are met in the known shares") {
  const double deviation = .2, a = .02, b = .04;
  TradingConfig config = frictionless();
  config.orders = {.stop_loss = float(a), .take_profit = float(b), .cooldown = 1 << 20};
  config.bankruptcy = .01f;
  Lane<One> lane;
  lane.config = config;
  lane.data.factor.generator = MarketGenerator::Brownian;
  lane.data.factor.jumps = {
      .mean = float(-.005 * deviation * deviation), .deviation = float(deviation), .intensity = 0};
  lane.data.default_model = {0, 1, {}};
  lane.task = {.synthetic = true};
  lane.task.bars = 4000;
  const int episodes = 3000;
  for (const float side : {1.f, -1.f}) {
    Actions<One> actions{};
    double sum = 0, squares = 0, targets = 0;
    for (int n = 0; n < episodes; ++n) {
      lane.number = static_cast<std::uint32_t>(n);
      lane.episode = End::none;
      lane.reset();
      actions[0][0] = side;
      while (lane.episode == End::none && lane.env.standing(0).cooldown[0] == 0) {
        lane.step(actions);
        actions[0][0] = lane.env.account(0).position[0] / lane.env.account(0).equity;  // no order
      }
      REQUIRE(lane.env.account(0).position[0] == 0);
      const double gain = double(lane.env.account(0).equity) - 1;
      sum += gain, squares += gain * gain, targets += lane.env.standing(0).closed[2];
    }
    const double mean = sum / episodes, error = std::sqrt((squares / episodes - mean * mean) / episodes);
    CHECK(std::abs(mean) < 4 * error);
    CHECK(error < .001);
    const double passed = .5826 * deviation / 100, share = (a + passed) / (a + b + 2 * passed);
    CHECK(std::abs(targets / episodes - share) < 4 * std::sqrt(share * (1 - share) / episodes));
  }
}

// The same where bars have ranges: they hold 200 steps of a price each, of which the barriers see the
// extremes, so that every position is closed at a barrier, and by no more than a step's error in the known
// share.
TEST_CASE(
    "envs/trading_orders: within bars of a fair price barriers are met in the known shares, and exactly") {
  const double a = .02, b = .04, step = .006 / std::sqrt(200.);
  MarketPrices prices{1};
  Random random(9, 0, 0, 0, Purpose::test);
  double price = 100;
  for (int day = 0; day < 8000; ++day) {
    double high = price, low = price;
    prices.open.push_back(static_cast<float>(price));
    for (int i = 0; i < 200; ++i) {
      price *= 1 + step * (random.uniform() < .5f ? -1 : 1);
      high = std::max(high, price), low = std::min(low, price);
    }
    prices.close.push_back(static_cast<float>(price));
    prices.high.push_back(static_cast<float>(high)), prices.low.push_back(static_cast<float>(low));
  }
  const MarketHistory history(prices, {.training = 1});
  TradingConfig config = frictionless();
  config.orders = {.stop_loss = float(a), .take_profit = float(b)};
  config.bankruptcy = .001f;
  for (const float side : {1.f, -1.f}) {
    auto lane = start<One>(history.training(), config, market_warm_up);
    lane.task.bars = 7900;
    lane.reset();
    Actions<One> actions{};
    double entered_with = 1, stops = 0, targets = 0;
    while (lane.episode == End::none) {
      const auto& account = lane.env.account(0);
      const bool open = account.position[0] != 0;
      if (!open) entered_with = double(account.equity);
      actions[0][0] = open ? account.position[0] / account.equity : .5f * side;
      const auto before = lane.env.standing(0).closed;
      lane.step(actions);
      const auto& closed = lane.env.standing(0).closed;
      if (closed == before) continue;
      const bool won = closed[2] > before[2];
      (won ? targets : stops) += 1;
      // Opened at the price of the close before, with half of the equity.
      REQUIRE(double(account.equity) / entered_with ==
              doctest::Approx(won ? 1 + b / 2 : 1 - a / 2).epsilon(1e-5));
    }
    const double trades = stops + targets, share = a / (a + b);
    CHECK(trades > 150);
    CHECK(std::abs(targets / trades - share) < 4 * std::sqrt(share * (1 - share) / trades));
  }
}

TEST_CASE("envs/trading_orders: with standing orders too, nothing at bar t depends on a later bar") {
  const MarketPrices prices = waving_ranges(800, 2);
  const int t = 700;
  MarketPrices changed = prices;
  for (std::size_t i = (t + 1) * 2; i < prices.close.size(); ++i) {
    changed.close[i] *= 1.3f, changed.open[i] *= .7f, changed.high[i] *= 1.4f, changed.low[i] *= .6f;
  }
  const MarketHistory history(prices), other(changed);
  TradingConfig config;
  config.orders = {.holding = 9, .stop_loss = .03f, .take_profit = .04f, .cooldown = 1};
  auto a = start<Seen>(history.held_out(), config, 650), b = start<Seen>(other.held_out(), config, 650);
  Random random(3, 0, 0, 0, Purpose::test);
  while (true) {
    CHECK(observation(a, 0) == observation(b, 0));
    std::vector<float> state_a(Seen::State::words), state_b(Seen::State::words);
    a.env.state(Row{state_a.data(), 1}, a.view());
    b.env.state(Row{state_b.data(), 1}, b.view());
    CHECK(state_a == state_b);
    const auto actions = random_actions<Seen>(random);
    if (a.env.day() == t) {
      a.step(actions), b.step(actions);
      break;
    }
    a.step(actions), b.step(actions);
    CHECK(a.rewards == b.rewards);
  }
  CHECK_FALSE(a.rewards == b.rewards);
  CHECK(a.env.standing(0).closed[0] + a.env.standing(0).closed[1] > 0);
}

TEST_CASE("envs/trading_orders: the observation shows the open gain, the time left and the cooldown") {
  const MarketHistory history(waving_prices(400, 2, true));
  TradingConfig config = frictionless();
  config.orders = {.holding = 4, .cooldown = 3};
  auto lane = start<Seen>(history.training(), config, 100);
  Actions<Seen> actions{};
  actions[0][0] = 1, actions[0][1] = -1;
  const auto figure = [&](int asset, int f) {
    return double(observation(lane, 0)[std::size_t(asset * Seen::asset_features + market_features + 4 + f)]);
  };
  const auto price = [&](int asset, int day) {
    return double(history.training().close[history.training().index(day, asset)]);
  };
  CHECK(figure(0, 0) == 0);
  lane.step(actions);
  const double first[] = {
      double(history.training().to_fill[history.training().index(101, 0)]) * price(0, 100),
      double(history.training().to_fill[history.training().index(101, 1)]) * price(1, 100)};
  CHECK(figure(0, 0) == doctest::Approx(10 * (price(0, 101) / first[0] - 1)).epsilon(1e-3));
  CHECK(figure(1, 0) == doctest::Approx(-10 * (price(1, 101) / first[1] - 1)).epsilon(1e-3));
  CHECK(figure(0, 1) == 1);
  CHECK(figure(0, 2) == 0);
  lane.step(actions);
  CHECK(figure(0, 1) == doctest::Approx(.75));
  for (int bar = 0; bar < 3; ++bar) lane.step(actions);
  CHECK(figure(0, 0) == 0);
  CHECK(figure(0, 1) == 0);
  CHECK(figure(0, 2) == 1);
  lane.step(actions);
  CHECK(figure(0, 2) == doctest::Approx(2. / 3));
}

TEST_CASE("envs/trading_orders: settings out of their range are refused by their key") {
  const auto where = [](OrderSettings orders) {
    TradingConfig config;
    config.orders = orders;
    try {
      check_settings(config);
    } catch (const Error& error) {
      return error.where();
    }
    return std::string();
  };
  CHECK(where({.holding = -1}) == "orders.holding");
  CHECK(where({.stop_loss = 1}) == "orders.stop_loss");
  CHECK(where({.take_profit = NAN}) == "orders.take_profit");
  CHECK(where({.cooldown = -3}) == "orders.cooldown");
  CHECK(where({.holding = 5, .stop_loss = .1f, .take_profit = 2, .cooldown = 1}).empty());
}
