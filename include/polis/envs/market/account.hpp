// A trader's account: cash, positions, and what an agent may know of its own past.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/market/indicators.hpp>
#include <polis/envs/market/risk.hpp>
#include <polis/envs/market/settings.hpp>

namespace polis {

/// Cash and the value of each position, in units of the equity at the start. Always equity = cash + positions
/// as of the last `mark`.
template <int Assets>
struct TradingAccount {
  float cash = 1, equity = 1;
  Array<float, Assets> position{};

  /// Buys `value` of an asset (sells, if negative) and pays `charge` beside it.
  POLIS_HD void trade(int asset, float value, float charge) {
    position[asset] += value;
    cash -= value + charge;
  }
  /// Sums the account up at the current prices.
  POLIS_HD void mark() {
    float sum = cash;
    for (int a = 0; a < Assets; ++a) sum += position[a];
    equity = sum;
  }
  /// How evenly money is invested in `count` assets: 0 for one position or none, 1 for equal ones in all that
  /// use up the equity.
  POLIS_HD float diversification(int count) const {
    float gross = 0, squares = 0;
    for (int a = 0; a < Assets; ++a) {
      gross += math::abs(position[a]);
      squares += position[a] * position[a];
    }
    if (count < 2 || gross < 1e-6f) return 0;
    const float n = static_cast<float>(count), spread = (1 - squares / (gross * gross)) * n / (n - 1);
    return spread * math::min(gross / math::max(equity, 1e-3f), 1.f);
  }
  /// Closes every position at the current prices.
  POLIS_HD void liquidate() {
    position = {};
    cash = equity;
  }
};

/// Brings target weights within the limits: shorts shrink together to `short_limit`, then everything together
/// to `leverage_limit`.
template <int Assets>
POLIS_HD void limit_weights(Array<float, Assets>& weight, const TradingConfig& config) {
  float bought = 0, sold = 0;
  for (int a = 0; a < Assets; ++a) {
    bought += math::max(weight[a], 0.f);
    sold += math::max(-weight[a], 0.f);
  }
  const float shrink_shorts = sold > config.short_limit ? config.short_limit / sold : 1.f;
  const float gross = bought + sold * shrink_shorts;
  const float shrink = gross > config.leverage_limit ? config.leverage_limit / gross : 1.f;
  for (int a = 0; a < Assets; ++a) weight[a] *= weight[a] < 0 ? shrink * shrink_shorts : shrink;
}

/// Sums over an episode, from which its figures are computed when it ends.
struct TraderTotals {
  float returns = 0, squares = 0;            ///< net returns per bar, percent
  float turnover = 0, cost = 0, impact = 0;  ///< value traded over equity; money paid
  float drawdown = 0;                        ///< the largest
  Array<float, reward_parts> rewards{};      ///< by component, before weighting, in RewardWeights' order
};

/// What a trader's own past says: cost basis of its positions, peak, and its last `Window` returns in
/// percent.
template <int Assets, int Window>
struct TraderRecord {
  Array<float, Assets> basis{};
  Array<float, Window> returns{};
  float peak = 1, drawdown = 0;
  int bars = 0;
  TraderTotals totals{};
  TailRisk tail{};  ///< of its last Window returns; 0 until there are so many
  Array<float, reward_parts>
      parts{};  ///< of the last bar's reward, before weighting, in RewardWeights' order

  /// The average-cost basis: trades that add to a position add to it, others reduce it in proportion.
  POLIS_HD void trade(int asset, float held, float value) {
    if (held * value >= 0) {
      basis[asset] += value;
    } else if (math::abs(value) <= math::abs(held)) {
      basis[asset] *= (held + value) / held;
    } else {
      basis[asset] = held + value;
    }
  }

  /// One more bar with this net return (percent) and equity; `level` is that of its tail risk. Returns the
  /// increase of the drawdown, or zero.
  POLIS_HD float mark(float net, float equity, float level) {
    float& oldest = returns[bars % Window];
    const float gone = oldest;
    oldest = net;
    ++bars;
    if (bars > Window) tail = tail_risk_after(tail, gone, net, returns, level);
    if (bars == Window) tail = tail_risk(returns, level);
    peak = math::max(peak, equity);
    const float before = drawdown;
    drawdown = 1 - equity / peak;
    totals.returns += net;
    totals.squares += net * net;
    totals.drawdown = math::max(totals.drawdown, drawdown);
    return math::max(drawdown - before, 0.f);
  }

  /// The Sharpe ratio of the episode so far, per year of 252 bars.
  POLIS_HD float episode_sharpe() const {
    if (bars < 2) return 0;
    const float n = static_cast<float>(bars), mean = totals.returns / n;
    const float variance = (totals.squares - n * mean * mean) / (n - 1);
    return variance > 1e-8f ? mean / math::sqrt(variance) * math::sqrt(252.f) : 0.f;
  }

  /// The Sharpe ratio per bar of the last Window returns (sample deviation); 0 until there are so many.
  POLIS_HD float sharpe() const {
    if (bars < Window) return 0;
    const float mean = internal::interleaved_sum<Window>([this](int i) { return returns[i]; }) / Window;
    const float squares = internal::interleaved_sum<Window>(
        [this, mean](int i) { return (returns[i] - mean) * (returns[i] - mean); });
    return squares > 1e-8f ? mean / math::sqrt(squares / (Window - 1)) : 0.f;
  }
};

}  // namespace polis
