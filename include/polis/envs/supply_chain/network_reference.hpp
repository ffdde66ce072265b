// What is known of supply networks without learning: base-stock policies for all of them, and of a row of
// stages Clark and Scarf's optimum.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/supply_chain/inventory_exact.hpp>
#include <polis/envs/supply_chain/network_spec.hpp>
#include <polis/envs/supply_chain/serial_exact.hpp>

namespace polis {

/// Every node orders up to a level of its own for each product and component, evenly by its active links, by
/// the standard mode and at the reference price.
template <class E>
struct NodeBaseStock {
  Array<float, E::nodes> levels{};
  /// Row of stages only: levels are of echelons, each with all that is downstream.
  bool echelons = false;

  POLIS_HD Actions<E> operator()(const E& env, const View<E>& view, Random&) const {
    Actions<E> actions{};
    set<0>(env, view, actions);
    return actions;
  }

 private:
  template <int K>
  POLIS_HD void set(const E& env, const View<E>& view, Actions<E>& actions) const {
    constexpr typename E::Graph graph = E::shape;
    auto& own = actions.of(typename E::template Tier<K>{});
    for (int i = 0; i < graph.tier_count[K]; ++i) {
      const int n = graph.tier_first[K] + i;
      if (!env.goods.node[n].active) continue;
      const float unit = E::Goods::mean_flow(n, view.config());
      for (int k = 0; k < graph.in_count[n]; ++k) {
        const int l = graph.in(n, k);
        if (!env.goods.link[l].active) continue;
        for (int p = 0; p < E::products; ++p) {
          const float position =
              echelons ? echelon_position(env, n, p) : env.goods.position(n, p, graph.link[l].component);
          const float order = (levels[n] - position) / static_cast<float>(env.goods.alternatives(n, l));
          constexpr float most = E::spec.largest_order;
          own[i][(k * E::products + p) * E::modes] = math::clamp(order / unit, 0.f, most);
        }
      }
      if constexpr (K == 0 && E::spec.priced) {
        for (int p = 0; p < E::products; ++p) own[i][E::most_in * E::products * E::modes + p] = 1;
      }
    }
    if constexpr (K + 1 < E::tiers) set<K + 1>(env, view, actions);
  }

