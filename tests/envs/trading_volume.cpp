// Volumes and sentiment in Trading: what of them is observed, what they do to impact, and when nothing is.
#include <polis/envs/market/trading.hpp>
#include <polis/envs/market/volume.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

namespace {

using Watching = BasicTrading<TradingSpec{.assets = 2, .traders = 1, .volume = true, .sentiment = true}>;
using One = BasicTrading<TradingSpec{.assets = 1, .traders = 1}>;

static_assert(DeviceEnvironment<Watching> && Watching::Observation::words == 2 * 17 + 12);
static_assert(Watching::State::words == 2 * 15 + 4 + 2);

/// Waving prices with volumes and sentiment that wave too.
MarketPrices watched_prices(int days) {
  MarketPrices prices = waving_prices(days, 2, true);
  for (std::size_t i = 0; i < prices.close.size(); ++i) {
    const float t = static_cast<float>(i);
    prices.volume.push_back(1e6f * (2 + std::sin(.37f * t) + std::sin(1.3f * t)));
    prices.sentiment.push_back(3 + std::cos(.11f * t));
  }
  return prices;
}

double signal(const Lane<Watching>& lane, int asset, int f) {
  return double(
      observation(lane, 0)[std::size_t(asset * Watching::asset_features + market_features + 4 + f)]);
}

}  // namespace

TEST_CASE("envs/trading_volume: volume is relative to the mean of the 20 bars before") {
  RelativeVolume volume;
  volume.update(100);
  CHECK(volume.value() == 1);
  volume.update(150);
  CHECK(volume.value() == doctest::Approx(1.5));
  volume.update(250);
  CHECK(volume.value() == doctest::Approx(2));
  for (int bar = 0; bar < 20; ++bar) volume.update(10);
  volume.update(5);
  CHECK(volume.value() == doctest::Approx(.5));
  volume.update(0);
  CHECK(volume.value() == doctest::Approx(.05));
  volume.update(1e6f);
  CHECK(volume.value() == doctest::Approx(20));
  RelativeVolume none;
  for (int bar = 0; bar < 30; ++bar) {
    none.update(0);
    CHECK_UNARY(none.value() == 1);
  }
  none.update(7);
  CHECK(none.value() == 20);
}

TEST_CASE("envs/trading_volume: what is seen of a bar is scaled by the training range alone") {
  const MarketPrices prices = watched_prices(800);
  MarketPrices changed = prices;
  for (std::size_t i = 640 * 2; i < prices.close.size(); ++i)
    changed.volume[i] *= 3, changed.sentiment[i] += 2;
  const MarketHistory history(prices), other(changed);
  const MarketData data = history.training();
  for (int s = 0; s < 2; ++s) {
    for (int f = 0; f < market_signals; ++f) {
      double sum = 0, squares = 0;
      for (int day = data.first_day; day < data.end_day; ++day) {
        const std::size_t at = data.index(day, s) * market_signals + std::size_t(f);
        const double x = double(data.signals[at]);
        CHECK_UNARY(data.signals[at] == other.training().signals[at]);
        sum += x, squares += x * x;
      }
      const double bars = data.end_day - data.first_day;
      CHECK(std::abs(sum / bars) < 1e-3);
      CHECK(squares / bars == doctest::Approx(1).epsilon(.05));
    }
  }
  CHECK_FALSE(data.signals[data.index(640, 0) * 2] == other.training().signals[data.index(640, 0) * 2]);
  auto lane = start<Watching>(data, frictionless(), 300);
  for (int s = 0; s < 2; ++s) {
    CHECK(signal(lane, s, 0) == double(data.signals[data.index(300, s) * 2]));
    CHECK(signal(lane, s, 1) == double(data.signals[data.index(300, s) * 2 + 1]));
  }
  std::vector<float> state(Watching::State::words);
  lane.env.state(Row{state.data(), 1}, lane.view());
  CHECK(state[13] == data.signals[data.index(300, 0) * 2]);
  CHECK(state[15 + 14] == data.signals[data.index(300, 1) * 2 + 1]);
}

TEST_CASE("envs/trading_volume: with them too, nothing at bar t depends on a later bar") {
  const MarketPrices prices = watched_prices(800);
  const int t = 700;
  MarketPrices changed = prices;
  for (std::size_t i = (t + 1) * 2; i < prices.close.size(); ++i) {
    changed.close[i] *= 1.3f, changed.volume[i] *= 5, changed.sentiment[i] = -1;
  }
  const MarketHistory history(prices), other(changed);
  TradingConfig config;
  config.impact_by_volume = true;
  auto a = start<Watching>(history.held_out(), config, 650),
       b = start<Watching>(other.held_out(), config, 650);
  Random random(3, 0, 0, 0, Purpose::test);
  for (; a.env.day() < t;) {
    CHECK(observation(a, 0) == observation(b, 0));
    const auto actions = random_actions<Watching>(random);
    a.step(actions), b.step(actions);
    CHECK(a.rewards == b.rewards);
  }
  CHECK(observation(a, 0) == observation(b, 0));
  const auto actions = random_actions<Watching>(random);
  a.step(actions), b.step(actions);
  CHECK_FALSE(signal(a, 0, 0) == signal(b, 0, 0));
  CHECK_FALSE(signal(a, 0, 1) == signal(b, 0, 1));
}

