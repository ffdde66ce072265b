#include <polis/envs/market/indicators.hpp>

#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <polis/envs/market/features.hpp>

using namespace polis;

TEST_CASE("envs/indicators: RSI(14) of StockCharts' sample") {
  const std::vector<float> closes{44.3389f, 44.0902f, 44.1497f, 43.6124f, 44.3278f, 44.8264f, 45.0955f,
                                  45.4245f, 45.8433f, 46.0826f, 45.8931f, 46.0328f, 45.6140f, 46.2820f,
                                  46.2820f, 46.0028f, 46.0328f, 46.4116f, 46.2222f, 45.6439f};
  const std::vector<float> expected{70.53f, 66.32f, 66.55f, 69.41f, 66.36f, 57.97f};
  Rsi<> rsi;
  for (std::size_t i = 0; i < closes.size(); ++i) {
    rsi.update(closes[i]);
    CHECK(rsi.ready() == (i >= 14));
    if (i >= 14) CHECK(rsi.value() == doctest::Approx(expected[i - 14]).epsilon(.0001));
  }
}

TEST_CASE("envs/indicators: RSI is 50 where nothing moves, 100 where all rises, 0 where all falls") {
  Rsi<> flat, up, down;
  for (int i = 0; i < 30; ++i) {
    flat.update(7.f);
    up.update(100.f + static_cast<float>(i));
    down.update(100.f - static_cast<float>(i));
  }
  CHECK(flat.value() == 50.f);
  CHECK(up.value() == 100.f);
  CHECK(down.value() == 0.f);
}

TEST_CASE("envs/indicators: an exponential average starts from the simple one") {
  Ema<3> ema;
  for (const float x : {2.f, 4.f, 9.f}) ema.update(x);
  CHECK(ema.ready());
  CHECK(ema.value == doctest::Approx(5));
  ema.update(11.f);  // weight 2 / (3 + 1)
  CHECK(ema.value == doctest::Approx(8));
  ema.update(0.f);
  CHECK(ema.value == doctest::Approx(4));
}

TEST_CASE("envs/indicators: MACD(2, 4, 2) by hand") {
  // Closes 1 2 6 3 | 8 5. EMA2, weight 2/3: 1.5 at the 2nd, then 4.5, 3.5, 6.5, 5.5.
  // EMA4, weight 2/5: 3 at the 4th, then 5, 5. Lines .5, 1.5, .5; signal 2: (.5 + 1.5)/2 = 1, then 1 - .5 *
  // 2/3.
  Macd<2, 4, 2> macd;
  for (const float close : {1.f, 2.f, 6.f, 3.f}) macd.update(close);
  CHECK(macd.line() == doctest::Approx(.5));
  CHECK_FALSE(macd.ready());
  macd.update(8.f);
  CHECK(macd.ready());
  CHECK(macd.line() == doctest::Approx(1.5));
  CHECK(macd.signal.value == doctest::Approx(1));
  CHECK(macd.histogram() == doctest::Approx(.5));
  macd.update(5.f);
  CHECK(macd.line() == doctest::Approx(.5));
  CHECK(macd.histogram() == doctest::Approx(.5 - 2. / 3));
}

TEST_CASE(
    "envs/indicators: MACD(12, 26, 9) of a straight line lags it by half the difference of the periods") {
  Macd<> macd;
  for (int i = 0; i < 34; ++i) {
    CHECK_FALSE(macd.ready());
    macd.update(static_cast<float>(i));
  }
  CHECK(macd.ready());
  for (int i = 34; i < 400; ++i) macd.update(static_cast<float>(i));
  CHECK(macd.line() == doctest::Approx(7).epsilon(.001));
  CHECK(macd.histogram() == doctest::Approx(0).epsilon(.001));
}

TEST_CASE("envs/indicators: Bollinger bands use the population deviation of the last closes") {
  Bollinger<4> bands;
  for (const float close : {100.f, 2.f, 4.f, 4.f, 6.f}) bands.update(close);
  CHECK(bands.ready());
  CHECK(bands.bands().mean == doctest::Approx(4));
  CHECK(bands.bands().deviation == doctest::Approx(std::sqrt(2.)));
  CHECK(bands.bands().upper() == doctest::Approx(4 + 2 * std::sqrt(2.)));
  CHECK(bands.bands().lower() == doctest::Approx(4 - 2 * std::sqrt(2.)));
  Bollinger<4> early;  // of the two closes seen
  early.update(1);
  early.update(3);
  CHECK_FALSE(early.ready());
  CHECK(early.bands().mean == doctest::Approx(2));
  CHECK(early.bands().deviation == doctest::Approx(1));
}

TEST_CASE("envs/indicators: features against their definitions, computed afresh") {
  std::vector<double> closes;
  MarketFeatures features;
  for (int i = 0; i < 300; ++i) {
    closes.push_back(100 + 5 * std::sin(.3 * i) + 3 * std::cos(1.7 * i) + .1 * i);
    const float close = static_cast<float>(closes.back());
    features.update(close, math::log(close));
  }
  const FeatureVector values = features.values();
  const std::size_t now = closes.size() - 1;
  auto move = [&](std::size_t to, std::size_t from) {
    return std::log(closes[now - to] / closes[now - from]);
  };
  double squares = 0, squares_short = 0, mean = 0, spread = 0;
  for (std::size_t k = 0; k < 20; ++k) {
    squares += move(k, k + 1) * move(k, k + 1);
    if (k < 5) squares_short += move(k, k + 1) * move(k, k + 1);
    mean += closes[now - k] / 20;
  }
  for (std::size_t k = 0; k < 20; ++k) spread += (closes[now - k] - mean) * (closes[now - k] - mean) / 20;
  const double half_width = 2 * std::sqrt(spread);
  auto near = [](double x) { return doctest::Approx(x).epsilon(1e-3); };
  CHECK(values[0] == near(move(0, 1)));
  CHECK(values[1] == near(move(0, 5)));
  CHECK(values[2] == near(move(0, 20)));
  CHECK(values[3] == near(move(0, 60)));
  CHECK(values[4] == near(std::log(std::sqrt(squares / 20))));
  CHECK(values[5] == near(std::log(std::sqrt(squares_short / 5) / std::sqrt(squares / 20))));
  CHECK(values[9] == near((closes[now] - mean) / half_width));
  CHECK(values[10] == near(half_width / mean));
}

TEST_CASE(
    "envs/indicators: features do not depend on the unit of the price, and are finite where it stands "
    "still") {
  MarketFeatures dollars, cents, still;
  for (int i = 0; i < 100; ++i) {
    const float close = 80 + 7 * std::sin(.4f * static_cast<float>(i));
    dollars.update(close, math::log(close));
    cents.update(100 * close, math::log(100 * close));
    still.update(5.f, math::log(5.f));
  }
  for (int f = 0; f < market_features; ++f) {
    CHECK(cents.values()[f] == doctest::Approx(dollars.values()[f]).epsilon(1e-3));
    CHECK(std::isfinite(still.values()[f]));
  }
}
