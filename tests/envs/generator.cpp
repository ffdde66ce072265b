#include <polis/envs/market/generator.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <polis/envs/market/market_data.hpp>

#include "market_fixture.hpp"
#include "stylised_facts.hpp"

using namespace polis;
using namespace polis_test;

namespace {

template <int N>
std::vector<double> returns_of(const RegimeSwitching<N>& market, int bars, std::uint64_t seed = 11) {
  Random random(seed, 0, 0, 0, Purpose::test);
  std::vector<double> returns;
  int regime = market.start(random);
  for (int t = 0; t < bars; ++t) {
    regime = market.next(regime, random);
    returns.push_back(static_cast<double>(market.draw(regime, random)));
  }
  return returns;
}

}  // namespace

TEST_CASE("envs/generator: the three-regime market spends .475, .430 and .094 of its time in each regime") {
  const auto market = three_regimes();
  const auto shares = market.stationary();
  const double expected[] = {.475, .430, .094};
  Random random(3, 0, 0, 0, Purpose::test);
  const int bars = 400000;
  double counts[3] = {};
  int regime = market.start(random);
  for (int t = 0; t < bars; ++t) counts[regime = market.next(regime, random)] += 1. / bars;
  for (int k = 0; k < 3; ++k) {
    CHECK(double(shares[k]) == doctest::Approx(expected[k]).epsilon(.01));
    CHECK(std::abs(counts[k] - expected[k]) < .02);
    double row = 0;
    for (int j = 0; j < 3; ++j) row += double(market.transition[k][j]);
    CHECK(row == doctest::Approx(1));
  }
}

TEST_CASE(
    "envs/generator: starts follow the stationary shares, and no regime above the highest allowed occurs") {
  const auto market = three_regimes();
  Random random(5, 0, 0, 0, Purpose::test);
  double counts[3] = {};
  for (int i = 0; i < 20000; ++i) counts[market.start(random)] += 1. / 20000;
  CHECK(std::abs(counts[0] - .475) < .015);
  CHECK(std::abs(counts[2] - .094) < .01);
  int regime = market.start(random, 1), seen[3] = {};
  for (int t = 0; t < 20000; ++t) ++seen[regime = market.next(regime, random, 1)];
  CHECK(seen[0] > 0);
  CHECK(seen[1] > 0);
  CHECK(seen[2] == 0);
}

TEST_CASE("envs/generator: returns within a regime have its mean and deviation") {
  const auto market = three_regimes();
  Random random(9, 0, 0, 0, Purpose::test);
  for (int k = 0; k < 3; ++k) {
    const int n = 100000;
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const double r = double(market.draw(k, random));
      sum += r, squares += r * r;
    }
    const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean),
                 sigma = double(market.deviation[k]);
    CHECK(std::abs(mean - double(market.mean[k])) < 4 * sigma / std::sqrt(n));
    CHECK(std::abs(deviation / sigma - 1) < 4 / std::sqrt(2. * n));
  }
}

TEST_CASE("envs/generator: regime switching shows the stylised facts, geometric Brownian motion does not") {
  const auto check = [](const std::vector<double>& returns) {
    CHECK(std::abs(correlation(returns, returns, 1)) < .15);
    CHECK(clusters(returns));
    CHECK(kurtosis(returns) > 4);
    CHECK(kurtosis(returns, 60) < kurtosis(returns));
    // The leverage effect; its standard error is raised by the heavy tails of squares.
    CHECK(correlation(returns, transformed(returns, [](double r) { return r * r; }), 1) < .02);
  };
  check(returns_of(three_regimes(), 100000));
  check(returns_of(two_regimes(), 100000));
  const auto plain = returns_of(geometric_brownian(.03f, 1.2f), 100000);
  CHECK_FALSE(clusters(plain));
  CHECK(std::abs(kurtosis(plain) - 3) < .1);
}

