// Measures of a trader's risk, and limits on them that it cannot trade past.
//
// Value at risk is historical: of the last n returns the k-th worst, as a loss, with k = (1 - level) n
// rounded up; expected shortfall (conditional value at risk; Acerbi and Tasche 2002) is the mean of those k.
// A trader that passes a limit is closed out at the next fill and stays out for some bars: what a risk desk
// does.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/market/settings.hpp>

namespace polis {

/// In percent of the equity a bar; 0 where even the worst returns are gains.
struct TailRisk {
  float value_at_risk = 0, shortfall = 0;
};

/// How many of `window` returns are the tail at this level.
POLIS_HD inline int tail_count(int window, float level) {
  const float exact = (1 - level) * static_cast<float>(window);
  const int count = 1 + static_cast<int>(exact - 1e-3f);
  return count < 1 ? 1 : count > window ? window : count;
}

namespace internal {

/// From the `count` worst of these returns.
template <int Window>
[[gnu::noinline]] POLIS_HD TailRisk risk_of_worst(Array<float, Window> returns, int count) {
  float sum = 0;
  for (int k = 0; k < count; ++k) {  // the k-th worst comes to place k
    int worst = k;
    for (int i = k + 1; i < Window; ++i) worst = returns[i] < returns[worst] ? i : worst;
    const float found = returns[worst];
    returns[worst] = returns[k];
    returns[k] = found;
    sum += found;
  }
  const float mean = sum / static_cast<float>(count);
  return {-math::min(returns[count - 1], 0.f), -math::min(mean, 0.f)};
}

}  // namespace internal

/// Of these returns (percent) at a level such as .95.
template <int Window>
POLIS_HD TailRisk tail_risk(const Array<float, Window>& returns, float level) {
  const int count = tail_count(Window, level);
  if (count > 1) return internal::risk_of_worst(returns, count);
  Array<float, 4> least{};  // four chains of comparisons, which need not wait for each other
  for (int i = 0; i < Window; ++i) least[i % 4] = math::min(least[i % 4], returns[i]);
  const float worst = math::min(math::min(least[0], least[1]), math::min(least[2], least[3]));
  return {-worst, -worst};
}

/// The same once `net` has taken the place of `gone` among the returns, which had the risk `before`: the
/// worst return is seldom another.
template <int Window>
POLIS_HD TailRisk tail_risk_after(const TailRisk& before, float gone, float net,
                                  const Array<float, Window>& returns, float level) {
  if (tail_count(Window, level) == 1) {
    if (net <= -before.value_at_risk) return {-net, -net};
    if (gone > -before.value_at_risk) return before;
  }
  return tail_risk(returns, level);
}

/// Watches one trader's limits.
class RiskGuard {
 public:
  /// Takes note of a bar's end, at `equity` and with the tail risk of the last `window` returns. The drawdown
  /// is that from the highest equity since the trader was let back in, and tail risk counts once a whole
  /// window has passed since then.
  POLIS_HD void mark(const RiskSettings& limits, float equity, const TailRisk& tail, int window) {
    if (!limits.any()) return;
    if (blocked_ > 0) {
      peak_ = equity;
      return;
    }
    peak_ = math::max(peak_, equity);
    ++free_;
    const bool whole = free_ >= window;
    const bool passed =
        (limits.drawdown_limit > 0 && drawdown(equity) > limits.drawdown_limit) ||
        (whole && limits.value_at_risk_limit > 0 && tail.value_at_risk > 100 * limits.value_at_risk_limit) ||
        (whole && limits.shortfall_limit > 0 && tail.shortfall > 100 * limits.shortfall_limit);
    if (!passed) return;
    ++breaches_;
    blocked_ = limits.block > 0 ? limits.block : int{for_ever};
    free_ = 0;
    peak_ = equity;
  }

  /// Whether the trader must be out at the coming fill, of which this counts one bar.
  POLIS_HD bool blocks() {
    if (blocked_ == 0) return false;
    if (blocked_ < for_ever) --blocked_;
    return true;
  }

  /// Whether the next order will be of no account.
  POLIS_HD bool blocked() const { return blocked_ > 0; }
  POLIS_HD float drawdown(float equity) const { return 1 - equity / peak_; }
  POLIS_HD int breaches() const { return breaches_; }

 private:
  static constexpr int for_ever = 1 << 30;

  float peak_ = 1;
  int blocked_ = 0, free_ = 0, breaches_ = 0;
};

}  // namespace polis
