// One stock and its supplier: the newsvendor, base stock, fixed costs of ordering, lost sales.
//
// Order of events in a period:
//   1. what was ordered `lead_time` periods ago arrives (the agent has seen it in its stock);
//   2. the agent orders, at most `largest_order`, and so that stock and orders under way stay within
//      `capacity`; with a lead time of zero the order is there at once;
//   3. customers ask for what they want and are served from stock; what is missing is owed to them (backlog)
//      or lost;
//   4. the period is paid: `holding` for each unit left over, `penalty` for each unit owed, or lost in this
//      period, `fixed_cost` where anything was ordered. Units cost nothing. The reward is minus the sum.
// Demands of a period are thus met by what was ordered up to lead_time periods before: an order has to last
// over lead_time + 1 demands.
#pragma once

#include <limits>
#include <type_traits>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/supply_chain/demand.hpp>
#include <polis/envs/supply_chain/inventory_exact.hpp>
#include <polis/envs/supply_chain/order.hpp>
#include <polis/envs/supply_chain/service.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What kind of inventory problem it is.
struct InventorySpec {
  DemandKind demand = DemandKind::poisson;
  Unmet unmet = Unmet::backlog;
  int lead_time = 0;
  int largest_order = 40;
  int capacity = 200;          ///< of stock and orders under way
  bool whole_units = true;     ///< orders are Discrete, 0 to largest_order; else a Box between these
  bool single_period = false;  ///< the episode terminates after one period, and begins without stock
  friend constexpr bool operator==(const InventorySpec&, const InventorySpec&) = default;
};

/// The settings of an inventory problem; Numbers are those it has by default.
template <class Numbers>
struct InventoryConfig {
  float mean = Numbers::mean;              ///< of the demand of a period
  float deviation = Numbers::deviation;    ///< the same; a Poisson demand has its own
  float holding = Numbers::holding;        ///< a unit and period
  float penalty = Numbers::penalty;        ///< a unit lost, or owed for a period
  float fixed_cost = Numbers::fixed_cost;  ///< an order, of whatever size
  int periods = 500;                       ///< an episode is truncated after so many

  static constexpr void fields(auto& self, auto&& visit) {
    visit("mean", self.mean);
    visit("deviation", self.deviation);
    visit("holding", self.holding);
    visit("penalty", self.penalty);
    visit("fixed_cost", self.fixed_cost);
    visit("periods", self.periods);
  }
};

/// One stock with one supplier. The agent sees its stock (negative: owed) and what arrives after each of the
/// next lead_time - 1 periods, in units of the mean demand, the stock also over lead_time + 1.
///
/// An episode begins with twice the mean demand in stock and the mean under way in every period, rounded.
template <InventorySpec Spec, class Numbers>
struct Inventory {
  static_assert(Spec.lead_time >= 0 && Spec.largest_order > 0 && Spec.capacity > 0);
  static_assert(!Spec.single_period || Spec.lead_time == 0, "what is ordered must come in the one period");
  static constexpr int agents = 1;
  static constexpr InventorySpec spec = Spec;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Orders under way that are not in stock when the agent decides.
  static constexpr int under_way = Spec.lead_time > 1 ? Spec.lead_time - 1 : 0;
  using Observation = Box<1 + under_way>;
  using Action =
      std::conditional_t<Spec.whole_units, Discrete<Spec.largest_order + 1>, AnyOrder<Spec.largest_order>>;
  using Config = InventoryConfig<Numbers>;