  /// In a row of stages: stock and all downstream of it, and what it has ordered, less what customers are
  /// owed.
  POLIS_HD static float echelon_position(const E& env, int n, int p) {
    float sum = -env.goods.node[0].owed[p];
    for (int i = 0; i <= n; ++i) {
      sum += env.goods.node[i].stock[p];
      for (const auto& goods : env.goods.link[i].arriving) sum += goods[p];
    }
    for (const auto& orders : env.goods.link[n].waiting) sum += orders[p];
    return sum;
  }
};

namespace internal {

/// A row of stages, each with one supplier: link i leads to node i.
template <class E>
constexpr bool is_serial() {
  bool serial = E::links == E::nodes;
  for (int i = 0; i < E::nodes && serial; ++i) {
    const NetworkLink& link = E::spec.link[i];
    serial = link.to == i && link.from == (i + 1 < E::nodes ? i + 1 : NetworkLink::outside);
  }
  return serial;
}

/// Whether the optimum is Clark and Scarf's.
template <class E>
bool has_known_optimum(const View<E>& view) {
  const auto& config = view.config();
  const auto& weight = config.rewards;
  constexpr bool kind = is_serial<E>() && E::spec.modes == 1 && !E::spec.priced &&
                        E::spec.customers == Unmet::backlog && E::spec.orders == Unmet::backlog &&
                        E::spec.demand != DemandKind::rounded && E::rewards == RewardStructure::shared;
  bool known = kind && config.fixed_cost == 0 && config.capacity == 0 && config.season == 0 &&
               config.forecast == 0 && config.down * view.task().failures == 0 && config.in_transit == 1 &&
               config.penalty > 0 && weight.holding == 1 && weight.shortage == 1 && weight.service == 0;
  for (int i = 1; i < E::tiers; ++i) known = known && config.holding[i] <= config.holding[i - 1];
  return known && config.holding[E::tiers - 1] > 0;
}

template <class E>
LatticeDemand network_demand(const View<E>& view) {
  const auto deviation = static_cast<double>(view.config().deviation * view.task().variability);
  const bool poisson = E::spec.demand == DemandKind::poisson;
  return {E::spec.demand, static_cast<double>(view.config().mean), deviation, poisson ? 1. : deviation / 20};
}

template <class E>
SerialOptimum solve_row(const View<E>& view) {
  SerialLine line{{}, static_cast<double>(view.config().penalty), true};
  for (int i = 0; i < E::nodes; ++i) {
    const float behind = i + 1 < E::nodes ? view.config().holding[i + 1] : 0.f;
    line.stages.push_back(
        {static_cast<double>(view.config().holding[i] - behind), E::spec.link[i].lead_time});
  }
  return solve_serial_line(line, network_demand(view));
}

/// Each node for itself: the newsvendor's level over the longest lead time of its links and a period, with
/// the customers' penalty at every node, for normal demand.
template <class E>
NodeBaseStock<E> newsvendor_levels(const View<E>& view) {
  constexpr auto graph = E::shape;
  const auto& config = view.config();
  NodeBaseStock<E> policy{};
  for (int n = 0; n < E::nodes; ++n) {
    int lead_time = 0;
    for (int k = 0; k < graph.in_count[n]; ++k) {
      const int own = graph.link[graph.in(n, k)].lead_time;
      lead_time = own > lead_time ? own : lead_time;
    }
    const auto flow = static_cast<double>(graph.flow[n]);
    const double mean = static_cast<double>(config.mean) * flow;
    const double spread = E::spec.demand == DemandKind::poisson
                              ? std::sqrt(mean)
                              : static_cast<double>(config.deviation) * std::sqrt(flow);
    const double level = normal_newsvendor(mean * (lead_time + 1), spread * std::sqrt(lead_time + 1.),
                                           static_cast<double>(config.holding[graph.tier[n]]),
                                           static_cast<double>(config.penalty))
                             .level;
    policy.levels[n] = static_cast<float>(E::Goods::whole ? std::ceil(level) : level);
  }
  return policy;
}

}  // namespace internal

/// `base_stock`: every node orders up to a newsvendor's level of its own. Where the optimum is known also
/// `echelon_base_stock`, which is optimal.
template <class E>
void network_references(const View<E>& view, auto&& visit) {
  if (view.config().holding[E::tiers - 1] > 0 && view.config().penalty > 0) {
    visit("base_stock", internal::newsvendor_levels<E>(view));
  }
  if constexpr (internal::is_serial<E>()) {
    if (!internal::has_known_optimum<E>(view)) return;
    const SerialOptimum best = internal::solve_row<E>(view);
    NodeBaseStock<E> policy{{}, true};
    for (int i = 0; i < E::nodes; ++i) {
      policy.levels[i] = static_cast<float>(best.levels[static_cast<std::size_t>(i)]);
    }
    visit("echelon_base_stock", policy);
  }
}

/// The best reward of a period in the long run: all products alike and independent, each sold in the end.
template <class E>
OptimalValue network_optimum(const View<E>& view) {
  constexpr auto of = OptimalValue::Of::step;
  if constexpr (internal::is_serial<E>()) {
    if (internal::has_known_optimum<E>(view)) {
      const auto& config = view.config();
      const auto& weight = config.rewards;
      float of_unit = weight.revenue * config.price - weight.purchase * config.purchase;
      for (int i = 0; i < E::links; ++i) {
        of_unit -= weight.transport * config.transport[0] +
                   weight.emissions * config.emissions[0] * static_cast<float>(E::spec.link[i].lead_time);
      }
      const double products = view.task().products < E::products ? view.task().products : E::products;
      const double margin = static_cast<double>(of_unit) * static_cast<double>(config.mean);
      return {products * (margin - internal::solve_row<E>(view).cost), of};
    }
  }
  return {std::numeric_limits<double>::quiet_NaN(), of};
}

}  // namespace polis
