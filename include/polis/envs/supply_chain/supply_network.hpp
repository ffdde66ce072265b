// A supply network of any shape: every node is an agent that orders of its suppliers, and those that serve
// customers may choose their prices.
//
// Order of events in a period:
//   1. what was sent the lead time of its link and mode ago arrives (agents have seen it in their stock);
//      a node that needs several components makes as many products as it has all components for;
//   2. every node orders of its suppliers, by link, product and mode of transport; orders are there at once;
//   3. every node sends what is ordered of it and owed from before, out of the stock that it has, within its
//      capacity, and shares what is scarce by the rule of the spec; nothing leaves a node, or a source
//      outside, that is down. What is not sent is owed or forgotten, as the spec's `orders` says;
//   4. customers ask for what they want at the price of the period, and are served from what is left in
//      stock; what is missing is owed to them, or lost, as `customers` says;
//   5. the period is paid: see NetworkConfig. Stock and goods under way are charged as they are now;
//   6. suppliers fail and recover, goods move on by a period (1.), and the demand of the next period is
//      drawn, of which agents get a forecast.
// An order of period t that takes L periods is thus in stock for the demand of period t + L, and a node that
// is supplied in t can pass it on in t: a row of stages is Clark and Scarf's (envs/supply_chain/
// serial_exact.hpp). The beer game and InvManagement have orders of events of their own, and stay types of
// their own.
#pragma once

#include <type_traits>
#include <utility>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/supply_chain/demand.hpp>
#include <polis/envs/supply_chain/network_goods.hpp>
#include <polis/envs/supply_chain/network_reference.hpp>
#include <polis/envs/supply_chain/network_settings.hpp>
#include <polis/envs/supply_chain/network_spec.hpp>
#include <polis/envs/supply_chain/network_totals.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The role of the nodes of a tier; tier 0 serves customers.
template <int Tier>
struct NetworkTier {};

/// What a node of a tier does: amounts to order, in mean demands that pass it, [link][product][mode] by its
/// links; where customers are served and prices chosen, then each product's price over the reference price.
template <NetworkShape Shape, bool Priced>
struct NetworkOrders : Box<network_graph<Shape>().most_in * Shape::spec.products * Shape::spec.modes +
                           (Priced ? Shape::spec.products : 0)> {
  using Bounds = Array<float, NetworkOrders::words>;
  static constexpr int orders = network_graph<Shape>().most_in * Shape::spec.products * Shape::spec.modes;
  static constexpr Bounds bounds(float order, float price) {
    Bounds values{};
    for (int i = 0; i < NetworkOrders::words; ++i) values[i] = i < orders ? order : price;
    return values;
  }
  static constexpr Bounds low = bounds(0, .5f), high = bounds(Shape::spec.largest_order, 2);
};

template <NetworkShape Shape>
struct BasicSupplyNetwork {
  static constexpr auto shape = network_graph<Shape>();
  static_assert(Shape::spec.products > 0 && Shape::spec.modes > 0 && Shape::spec.modes <= 3 &&
                Shape::spec.largest_order > 0);
  static_assert(Shape::spec.rewards != RewardStructure::zero_sum,
                "customers and suppliers outside are no agents");

  static constexpr NetworkSpec spec = Shape::spec;
  template <int K>
  using Tier = NetworkTier<K>;
  using Goods = NetworkGoods<Shape>;
  using Graph = typename Goods::Graph;
  using Amounts = typename Goods::Amounts;
  static constexpr int nodes = Shape::spec.nodes, links = Shape::spec.links, products = Shape::spec.products,
                       modes = Shape::spec.modes;
  static constexpr int tiers = shape.tiers, most_in = shape.most_in, part_kinds = Goods::part_kinds;
  static constexpr int product_words = 4 + part_kinds + 2 * most_in;
  static constexpr int node_words = products * product_words + 4 + most_in;
  using Observation = Box<node_words>;
  using State = Box<nodes * node_words>;
  static constexpr RewardStructure rewards = Shape::spec.rewards;
  using Config = NetworkConfig<tiers>;
  using Task = NetworkTask;

