#include <polis/envs/market/market_data.hpp>

#include <cmath>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include "market_fixture.hpp"

using namespace polis;
using polis_test::index_prices;
using polis_test::waving_prices;

namespace {

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// The squared returns of the mean of all symbols in the window that starts on a day.
double window_variance(const MarketPrices& prices, int start, int window) {
  double sum = 0;
  for (int day = start + 1; day <= start + window; ++day) {
    double move = 0;
    for (int s = 0; s < prices.symbols; ++s) {
      const auto at = static_cast<std::size_t>(day * prices.symbols + s);
      move += double(prices.close[at]) / double(prices.close[at - std::size_t(prices.symbols)]) - 1;
    }
    sum += move * move;
  }
  return sum;
}

}  // namespace

TEST_CASE("envs/market_data: the view is plain data") {
  CHECK(std::is_trivially_copyable_v<MarketData>);
  CHECK(MarketData{}.symbols == 0);
}

TEST_CASE("envs/market_data: training and held-out ranges do not meet, windows stay inside theirs") {
  const MarketHistory history(index_prices());
  const MarketData training = history.training(), held_out = history.held_out();
  CHECK(history.days() == 1860);
  CHECK(training.first_day == market_warm_up);
  CHECK(training.end_day == 1488);
  CHECK(held_out.first_day == 1488 + 5);
  CHECK(held_out.end_day == 1860);
  CHECK(training.start_count == 1488 - 60 - 120);
  for (const MarketData& data : {training, held_out}) {
    std::set<int> days;
    for (int i = 0; i < data.start_count; ++i) {
      CHECK_UNARY(data.starts[i] >= data.first_day);
      CHECK_UNARY(data.starts[i] + data.window < data.end_day);
      days.insert(data.starts[i]);
    }
    CHECK(static_cast<int>(days.size()) == data.start_count);
  }
  CHECK(training.training);
  CHECK_FALSE(held_out.training);
}

TEST_CASE("envs/market_data: walk-forward folds end where they are told to") {
  const MarketHistory fold(index_prices(), {.window = 60, .training = .5, .end = .6, .embargo = 10});
  CHECK(fold.training().end_day == 930);
  CHECK(fold.held_out().first_day == 940);
  CHECK(fold.held_out().end_day == 1116);
}

TEST_CASE("envs/market_data: windows are sorted by their realised volatility, calmest first") {
  const MarketPrices prices = index_prices();
  const MarketHistory history(prices);
  const MarketData data = history.training();
  for (int i = 1; i < data.start_count; i += 37) {
    const double before = window_variance(prices, data.starts[i - 1], data.window);
    CHECK(before <= window_variance(prices, data.starts[i], data.window) + 1e-9);
  }
}

TEST_CASE("envs/market_data: moves lead from close to fill to close") {
  for (const bool with_open : {false, true}) {
    const MarketPrices prices = waving_prices(300, 2, with_open);
    const MarketHistory history(prices);
    const MarketData data = history.training();
    for (int day = 100; day < 110; ++day) {
      for (int s = 0; s < 2; ++s) {
        const auto at = static_cast<std::size_t>(day * 2 + s);
        const float fill = with_open ? prices.open[at] : prices.close[at];
        CHECK(prices.close[at - 2] * data.to_fill[at] == doctest::Approx(fill));
        CHECK(fill * data.to_close[at] == doctest::Approx(prices.close[at]));
        if (!with_open) CHECK(data.to_close[at] == 1.f);
      }
    }
  }
}

TEST_CASE("envs/market_data: features of a day do not change when later days do") {
  const MarketPrices prices = index_prices();
  MarketPrices changed = prices;
  const int day = 700;
  for (std::size_t i = (day + 1) * 4; i < changed.close.size(); ++i) changed.close[i] *= 1.5f;
  const MarketHistory history(prices), other(changed);
  for (int s = 0; s < 4; ++s) {
    for (int d = 0; d <= day; d += 7) CHECK(history.raw_features(d, s) == other.raw_features(d, s));
    CHECK_FALSE(history.raw_features(day + 1, s) == other.raw_features(day + 1, s));
  }
}

TEST_CASE("envs/market_data: what is fitted does not see held-out days") {
  const MarketPrices prices = index_prices();
  MarketPrices changed = prices;
  for (std::size_t i = 1488 * 4; i < changed.close.size(); ++i) changed.close[i] *= 1 + .01f * float(i % 5);
  const MarketHistory history(prices), other(changed);
  const MarketData a = history.training(), b = other.training();
  CHECK(history.model().factor.regimes.deviation == other.model().factor.regimes.deviation);
  CHECK(history.model().factor.regimes.transition == other.model().factor.regimes.transition);
  for (int s = 0; s < 4; ++s) {
    CHECK(history.scaler(s).mean == other.scaler(s).mean);
    CHECK(history.scaler(s).scale == other.scaler(s).scale);
  }
  for (int i = 0; i < a.start_count; i += 11) CHECK(a.starts[i] == b.starts[i]);
}

TEST_CASE("envs/market_data: scaled features have mean zero and deviation one over the training range") {
  const MarketHistory history(index_prices());
  const MarketData data = history.training();
  for (int s = 0; s < 4; ++s) {
    for (int f = 0; f < market_features; ++f) {
      double sum = 0, squares = 0;
      for (int day = data.first_day; day < data.end_day; ++day) {
        const double x = double(data.features[(day * 4 + s) * market_features + f]);
        sum += x, squares += x * x;
        CHECK_UNARY(std::abs(x) <= 5);
      }
      const double bars = data.end_day - data.first_day;
      CHECK(std::abs(sum / bars) < .05);
      CHECK(std::abs(std::sqrt(squares / bars) - 1) < .1);  // below one where values were clipped
    }
  }
}

TEST_CASE("envs/market_data: bad prices and ranges are refused by name") {
  MarketPrices prices = waving_prices(300, 2, false);
  prices.close[2 * 17 + 1] = -3;
  CHECK(message_of([&] { MarketHistory{prices}; }).find("day 17 of symbol 1") != std::string::npos);
  prices.close[2 * 17 + 1] = std::nanf("");
  CHECK(message_of([&] { MarketHistory{prices}; }).find("a positive number") != std::string::npos);
  prices = waving_prices(300, 2, false);
  prices.close.pop_back();
  CHECK(message_of([&] { MarketHistory{prices}; }).find("599 closes for 2 symbols") != std::string::npos);
  prices = waving_prices(300, 2, true);
  prices.open.resize(10);
  CHECK(message_of([&] { MarketHistory{prices}; }).find("10 opens beside 600 closes") != std::string::npos);
  CHECK(message_of([] { MarketHistory{waving_prices(150, 1, false)}; }).find("at least 181") !=
        std::string::npos);
  CHECK(message_of([] { MarketHistory(waving_prices(300, 1, false), {.training = 1.2}); }).find("order") !=
        std::string::npos);
  const MarketHistory all(waving_prices(300, 1, false), {.training = 1});
  CHECK(message_of([&] { (void)all.held_out(); }).find("only 0 days are held out") != std::string::npos);
}
