// Technical indicators, one bar at a time: each is a small plain-data state with `update(close)`.
//
// The same code computes the columns of a price history (once) and the features of a synthetic market (bar by
// bar, inside an environment), so that both see exactly the same numbers, and none can look ahead.
//
// Sources: RSI with Wilder's smoothing (Wilder 1978, "New Concepts in Technical Trading Systems"); MACD(12,
// 26, 9) (Appel 1979) whose exponential averages start from simple averages, as StockCharts and TA-Lib do;
// Bollinger bands (20, 2) with the population deviation (Bollinger 2001).
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>

namespace polis {

namespace internal {

/// The sum of term(0) to term(N - 1) in four interleaved parts: one order on every machine, and additions
/// that need not wait for each other.
template <int N>
POLIS_HD float interleaved_sum(auto&& term) {
  Array<float, 4> part{};
  for (int i = 0; i < N; ++i) part[i % 4] += term(i);
  return (part[0] + part[1]) + (part[2] + part[3]);
}

}  // namespace internal

/// Exponential moving average with weight 2 / (Period + 1), started from the simple average of the first
/// Period values. Until then `value` is the simple average of those seen.
template <int Period>
struct Ema {
  float value = 0;
  int seen = 0;

  POLIS_HD void update(float x) {
    constexpr float weight = 2.f / (Period + 1);
    seen = seen < Period ? seen + 1 : Period + 1;
    const float share = seen <= Period ? 1.f / static_cast<float>(seen) : weight;
    value += share * (x - value);
  }
  POLIS_HD bool ready() const { return seen >= Period; }
};

/// Wilder's relative strength index, 0 to 100: 100 - 100 / (1 + mean gain / mean loss). The first means are
/// simple ones over Period changes, later ones move by 1/Period of the new change. 50 where nothing moved.
template <int Period = 14>
struct Rsi {
  float last = 0, gain = 0, loss = 0;
  int seen = 0;  ///< prices, up to Period + 1

  POLIS_HD void update(float close) {
    if (seen > 0) {
      const float change = close - last;
      const float share = 1.f / static_cast<float>(seen < Period ? seen : Period);
      gain += share * (math::max(change, 0.f) - gain);
      loss += share * (math::max(-change, 0.f) - loss);
    }
    last = close;
    seen = seen <= Period ? seen + 1 : seen;
  }
  POLIS_HD bool ready() const { return seen > Period; }
  POLIS_HD float value() const { return gain + loss > 0 ? 100.f * gain / (gain + loss) : 50.f; }
};

/// Moving average convergence/divergence: the difference of a fast and a slow average, and the average of
/// that difference (`signal`), which starts once the slow average stands. In units of the price.
template <int Fast = 12, int Slow = 26, int Signal = 9>
struct Macd {
  Ema<Fast> fast;
  Ema<Slow> slow;
  Ema<Signal> signal;

  POLIS_HD void update(float close) {
    fast.update(close);
    slow.update(close);
    if (slow.ready()) signal.update(line());
  }
  POLIS_HD bool ready() const { return signal.ready(); }
  POLIS_HD float line() const { return fast.value - slow.value; }
  POLIS_HD float histogram() const { return line() - signal.value; }
};

/// The moving average and population deviation of the last Period closes, or of those seen so far.
struct BollingerBands {
  float mean = 0, deviation = 0;

  POLIS_HD float upper() const { return mean + 2 * deviation; }
  POLIS_HD float lower() const { return mean - 2 * deviation; }
};

/// Bollinger's bands, two deviations on either side of the moving average.
template <int Period = 20>
struct Bollinger {
  Array<float, Period> closes{};
  int at = 0, seen = 0;

  POLIS_HD void update(float close) {
    closes[at] = close;
    at = at + 1 == Period ? 0 : at + 1;
    seen = seen < Period ? seen + 1 : Period;
  }
  POLIS_HD bool ready() const { return seen == Period; }
  POLIS_HD BollingerBands bands() const {
    const float share = 1.f / static_cast<float>(seen > 0 ? seen : 1);
    const float mean = share * internal::interleaved_sum<Period>([&](int i) { return closes[i]; });
    const float squares = internal::interleaved_sum<Period>([&](int i) {
      const float distance = i < seen ? closes[i] - mean : 0.f;
      return distance * distance;
    });
    return {mean, math::sqrt(squares * share)};
  }
};

}  // namespace polis