TEST_CASE("envs/generator: the tail of the three-regime market has an index between 2 and 5") {
  const double index = tail_index(returns_of(three_regimes(), 100000));
  CHECK(index > 2);
  CHECK(index < 5);
}

TEST_CASE("envs/generator: a fit keeps the training range's volatility, drift and correlation") {
  const MarketPrices prices = polis_test::index_prices();
  const MarketHistory history(prices);
  const MarketData data = history.training();
  const int bars = 60000;
  SyntheticMarket<4> path;
  Random random(17, 0, 0, 0, Purpose::test);
  const Array<int, 4> symbols{{0, 1, 2, 3}};
  path.start(data, symbols, 2, random);
  std::vector<double> drawn[4], real[4];
  for (int t = 0; t < bars; ++t) {
    path.advance(data, symbols, 2, random);
    for (int s = 0; s < 4; ++s) drawn[s].push_back(double(path.log_return(s)));
  }
  for (int day = 1; day < 1488; ++day) {
    for (int s = 0; s < 4; ++s) {
      const auto at = static_cast<std::size_t>(day * 4 + s);
      real[s].push_back(std::log(double(prices.close[at]) / double(prices.close[at - 4])));
    }
  }
  const auto mean_and_deviation = [](const std::vector<double>& r) {
    double mean = 0, squares = 0;
    for (const double x : r) mean += x / double(r.size());
    for (const double x : r) squares += (x - mean) * (x - mean) / double(r.size());
    return std::pair{mean, std::sqrt(squares)};
  };
  for (int s = 0; s < 4; ++s) {
    const auto [mean, deviation] = mean_and_deviation(real[s]);
    const auto [drawn_mean, drawn_deviation] = mean_and_deviation(drawn[s]);
    CHECK(drawn_deviation == doctest::Approx(deviation).epsilon(.05));
    CHECK(std::abs(drawn_mean - mean) < 5 * deviation / std::sqrt(bars));
  }
  // The mean over pairs: one factor cannot match every pair.
  double drawn_pairs = 0, real_pairs = 0;
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < a; ++b) {
      drawn_pairs += correlation(drawn[a], drawn[b], 0) / 6;
      real_pairs += correlation(real[a], real[b], 0) / 6;
    }
  }
  CHECK(std::abs(drawn_pairs - real_pairs) < .03);
  const auto& factor = history.model().factor.regimes;
  CHECK(clusters(returns_of(factor, 60000)));
  CHECK(factor.deviation[0] < factor.deviation[1]);
  CHECK(factor.deviation[1] < factor.deviation[2]);
}

TEST_CASE("envs/generator: features of a synthetic path are those a history of the same closes would have") {
  SyntheticMarket<1> path;
  Random random(23, 0, 0, 0, Purpose::test);
  const Array<int, 1> symbols{{0}};
  const MarketData defaults;
  path.start(defaults, symbols, 2, random);
  MarketFeatures replayed;
  // The path restarts from the same stream, so that its closes from the first bar on can be read off.
  Random again(23, 0, 0, 0, Purpose::test);
  SyntheticMarket<1> twin;
  twin.start(defaults, symbols, 2, again);
  CHECK(twin.log_close(0) == path.log_close(0));
  MarketPrices prices{1, {}, {}};
  SyntheticMarket<1> fresh;
  Random stream(29, 0, 0, 0, Purpose::test);
  for (int t = 0; t < 400; ++t) {
    fresh.advance(defaults, symbols, 2, stream);
    prices.close.push_back(math::exp(fresh.log_close(0)));
    replayed.update(prices.close.back(), fresh.log_close(0));
    CHECK(fresh.features(0) == replayed.values());
  }
  const MarketHistory history(prices);
  for (int f = 0; f < market_features; ++f) {
    // A history takes the logarithm of the rounded close: equal to rounding.
    CHECK(std::abs(history.raw_features(399, 0)[f] - fresh.features(0)[f]) < 1e-5f * (f == 6 ? 100.f : 1.f));
  }
}