  float stock = 0;                     ///< negative: owed to customers
  Array<float, under_way> arriving{};  ///< [k] arrives after period k from now
  int period = 0;
  Service service{};

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    if (Spec.single_period) return;
    const float mean = math::floor(ctx.config().mean + .5f);
    stock = 2 * mean;
    for (float& order : arriving) order = mean;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const float order = allowed(asked(actions));
    const float demand = draw_demand(Spec.demand, config.mean, config.deviation, ctx.random);
    if (Spec.lead_time == 0) stock += order;
    const float left = stock - demand;
    const float held = math::max(0.f, left), missing = math::max(0.f, -left);
    const float cost =
        config.holding * held + config.penalty * missing + (order > 0 ? config.fixed_cost : 0.f);
    ctx.reward(0) = -cost;
    // Of this period's demand; what is owed from before does not count again.
    service.record(demand, math::clamp(stock, 0.f, demand), held, order > 0, cost);
    stock = Spec.unmet == Unmet::lost ? held : left;
    if (Spec.lead_time == 1) stock += order;
    if constexpr (under_way > 0) {
      stock += arriving[0];
      for (int k = 0; k + 1 < under_way; ++k) arriving[k] = arriving[k + 1];
      arriving[under_way - 1] = order;
    }
    ++period;
    if (Spec.single_period) ctx.terminate();
    if (period >= config.periods) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out, const auto& view) const {
    const float unit = 1 / view.config().mean;
    out[0] = stock * unit / static_cast<float>(Spec.lead_time + 1);
    for (int k = 0; k < under_way; ++k) out[1 + k] = arriving[k] * unit;
  }

  /// Cost a period, and the figures of Service.
  void metrics(auto&& visit) const { service.metrics(visit); }

  /// Stock and orders under way, less what is owed.
  POLIS_HD float position() const {
    float sum = stock;
    for (const float order : arriving) sum += order;
    return sum;
  }

  /// The order that is placed where this one is asked for.
  POLIS_HD float allowed(float order) const {
    const float room = math::max(0.f, static_cast<float>(Spec.capacity) - position());
    return math::clamp(order, 0.f, math::min(room, static_cast<float>(Spec.largest_order)));
  }

  // ---- What is known. Poisson demand of whole units: everything; normal demand: base stock.

  /// Orders up to `level` where the position is at most `reorder_at`.
  struct OrderUpTo {
    float reorder_at, level;
    POLIS_HD Actions<Inventory> operator()(const Inventory& env, const View<Inventory>&, Random&) const {
      return env.order(env.position() <= reorder_at ? level - env.position() : 0.f);
    }
  };

  /// The optimal orders of lost sales, from a table.
  struct Tabulated {
    InventoryChain::Table table;
    Actions<Inventory> operator()(const Inventory& env, const View<Inventory>&, Random&) const {
      Array<int, under_way> orders{};
      for (int k = 0; k < under_way; ++k) orders[k] = static_cast<int>(env.arriving[k]);
      return env.order(static_cast<float>(table(static_cast<int>(env.stock), orders.data())));
    }
  };

  /// The exact chain of lost sales: costs of any policy, the best base stock, the optimum.
  static InventoryChain chain(const Config& config)
    requires(Spec.unmet == Unmet::lost && Spec.whole_units && Spec.demand == DemandKind::poisson &&
             Spec.lead_time > 0)
  {
    return InventoryChain({.mean = static_cast<double>(config.mean),
                           .holding = static_cast<double>(config.holding),
                           .penalty = static_cast<double>(config.penalty),
                           .fixed_cost = static_cast<double>(config.fixed_cost),
                           .lead_time = Spec.lead_time,
                           .largest_order = Spec.largest_order,
                           .capacity = Spec.capacity});
  }

  /// What the agent sees with this stock and these orders under way (`under_way` of them).
  static Array<float, Observation::words> seen(const View<Inventory>& view, int in_stock, const int* orders) {
    Inventory env{};
    env.stock = static_cast<float>(in_stock);
    for (int k = 0; k < under_way; ++k) env.arriving[k] = static_cast<float>(orders[k]);
    Array<float, Observation::words> words{};
    env.observe(0, Row{words.data()}, view);
    return words;
  }

  /// The long-run cost a period of a policy of lost sales, exactly: policy(In<float> observation) ->
  /// Array<double, largest_order + 1> of probabilities.
  template <class Policy>
  static double exact_cost(const View<Inventory>& view, const Policy& policy) {
    return chain(view.config()).cost([&](int in_stock, const int* orders) {
      const Array<float, Observation::words> words = seen(view, in_stock, orders);
      return policy(In<float>{words.data()});
    });
  }

  /// `base_stock`: the best of its kind; where an order has a fixed cost `reorder`, the best (s, S) policy;
  /// of lost sales also `optimal`.
  static void references(const View<Inventory>& view, auto&& visit) {
    const Config& config = view.config();
    if constexpr (requires { chain(config); }) {
      const InventoryChain exact = chain(config);
      const double level = exact.best_base_stock().level;
      visit("base_stock", OrderUpTo{static_cast<float>(level), static_cast<float>(level)});
      if (exact.solvable()) visit("optimal", Tabulated{exact.optimum().table});
    } else if (Spec.demand == DemandKind::poisson && config.fixed_cost > 0) {
      const ReorderPolicy best = reorder(config);
      visit("reorder", OrderUpTo{static_cast<float>(best.reorder_at), static_cast<float>(best.level)});
    } else if (Spec.demand != DemandKind::rounded) {
      const auto level = static_cast<float>(base_stock(config).level);
      visit("base_stock", OrderUpTo{level, level});
    }
  }

  static OptimalValue optimal_value(const View<Inventory>& view) {
    const Config& config = view.config();
    const auto of = Spec.single_period ? OptimalValue::Of::episode : OptimalValue::Of::step;
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    if constexpr (requires { chain(config); }) {
      const InventoryChain exact = chain(config);
      return {exact.solvable() ? -exact.optimum().cost : unknown, of};
    } else if (Spec.unmet == Unmet::lost && !Spec.single_period) {
      return {unknown, of};
    } else if (config.fixed_cost > 0) {
      return {Spec.demand == DemandKind::poisson ? -reorder(config).cost : unknown, of};
    } else {
      return {Spec.demand != DemandKind::rounded ? -base_stock(config).cost : unknown, of};
    }
  }

  /// The best (s, S) policy of Poisson demand that is owed where it is not met.
  static ReorderPolicy reorder(const Config& config) {
    return best_reorder_policy(static_cast<double>(config.mean), Spec.lead_time + 1,
                               static_cast<double>(config.holding), static_cast<double>(config.penalty),
                               static_cast<double>(config.fixed_cost));
  }
  /// The best base stock of demand that is owed where it is not met, or of a single period.
  static BaseStock base_stock(const Config& config) {
    const int demands = Spec.lead_time + 1;
    const double mean = static_cast<double>(config.mean) * demands;
    const auto holding = static_cast<double>(config.holding), penalty = static_cast<double>(config.penalty);
    if (Spec.demand == DemandKind::poisson) return poisson_newsvendor(mean, holding, penalty);
    return normal_newsvendor(mean, static_cast<double>(config.deviation) * std::sqrt(demands), holding,
                             penalty);
  }

 private:
  POLIS_HD static float asked(const auto& actions) {
    if constexpr (Spec.whole_units) {
      return static_cast<float>(actions[0]);
    } else {
      return actions[0][0];
    }
  }
  /// An action that asks for this amount, as far as there are such.
  POLIS_HD Actions<Inventory> order(float amount) const {
    Actions<Inventory> actions{};
    const float bounded = math::clamp(amount, 0.f, static_cast<float>(Spec.largest_order));
    if constexpr (Spec.whole_units) {
      actions[0] = static_cast<int>(math::floor(bounded + .5f));
    } else {
      actions[0][0] = bounded;
    }
    return actions;
  }
};

