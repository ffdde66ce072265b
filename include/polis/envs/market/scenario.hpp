// Scenarios of a synthetic market: a calm, a rise, a fall, a crisis, a recovery, a crash.
//
// A scenario says for every bar which regimes may occur, and it may replace the factor's mean return or add a
// shock to one bar. Everything else (deviations, correlations, the order of returns) is the market model's,
// so that a model fitted to the user's data makes scenarios that look like it.
#pragma once

#include <array>

#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>

namespace polis {

enum class MarketScenario { none, calm, bull, bear, crisis, recovery, crash };
constexpr auto enum_names(MarketScenario) {
  return std::array{"none", "calm", "bull", "bear", "crisis", "recovery", "crash"};
}

/// What one bar of a market's factor is held to.
struct BarBounds {
  int lowest = 0, highest = 2;  ///< regimes that may occur
  bool steered = false;         ///< whether `mean` takes the place of the factor's own
  float mean = 0;               ///< log return in percent
  float shock = 0;              ///< log return in percent that is added

  POLIS_HD constexpr BarBounds(int highest_regime = 2) : highest(highest_regime) {}
  POLIS_HD constexpr BarBounds(int lowest_regime, int highest_regime)
      : lowest(lowest_regime), highest(highest_regime) {}
  /// The same bounds with this mean.
  POLIS_HD constexpr BarBounds steer(float percent) const {
    BarBounds bounds = *this;
    bounds.steered = true;
    bounds.mean = percent;
    return bounds;
  }
};

/// A scenario of `bars` bars; what turns in it (a recovery, a crash) turns at a bar of their middle third.
class ScenarioPlan {
 public:
  constexpr ScenarioPlan() = default;
  POLIS_HD ScenarioPlan(MarketScenario scenario, int bars, Random& random) : scenario_(scenario) {
    if (turns()) turn_ = bars / 3 + 1 + random.integer(bars / 3 + 1);
  }

  /// Of bar 1, 2, ...; 0 are those before. `highest` is the wildest regime without a scenario.
  POLIS_HD constexpr BarBounds bounds(int bar, int highest) const {
    switch (scenario_) {
      case MarketScenario::none:
        return highest;
      case MarketScenario::calm:
        return 0;
      case MarketScenario::bull:
        return BarBounds(0, 1).steer(.1f);
      case MarketScenario::bear:
        return BarBounds(1, 2).steer(-.1f);
      case MarketScenario::crisis:
        return BarBounds(2, 2).steer(-.2f);
      case MarketScenario::recovery:
        return bar < turn_ ? BarBounds(2, 2).steer(-.2f) : BarBounds(0, 1).steer(.15f);
      case MarketScenario::crash:
        break;
    }
    BarBounds bounds = bar < turn_ ? BarBounds(0, 1) : BarBounds(2, 2);
    if (bar == turn_) bounds.shock = -15;
    return bounds;
  }

  POLIS_HD constexpr int turn() const { return turn_; }  ///< the bar at which it turns, 0 where it does not

 private:
  POLIS_HD constexpr bool turns() const {
    return scenario_ == MarketScenario::recovery || scenario_ == MarketScenario::crash;
  }

  MarketScenario scenario_ = MarketScenario::none;
  int turn_ = 0;
};

}  // namespace polis