  template <class Sequence>
  struct RolesByTier;
  template <int... K>
  struct RolesByTier<std::integer_sequence<int, K...>> {
    using type = polis::Roles<Role<NetworkTier<K>, shape.tier_count[K], Observation,
                                   NetworkOrders<Shape, Shape::spec.priced && K == 0>>...>;
  };
  using Roles = typename RolesByTier<std::make_integer_sequence<int, tiers>>::type;

  Goods goods{};
  int period = 0;
  NetworkTotals totals{};

  /// Stages of growing difficulty, NetworkTask::of_stage. Throws polis::Error for settings out of their
  /// range.
  static int stages(const Config& config, const auto&) {
    check_settings(config);
    return Task::stages;
  }
  POLIS_HD static Task task(int stage, const Config&, const auto&, Random&) {
    constexpr Graph graph = shape;
    int widest = 1;
    for (int k = 0; k < tiers; ++k) widest = graph.tier_count[k] > widest ? graph.tier_count[k] : widest;
    return Task::of_stage(stage, widest, products);
  }

  /// An episode begins with twice the mean demand in every stock and the mean demand under way by the
  /// standard mode in every period, spread evenly over alternatives.
  POLIS_HD void reset(auto& ctx) {
    constexpr Graph graph = shape;
    *this = BasicSupplyNetwork{};
    goods.activate(ctx.task());
    for (int n = 0; n < nodes; ++n) {
      if (!goods.node[n].active) continue;
      const float unit = Goods::rounded(Goods::mean_flow(n, ctx.config()));
      for (int p = 0; p < goods.active_products; ++p) {
        goods.node[n].stock[p] = 2 * unit;
        goods.node[n].price[p] = 1;
        for (int k = 0; k < graph.in_count[n]; ++k) {
          const int l = graph.in(n, k);
          if (!goods.link[l].active) continue;
          const float part = Goods::rounded(unit / static_cast<float>(goods.alternatives(n, l)));
          for (int t = 0; t + 1 < graph.link[l].lead_time; ++t) goods.link[l].arriving[t][p] = part;
        }
      }
    }
    draw_demand(ctx);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    typename Goods::Parts parts{};
    read_orders<0>(actions, ctx.config(), parts);
    goods.send(ctx.config(), parts);
    serve(ctx.config(), parts);
    totals.held += static_cast<double>(goods.charge(ctx.config(), parts));
    pay(parts, ctx);
    fail_and_recover(ctx);
    goods.move_on();
    ++period;
    draw_demand(ctx);
    if (period >= ctx.config().periods) ctx.truncate();
  }

  template <int K>
  POLIS_HD void observe(NetworkTier<K>, int index, Row out, const auto& view) const {
    constexpr Graph graph = shape;
    show(graph.tier_first[K] + index, out, view.config());
  }

  POLIS_HD void state(Row out, const auto& view) const {
    for (int n = 0; n < nodes; ++n) show(n, out.from(n * node_words), view.config());
  }

  template <int K>
  POLIS_HD bool acting(NetworkTier<K>, int index) const {
    constexpr Graph graph = shape;
    return goods.node[graph.tier_first[K] + index].active;
  }

  /// The share of demand that was met at once.
  POLIS_HD float success() const { return static_cast<float>(totals.fill_rate()); }
  void metrics(auto&& visit) const { totals.metrics(visit, period, goods.emitted); }

  static void references(const View<BasicSupplyNetwork>& view, auto&& visit) {
    network_references<BasicSupplyNetwork>(view, visit);
  }
  static OptimalValue optimal_value(const View<BasicSupplyNetwork>& view) {
    return network_optimum<BasicSupplyNetwork>(view);
  }

 private:
  template <int K>
  POLIS_HD void read_orders(const auto& actions, const Config& config, auto& parts) {
    constexpr Graph graph = shape;
    const auto& own = actions.of(NetworkTier<K>{});
    for (int i = 0; i < graph.tier_count[K]; ++i) {
      const int n = graph.tier_first[K] + i;
      if (goods.node[n].active) place_orders(n, own[i], config, parts);
    }
    if constexpr (K + 1 < tiers) read_orders<K + 1>(actions, config, parts);
  }