// ---- Named problems, with the figures that are known of them (tests/envs/inventory.cpp).

struct NewsvendorNumbers {
  static constexpr float mean = 50, deviation = 8, holding = .18f, penalty = .7f, fixed_cost = 0;
};
/// The newsvendor with normal demand: one period, what is left over is worth nothing. Best order 56.60396,
/// cost 1.997605 (L. Snyder and Z. Shen, "Fundamentals of Supply Chain Theory", 2019, example 4.3).
using Newsvendor = Inventory<InventorySpec{.demand = DemandKind::normal,
                                           .unmet = Unmet::lost,
                                           .largest_order = 100,
                                           .whole_units = false,
                                           .single_period = true},
                             NewsvendorNumbers>;

struct BaseStockNumbers {
  static constexpr float mean = 20, deviation = 0, holding = 1, penalty = 9, fixed_cost = 0;
};
/// Demand is owed where it is not met, orders take four periods. Best base stock 113, cost 17.90513 a period.
using BackloggedInventory =
    Inventory<InventorySpec{.lead_time = 4, .largest_order = 60, .capacity = 200}, BaseStockNumbers>;

struct FixedCostNumbers {
  static constexpr float mean = 20, deviation = 0, holding = 1, penalty = 9, fixed_cost = 64;
};
/// Every order costs 64 beside. Best policy (s, S) = (14, 62), cost 49.173 a period (A. Veinott and H. Wagner
/// 1965; Y. Zheng and A. Federgruen 1991, table 1, where also (6, 40), 35.022 at a mean of 10 and (42, 108),
/// 70.975 at 50).
using FixedCostInventory = Inventory<InventorySpec{.largest_order = 120, .capacity = 200}, FixedCostNumbers>;

struct LostSalesNumbers {
  static constexpr float mean = 5, deviation = 0, holding = 1, penalty = 9, fixed_cost = 0;
};
/// Demand that is not met is lost (P. Zipkin, "Old and new methods for lost-sales inventory systems", 2008):
/// the optimum depends on every order under way. Two periods of lead time: optimum 6.0936 a period, best base
/// stock 6.3163; one period 5.4382 and 5.5475.
template <int LeadTime = 2>
using LostSales =
    Inventory<InventorySpec{.unmet = Unmet::lost, .lead_time = LeadTime, .largest_order = 20, .capacity = 60},
              LostSalesNumbers>;

}  // namespace polis
