// The optimum of stocks in a row, exactly: A. Clark and H. Scarf, "Optimal policies for a multi-echelon
// inventory problem" (1960), for the long-run average (A. Federgruen and P. Zipkin 1984).
//
// Stage 0 serves customers, each other stage the one before it, and the last has a supplier who never runs
// out. Unmet demand of customers is owed at `penalty` a unit and period. A stage's echelon is its stock and
// all that is on the way to or at the stages it serves, less what customers are owed; each unit of it costs
// the stage's echelon holding cost a period, which is what its own holding costs beyond that of its supplier.
// So what is under way costs what it costs at the supplier.
//
// To order up to S[j] in every echelon is optimal:
//     G[0](y) = E[h[0] (y - D) + (penalty + h[0] + h[1] + ...) (D - y)+],          S[0] its minimum
//     G[j](y) = E[h[j] (y - D)] + E[G[j-1](min(S[j-1], y - D'))],                  S[j] its minimum
// where D is the demand from the moment of ordering until a period is paid in which the order has come, and
// D' that until it can be passed on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/envs/supply_chain/demand.hpp>

namespace polis {

/// A row of stocks. Periods count from an order to its arrival.
struct SerialLine {
  struct Stage {
    double echelon_holding;
    int lead_time;
    /// Until what is ordered now can be passed on to an order of then; -1: as soon as it has come. Sooner
    /// where the order is under way as well, and known to this stage when it is made.
    int passed_after = -1;
  };
  std::vector<Stage> stages;  ///< from the customers up
  double penalty = 0;
  /// Orders are placed before the demand of a period is known, and customers are served after: the demand of
  /// the period of arrival has to be met as well. Otherwise they are placed with that demand known.
  bool order_before_demand = true;
};

/// Demand in multiples of a unit: poisson(mean), or normal (finely enough where `unit` is a tenth of the
/// deviation).
struct LatticeDemand {
  DemandKind kind = DemandKind::poisson;
  double mean = 0, deviation = 0;
  double unit = 1;  ///< 1 for whole units

  /// The distribution over so many periods, from `first` on.
  struct Distribution {
    int first = 0;
    std::vector<double> probabilities;
  };
  [[nodiscard]] Distribution over(int periods) const {
    if (periods == 0) return {0, {1.}};
    if (kind == DemandKind::poisson) return {0, poisson_probabilities(mean * periods)};
    if (kind == DemandKind::rounded) throw Error("rounded demand", "LatticeDemand", "poisson or normal");
    const double center = mean * periods / unit, spread = deviation * std::sqrt(periods) / unit;
    const auto below = [&](double x) { return .5 * std::erfc((center - x) / spread / std::sqrt(2.)); };
    Distribution result;
    result.first = static_cast<int>(std::floor(center - 9 * spread));
    for (int k = result.first; k <= center + 9 * spread; ++k) {
      result.probabilities.push_back(below(k + .5) - below(k - .5));
    }
    return result;
  }
};

/// The best echelon base-stock levels and what they cost a period.
struct SerialOptimum {
  std::vector<double> levels;  ///< from the customers up
  double cost = 0;
};

inline SerialOptimum solve_serial_line(const SerialLine& line, const LatticeDemand& demand) {
  if (line.stages.empty()) throw Error("no stage", "solve_serial_line", "at least one");
  const int paid_after = line.order_before_demand ? 1 : 0;
  int periods = 1;
  double holding = 0;
  for (const SerialLine::Stage& stage : line.stages) {
    periods += stage.lead_time;
    holding += stage.echelon_holding;
  }
  // Positions y = (i - low) unit for i = 0, 1, ...: what all of the demand there may be can lead to and from.
  const LatticeDemand::Distribution all = demand.over(periods);
  const int most = all.first + static_cast<int>(all.probabilities.size()), low = most, count = 2 * most + 1;
  std::vector<double> cost(static_cast<std::size_t>(count)), next(cost.size());
  SerialOptimum result;
  int best = 0;
  for (std::size_t j = 0; j < line.stages.size(); ++j) {
    const SerialLine::Stage& stage = line.stages[j];
    const int until_paid = stage.lead_time + paid_after;
    const int until_passed = stage.passed_after < 0 ? stage.lead_time : stage.passed_after;
    const auto passed = demand.over(j == 0 ? until_paid : until_passed);
    for (int i = 0; i < count; ++i) {
      const double y = (i - low) * demand.unit;
      double sum = stage.echelon_holding * (y - demand.mean * until_paid);
      for (std::size_t k = 0; k < passed.probabilities.size(); ++k) {
        const int after = i - passed.first - static_cast<int>(k);
        if (j == 0) {
          sum += passed.probabilities[k] * (line.penalty + holding) * std::max(0, low - after) * demand.unit;
        } else {  // lower positions than there can be are not reached from those that matter
          sum += passed.probabilities[k] * cost[static_cast<std::size_t>(std::clamp(after, 0, best))];
        }
      }
      next[static_cast<std::size_t>(i)] = sum;
    }
    std::swap(cost, next);
    // Where demand runs off the lattice the costs are not right: only positions from `low` on are asked for.
    best = static_cast<int>(std::min_element(cost.begin() + low, cost.end()) - cost.begin());
    result.levels.push_back((best - low) * demand.unit);
  }
  result.cost = cost[static_cast<std::size_t>(best)];
  return result;
}

}  // namespace polis