  POLIS_HD void place_orders(int n, const auto& action, const Config& config, auto& parts) {
    constexpr Graph graph = shape;
    const float unit = Goods::mean_flow(n, config);
    for (int k = 0; k < graph.in_count[n]; ++k) {
      if (!goods.link[graph.in(n, k)].active) continue;
      bool any = false;
      for (int p = 0; p < goods.active_products; ++p) {
        for (int m = 0; m < modes; ++m) {
          const float asked = action[(k * products + p) * modes + m] * unit;
          any = goods.order(graph.in(n, k), m, p, asked) > 0 || any;
        }
      }
      if (any) parts[n][NetworkParts::transport] -= config.fixed_cost;
    }
    if constexpr (std::remove_cvref_t<decltype(action)>::size() > most_in * products * modes) {
      for (int p = 0; p < goods.active_products; ++p)
        goods.node[n].price[p] = math::clamp(action[most_in * products * modes + p], .5f, 2.f);
    }
  }

  POLIS_HD void serve(const Config& config, auto& parts) {
    constexpr Graph graph = shape;
    for (int n = 0; n < nodes; ++n) {
      auto& at = goods.node[n];
      if (!at.active || !graph.serves_customers(n)) continue;
      for (int p = 0; p < goods.active_products; ++p) {
        float demand = at.demand[p];
        if (Shape::spec.priced)
          demand = Goods::rounded(demand * math::exp(-config.elasticity * math::log(at.price[p])));
        const float wanted = demand + at.owed[p], sold = math::min(at.stock[p], wanted);
        const float at_once = math::clamp(at.stock[p] - at.owed[p], 0.f, demand);
        at.stock[p] -= sold;
        at.asked[p] = demand;
        at.owed[p] = Shape::spec.customers == Unmet::backlog ? wanted - sold : 0;
        parts[n][NetworkParts::revenue] += config.price * at.price[p] * sold;
        parts[n][NetworkParts::shortage] -= config.penalty * (wanted - sold);
        parts[n][NetworkParts::service] +=
            (demand > 0 ? at_once / demand : 1.f) / static_cast<float>(goods.active_products);
        totals.serve(demand, at_once, sold);
      }
    }
  }

  POLIS_HD void pay(const auto& parts, auto& ctx) {
    const NetworkWeights& weight = ctx.config().rewards;
    float team = 0, active = 0;
    for (int n = 0; n < nodes; ++n) {
      if (!goods.node[n].active) continue;
      const float own = NetworkParts::weigh(parts[n], weight);
      totals.pay(parts[n]);
      ctx.reward(n) = own;
      team += own, active += 1;
    }
    if (Shape::spec.rewards == RewardStructure::shared) {
      ctx.reward_all(team);
    } else if (weight.cooperation > 0) {
      for (int n = 0; n < nodes; ++n) {
        if (goods.node[n].active) ctx.reward(n) += weight.cooperation * (team / active - ctx.reward(n));
      }
    }
  }

  /// A supplier that is up fails with one probability, one that is down recovers with another.
  POLIS_HD void fail_and_recover(auto& ctx) {
    constexpr Graph graph = shape;
    const float fails = ctx.config().down * ctx.task().failures;
    if (!(fails > 0)) return;
    for (int s = 0; s < Goods::sources; ++s) {
      const bool supplies = s < nodes ? goods.node[s].active && !graph.serves_customers(s)
                                      : graph.link[s - nodes].from < 0 && goods.link[s - nodes].active;
      if (!supplies) continue;
      goods.down[s] = ctx.random.uniform() < (goods.down[s] ? 1 - ctx.config().recover : fails);
      totals.supplier(goods.down[s]);
    }
  }

  /// The next period's demand at the reference price, and a forecast f of it whose correlation q with it is
  /// that of the settings: the mean of the demand given f is f, and its mean squared error (1 - q^2) times
  /// the variance.
  POLIS_HD void draw_demand(auto& ctx) {
    constexpr Graph graph = shape;
    const Config& config = ctx.config();
    const float turn = 6.2831853f * static_cast<float>(period) / static_cast<float>(config.season_periods);
    const float mean = config.mean * (1 + config.season * math::sin(turn));
    const float deviation = config.deviation * ctx.task().variability;
    const float spread = Shape::spec.demand == DemandKind::poisson ? math::sqrt(mean) : deviation;
    const float q = math::clamp(config.forecast, 0.f, 1.f);
    for (int n = 0; n < nodes; ++n) {
      if (!goods.node[n].active || !graph.serves_customers(n)) continue;
      for (int p = 0; p < goods.active_products; ++p) {
        goods.node[n].demand[p] = polis::draw_demand(Shape::spec.demand, mean, deviation, ctx.random);
        goods.node[n].forecast[p] = mean;
        if (q > 0) {
          const float noise = math::sqrt(1 - q * q) * spread * ctx.random.normal();
          goods.node[n].forecast[p] += q * (q * (goods.node[n].demand[p] - mean) + noise);
        }
      }
    }
  }

