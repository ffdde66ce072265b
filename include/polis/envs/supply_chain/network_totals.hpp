// The figures of an episode of a supply network.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/supply_chain/network_settings.hpp>

namespace polis {

/// Sums over the periods, nodes and products of an episode, in double precision.
struct NetworkTotals {
  double demand = 0, served = 0;  ///< units asked for by customers, and of these met at once
  double sold = 0, held = 0;      ///< units; in stock at the ends of periods
  int calls = 0, full = 0;        ///< demands of a node, product and period; those met at once as a whole
  int supplied = 0, failed = 0;   ///< suppliers' periods, and of these down
  Array<double, NetworkParts::count> parts{};

  POLIS_HD void serve(float asked, float at_once, float units) {
    demand += static_cast<double>(asked);
    served += static_cast<double>(at_once);
    sold += static_cast<double>(units);
    ++calls;
    full += at_once >= asked ? 1 : 0;
  }
  POLIS_HD void pay(const NetworkParts::Values& values) {
    for (int i = 0; i < NetworkParts::count; ++i) parts[i] += static_cast<double>(values[i]);
  }
  POLIS_HD void supplier(bool is_down) {
    ++supplied;
    failed += is_down ? 1 : 0;
  }

  /// The share of demand that was met from stock at once; 1 where there was none.
  [[nodiscard]] POLIS_HD double fill_rate() const { return demand > 0 ? served / demand : 1.; }
  /// The share of demands (of a node, product and period) that were met at once as a whole.
  [[nodiscard]] double service_level() const { return calls > 0 ? static_cast<double>(full) / calls : 1.; }
  /// How often all stock together was sold in a period; 0 where nothing was ever held.
  [[nodiscard]] double turnover() const { return held > 0 ? sold / held : 0.; }
  /// The share of suppliers' periods that they were down.
  [[nodiscard]] double down_share() const {
    return supplied > 0 ? static_cast<double>(failed) / supplied : 0.;
  }

  /// `emitted`: of all transport. Parts of the reward are means of a period, before weighting.
  void metrics(auto&& visit, int periods, double emitted) const {
    const double count = periods > 0 ? periods : 1;
    visit("fill_rate", fill_rate());
    visit("service_level", service_level());
    visit("turnover", turnover());
    visit("emissions", emitted / count);
    visit("down", down_share());
    const char* names[] = {"reward_revenue", "reward_trade",    "reward_purchase",  "reward_transport",
                           "reward_holding", "reward_shortage", "reward_emissions", "reward_service"};
    for (int i = 0; i < NetworkParts::count; ++i) visit(names[i], parts[i] / count);
  }
};

}  // namespace polis
