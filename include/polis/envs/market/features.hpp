// What the market side of an observation shows of one asset: eleven figures computed from its closes up to
// now.
//
// `MarketFeatures` is incremental and plain data; the price history and the synthetic market both use it. Raw
// figures are brought to order one by a `FeatureScaler`, fitted on the training range of a history only.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/market/indicators.hpp>

namespace polis {

/// Figures per asset and bar, in the order of `market_feature_names`.
inline constexpr int market_features = 11;

/// Bars before all of them are meaningful (the longest return looks 60 bars back).
inline constexpr int market_warm_up = 60;

inline constexpr Array<const char*, market_features> market_feature_names{{
    "return_1",  // log returns over 1, 5, 20 and 60 bars
    "return_5", "return_20", "return_60",
    "volatility",        // log of the root mean square of the last 20 log returns
    "volatility_trend",  // log of the ratio of that figure over 5 bars to that over 20
    "rsi",               // Wilder's RSI(14), 0 to 100
    "macd",              // MACD(12, 26) as a share of the price
    "macd_histogram",    // its distance from its signal(9), as a share of the price
    "bollinger",         // distance from the mean of 20 closes, in units of the band's half width
    "bollinger_width",   // half width of the band as a share of its mean
}};

using FeatureVector = Array<float, market_features>;

/// Feature x becomes (x - mean) * scale, clipped to [-5, 5].
struct FeatureScaler {
  // Moments of the default synthetic market, for use without data.
  FeatureVector mean{{0, 0, .002f, .006f, -4.6f, -.12f, 52.5f, 0, 0, .1f, .041f}};
  FeatureVector scale{{73, 32, 15.5f, 8.6f, 1.9f, 2.5f, .077f, 57, 207, 1.5f, 32}};

  POLIS_HD FeatureVector operator()(const FeatureVector& raw) const {
    FeatureVector scaled{};
    for (int i = 0; i < market_features; ++i) {
      scaled[i] = math::clamp((raw[i] - mean[i]) * scale[i], -5.f, 5.f);
    }
    return scaled;
  }
};

/// The features of one asset's closes seen so far. Prices may have any unit.
class MarketFeatures {
 public:
  /// One more bar. `log_close` is the logarithm of `close`.
  POLIS_HD void update(float close, float log_close) {
    rsi_.update(close);
    macd_.update(close);
    bollinger_.update(close);
    if (!started_) {
      for (int i = 0; i < ring; ++i) log_closes_[i] = log_close;  // no returns before the first bar
    }
    started_ = true;
    at_ = (at_ + 1) % ring;
    log_closes_[at_] = log_close;
    close_ = close;
  }

  POLIS_HD FeatureVector values() const {
    const auto square = [this](int k) {
      const float change = log_return(k, k + 1);
      return change * change;
    };
    constexpr float floor = 1e-8f;  // a market that stands still has a volatility of one basis point a bar
    const float variance = math::max(internal::interleaved_sum<20>(square) / 20, floor);
    const float variance_short = math::max(internal::interleaved_sum<5>(square) / 5, floor);
    const BollingerBands bands = bollinger_.bands();
    const float inverse_close = 1 / close_, half_width = 2 * bands.deviation;
    return {{log_return(0, 1), log_return(0, 5), log_return(0, 20), log_return(0, 60),
             .5f * math::log(variance), .5f * math::log(variance_short / variance), rsi_.value(),
             macd_.line() * inverse_close, macd_.histogram() * inverse_close,
             half_width > 1e-6f * close_ ? (close_ - bands.mean) / half_width : 0.f,
             half_width / bands.mean}};
  }

 private:
  static constexpr int ring = 64;
  static_assert(ring > market_warm_up && (ring & (ring - 1)) == 0);

  /// The log return from `from` bars ago to `to` bars ago.
  POLIS_HD float log_return(int to, int from) const {
    return log_closes_[(at_ + ring - to) % ring] - log_closes_[(at_ + ring - from) % ring];
  }

  Rsi<> rsi_;
  Macd<> macd_;
  Bollinger<> bollinger_;
  Array<float, ring> log_closes_{};
  float close_ = 1;
  int at_ = 0;
  bool started_ = false;
};

}  // namespace polis