TEST_CASE("envs/trading_volume: a leak in the column of sentiment is the return that an order earns first") {
  for (const bool with_open : {false, true}) {
    MarketPrices prices = waving_prices(300, 2, with_open);
    const auto close = [&](std::size_t day, std::size_t s) { return prices.close[day * 2 + s]; };
    for (std::size_t day = 0; day < 300; ++day) {
      for (std::size_t s = 0; s < 2; ++s) {
        const std::size_t fill = std::min<std::size_t>(day + 1, 299),
                          next = std::min<std::size_t>(day + 2, 299);
        prices.sentiment.push_back(with_open ? close(fill, s) / prices.open[fill * 2 + s] - 1
                                             : close(next, s) / close(fill, s) - 1);
      }
    }
    const MarketHistory history(prices);
    auto lane = start<Watching>(history.training(), frictionless());
    Actions<Watching> actions{};
    for (int bar = 0; bar < 60; ++bar) {  // going with it gains whatever the market does
      for (int s = 0; s < 2; ++s) actions[0][s] = signal(lane, s, 1) > 0 ? 1.f : -1.f;
      lane.step(actions);
    }
    CHECK(lane.env.account(0).equity > 1.5f);
  }
}

TEST_CASE("envs/trading_volume: what the data lacks is 0, on its windows and on synthetic paths") {
  MarketPrices prices = watched_prices(400);
  prices.volume.clear();
  const MarketHistory felt(prices), bare(waving_prices(400, 2, true));
  for (const bool synthetic : {false, true}) {
    for (const MarketHistory* history : {&felt, &bare}) {
      auto lane = start<Watching>(history->training(), TradingConfig{}, 100);
      lane.task.synthetic = synthetic;
      lane.reset();
      for (int bar = 0; bar < 10; ++bar) {
        CHECK_UNARY(signal(lane, 0, 0) == 0);
        CHECK_UNARY((signal(lane, 0, 1) == 0) == (history == &bare || synthetic));
        lane.step({});
      }
    }
  }
}

TEST_CASE("envs/trading_volume: synthetic paths have volumes, of order one, that rise with the moves") {
  Lane<Watching> lane;
  double sum = 0, squares = 0, together = 0, moves = 0, moves_squared = 0, count = 0;
  for (std::uint32_t number = 0; number < 60; ++number) {
    lane.number = number;
    lane.episode = End::none;
    lane.reset();
    while (lane.episode == End::none) {
      lane.step({});
      const double x = signal(lane, 0, 0), move = std::abs(double(lane.env.path().log_return(0)));
      sum += x, squares += x * x, together += x * move, moves += move, moves_squared += move * move, ++count;
    }
  }
  const double mean = sum / count, deviation = std::sqrt(squares / count - mean * mean);
  CHECK(std::abs(mean) < .1);
  CHECK(deviation == doctest::Approx(1).epsilon(.1));
  const double move_deviation = std::sqrt(moves_squared / count - moves * moves / count / count);
  CHECK((together / count - mean * moves / count) / deviation / move_deviation > .15);
}

TEST_CASE("envs/trading_volume: the concession goes by the bar's volume where that is asked for") {
  MarketPrices prices{1, std::vector<float>(300, 10.f)};
  prices.volume.assign(300, 500.f);
  prices.volume[101] = 2000;
  const MarketHistory history(prices);
  const auto impact = [&](bool by_volume, float temporary, float permanent) {
    TradingConfig config = frictionless();
    config.temporary_impact = temporary, config.permanent_impact = permanent, config.liquidity = 4;
    config.impact_by_volume = by_volume;
    auto lane = start<One>(history.training(), config, 100);
    Actions<One> actions{};
    actions[0][0] = .8f;
    lane.step(actions);  // fills at the close of day 101
    return double(lane.env.totals(0).impact);
  };
  CHECK(impact(false, .02f, 0) == doctest::Approx(.02 * .8 / 4 * .8));
  CHECK(impact(true, .02f, 0) == doctest::Approx(.02 * .8 / 4 * .8 / 4));
  CHECK(impact(true, 0, .02f) == doctest::Approx(impact(false, 0, .02f)));
}

TEST_CASE("envs/trading_volume: no round trip between thin and thick bars gains from its own impact") {
  MarketPrices prices{1, std::vector<float>(300, 10.f)};
  for (std::size_t day = 0; day < 300; ++day) prices.volume.push_back(day % 2 ? 1900.f : 100.f);
  const MarketHistory history(prices);
  TradingConfig config = frictionless();
  config.temporary_impact = .001f, config.permanent_impact = .05f, config.liquidity = 1;
  config.impact_by_volume = true;
  for (int first = 100; first < 102; ++first) {  // bought thin and sold thick, and the other way round
    auto lane = start<One>(history.training(), config, first);
    Actions<One> actions{};
    for (int bar = 0; bar < 20; ++bar) {
      actions[0][0] = bar % 2 ? 0 : .5f;
      lane.step(actions);
    }
    CHECK(std::abs(lane.env.account(0).position[0]) < 1e-4f);
    CHECK(lane.env.account(0).equity < 1);
  }
}

TEST_CASE("envs/trading_volume: bad volumes and sentiment are refused with their place") {
  const auto message = [](auto&& change) {
    MarketPrices prices = watched_prices(300);
    change(prices);
    try {
      MarketHistory history(prices);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto names = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(names(message([](MarketPrices& p) { p.volume[2 * 31 + 1] = -1; }), "day 31 of symbol 1"));
  CHECK(names(message([](MarketPrices& p) { p.volume[4] = INFINITY; }), "the volume is"));
  CHECK(names(message([](MarketPrices& p) { p.sentiment[2 * 8] = NAN; }), "day 8 of symbol 0"));
  CHECK(names(message([](MarketPrices& p) { p.sentiment.pop_back(); }), "599 figures of sentiment"));
  CHECK(names(message([](MarketPrices& p) { p.high = p.close; }), "highs and lows together"));
  CHECK(message([](MarketPrices&) {}) == "no error");
}
