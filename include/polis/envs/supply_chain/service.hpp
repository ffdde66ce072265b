// How well customers were served, and what it took: the figures of an episode of any stock.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>

namespace polis {

/// The variance of a firm's orders over that of the demand it sees, at the least, where it orders up to
/// lead_time times the mean demand of the last `periods`: 1 + 2 L/p + 2 L^2/p^2, which is exact for
/// independent demands (F. Chen, Z. Drezner, J. Ryan and D. Simchi-Levi, "Quantifying the bullwhip effect in
/// a simple supply chain", 2000).
constexpr double bullwhip_bound(int lead_time, int periods) {
  const double ratio = static_cast<double>(lead_time) / periods;
  return 1 + 2 * ratio + 2 * ratio * ratio;
}

/// Sums over the periods of an episode, from which its figures are computed when it ends. In double
/// precision, since episodes may be long.
struct Service {
  double demand = 0;  ///< units asked for
  double served = 0;  ///< of these, from stock and at once
  double held = 0;    ///< units in stock at the end of a period
  double cost = 0;
  int periods = 0, without_shortage = 0, orders = 0;

  /// One more period.
  POLIS_HD void record(float asked, float served_at_once, float left_over, bool ordered, float paid) {
    demand += static_cast<double>(asked);
    served += static_cast<double>(served_at_once);
    held += static_cast<double>(left_over);
    cost += static_cast<double>(paid);
    without_shortage += served_at_once >= asked ? 1 : 0;
    orders += ordered ? 1 : 0;
    ++periods;
  }

  /// The share of demand that was met from stock at once; 1 where there was none.
  [[nodiscard]] double fill_rate() const { return demand > 0 ? served / demand : 1.; }
  /// The share of periods in which all demand was met at once.
  [[nodiscard]] double service_level() const {
    return periods > 0 ? static_cast<double>(without_shortage) / periods : 1.;
  }
  /// How often the mean stock was sold in a period; 0 where nothing was ever held.
  [[nodiscard]] double turnover() const { return held > 0 ? served / held : 0.; }

  void metrics(auto&& visit) const {
    const double count = periods > 0 ? periods : 1;
    visit("cost", cost / count);
    visit("fill_rate", fill_rate());
    visit("service_level", service_level());
    visit("turnover", turnover());
    visit("orders", orders / count);
  }
};

}  // namespace polis