  /// Of each product stock, owed to customers, asked in the last period, forecast, parts, and by link what is
  /// outstanding and arrives next: in mean demands that pass the node. Then whether it is active and up,
  /// the season's cosine and sine, and by link whether the supplier is up.
  POLIS_HD void show(int n, Row out, const Config& config) const {
    constexpr Graph graph = shape;
    const float unit = 1 / Goods::mean_flow(n, config);
    for (int p = 0; p < products; ++p) {
      const Row own = out.from(p * product_words);
      own[0] = goods.node[n].stock[p] * unit;
      own[1] = goods.node[n].owed[p] * unit;
      own[2] = goods.node[n].asked[p] * unit;
      own[3] = goods.node[n].forecast[p] * unit;
      for (int c = 0; c < part_kinds; ++c) own[4 + c] = goods.node[n].parts[c][p] * unit;
      for (int k = 0; k < most_in; ++k) {
        const bool there = k < graph.in_count[n] && goods.link[graph.in(n, k)].active;
        own[4 + part_kinds + 2 * k] = there ? goods.link[graph.in(n, k)].outstanding(p) * unit : 0.f;
        own[5 + part_kinds + 2 * k] = there ? goods.link[graph.in(n, k)].arriving[0][p] * unit : 0.f;
      }
    }
    const float turn = 6.2831853f * static_cast<float>(period) / static_cast<float>(config.season_periods);
    const Row rest = out.from(products * product_words);
    rest[0] = goods.node[n].active ? 1.f : 0.f;
    rest[1] = goods.down[n] ? 0.f : 1.f;
    rest[2] = math::cos(turn);
    rest[3] = math::sin(turn);
    for (int k = 0; k < most_in; ++k) {
      const int l = k < graph.in_count[n] ? graph.in(n, k) : 0;
      const int source = graph.link[l].from < 0 ? nodes + l : graph.link[l].from;
      rest[4 + k] = k < graph.in_count[n] && goods.link[l].active && !goods.down[source] ? 1.f : 0.f;
    }
  }
};

// ---- Shapes.

/// A row of stages, from the customers up.
template <int... LeadTimes>
struct SerialShape {
  static constexpr NetworkSpec spec = serial_network<sizeof...(LeadTimes)>({{LeadTimes...}});
};
template <int... LeadTimes>
using SerialNetwork = BasicSupplyNetwork<SerialShape<LeadTimes...>>;

/// Shops with one warehouse.
template <int Shops, int LeadTime, int WarehouseLeadTime>
struct DistributionShape {
  static constexpr NetworkSpec spec = distribution_network(Shops, LeadTime, WarehouseLeadTime);
};
template <int Shops = 3, int LeadTime = 1, int WarehouseLeadTime = 2>
using DistributionNetwork = BasicSupplyNetwork<DistributionShape<Shops, LeadTime, WarehouseLeadTime>>;

/// A plant that needs one of each part.
template <int Parts, int LeadTime, int SupplierLeadTime>
struct AssemblyShape {
  static constexpr NetworkSpec spec = assembly_network(Parts, LeadTime, SupplierLeadTime);
};
template <int Parts = 3, int LeadTime = 1, int SupplierLeadTime = 2>
using AssemblyNetwork = BasicSupplyNetwork<AssemblyShape<Parts, LeadTime, SupplierLeadTime>>;

/// Four shops, two warehouses and two suppliers; two products that are lost where they are missing; prices,
/// and express transport.
struct RetailShape {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = general_network(4, 2, 2, 2);
    made.products = made.modes = 2;
    made.customers = Unmet::lost;
    made.priced = true;
    return made;
  }();
};
using RetailNetwork = BasicSupplyNetwork<RetailShape>;

}  // namespace polis
