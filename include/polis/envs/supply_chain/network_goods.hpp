// The goods in a supply network: where they are, who has ordered what, and how they move. What agents decide,
// see and are paid is in envs/supply_chain/supply_network.hpp.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/supply_chain/allocation.hpp>
#include <polis/envs/supply_chain/network_settings.hpp>
#include <polis/envs/supply_chain/network_spec.hpp>

namespace polis {

/// Stocks, orders and shipments of all nodes and links. `parts[n]` are the parts of node n's reward in the
/// period under way.
template <NetworkShape Shape>
class NetworkGoods {
  static constexpr auto shape = network_graph<Shape>();
  static_assert(shape.valid, "links lead from higher numbers to lower ones, and every node is supplied");

 public:
  using Graph = GraphView<NetworkGraph<Shape::spec.nodes, Shape::spec.links>>;
  static constexpr int nodes = Shape::spec.nodes, links = Shape::spec.links, products = Shape::spec.products,
                       modes = Shape::spec.modes;
  static constexpr int slots = shape.slots;
  static constexpr int sources = nodes + links;  ///< nodes, then by link those outside
  static constexpr bool whole = Shape::spec.demand != DemandKind::normal;
  static constexpr int part_kinds = shape.most_components > 1 ? shape.most_components : 0;
  using Config = NetworkConfig<shape.tiers>;
  using Amounts = Array<float, products>;
  using Parts = Array<NetworkParts::Values, nodes>;

  /// One node.
  struct Node {
    Amounts stock{}, owed{};                ///< products; owed to customers
    Amounts asked{};                        ///< of it in the last period
    Array<Amounts, part_kinds> parts{};     ///< by component, where several are needed
    Amounts demand{}, forecast{}, price{};  ///< of the next demand, at the reference price; the last price
    bool active = false;
  };
  /// One link; orders that wait at its supplier, by mode, and what arrives in the k-th period from now.
  struct Link {
    Array<Amounts, modes> waiting{};
    Array<Amounts, slots> arriving{};
    bool active = false;

    /// Ordered and not arrived.
    POLIS_HD float outstanding(int product) const {
      float sum = 0;
      for (const Amounts& orders : waiting) sum += orders[product];
      for (const Amounts& goods : arriving) sum += goods[product];
      return sum;
    }
  };

  Array<Node, nodes> node{};
  Array<Link, links> link{};
  Array<bool, sources> down{};
  int active_products = products;
  double emitted = 0;  ///< emissions of all transport so far

  /// A node is active where the task says so, and some supplier of every component is.
  POLIS_HD void activate(const NetworkTask& task) {
    constexpr Graph graph = shape;
    active_products = task.products < 1 ? 1 : task.products < products ? task.products : products;
    for (int n = nodes - 1; n >= 0; --n) {
      node[n].active = graph.place[n] < (task.width < 1 ? 1 : task.width);
      for (int c = 0; c < graph.components[n]; ++c) {
        bool supplied = false;
        for (int k = 0; k < graph.in_count[n]; ++k) {
          const NetworkLink& at = graph.link[graph.in(n, k)];
          supplied = supplied || (at.component == c && (at.from < 0 || node[at.from].active));
        }
        node[n].active = node[n].active && supplied;
      }
    }
    for (int l = 0; l < links; ++l) {
      const NetworkLink& at = graph.link[l];
      link[l].active = node[at.to].active && (at.from < 0 || node[at.from].active);
    }
  }

  /// A node orders this much of a product by one of its links and a mode. Returns what it came to.
  POLIS_HD float order(int l, int m, int p, float amount) {
    const float whole_amount = rounded(math::max(0.f, amount));
    link[l].waiting[m][p] += whole_amount;
    return whole_amount;
  }

  /// All nodes, and the sources outside, send what is ordered.
  POLIS_HD void send(const Config& config, Parts& parts) {
    constexpr Graph graph = shape;
    if constexpr (nodes > 1) {
      for (int n = nodes - 1; n > 0; --n) {
        if (node[n].active && !graph.serves_customers(n)) send(n, config, parts);
      }
    }
    for (int l = 0; l < links; ++l) {
      if (graph.link[l].from >= 0 || !link[l].active) continue;
      for (int p = 0; p < active_products; ++p) {
        for (int m = 0; m < modes && !down[nodes + l]; ++m)
          ship(l, m, p, link[l].waiting[m][p], config, parts);
        forget(l, p);
      }
    }
  }

  /// Charges what lies in stock and is under way between nodes; returns the units in stock.
  POLIS_HD float charge(const Config& config, Parts& parts) const {
    constexpr Graph graph = shape;
    float all = 0;
    for (int n = 0; n < nodes; ++n) {
      float held = 0;
      for (int p = 0; p < active_products; ++p) {
        held += node[n].stock[p];
        // A set of parts costs what the product does.
        for (int c = 0; c < part_kinds; ++c)
          held += node[n].parts[c][p] / static_cast<float>(graph.components[n]);
      }
      parts[n][NetworkParts::holding] -= config.holding[graph.tier[n]] * graph.value[n] * held;
      all += held;
    }
    for (int l = 0; l < links; ++l) {
      if (graph.link[l].from < 0) continue;
      float under_way = 0;
      for (const Amounts& goods : link[l].arriving) {
        for (const float amount : goods) under_way += amount;
      }
      const int from = graph.link[l].from;
      const float rate = config.in_transit * config.holding[graph.tier[from]] * graph.value[from];
      parts[graph.link[l].to][NetworkParts::holding] -= rate * under_way;
    }
    return all;
  }

  /// Goods arrive that have been under way long enough, and are made into products.
  POLIS_HD void move_on() {
    constexpr Graph graph = shape;
    for (int l = 0; l < links; ++l) {
      if (!link[l].active) continue;
      Node& to = node[graph.link[l].to];
      for (int p = 0; p < active_products; ++p) {
        const float arrived = link[l].arriving[0][p];
        if (part_kinds > 0 && graph.components[graph.link[l].to] > 1) {
          to.parts[graph.link[l].component][p] += arrived;
        } else {
          to.stock[p] += arrived;
        }
      }
      for (int t = 0; t + 1 < slots; ++t) link[l].arriving[t] = link[l].arriving[t + 1];
      link[l].arriving[slots - 1] = {};
    }
    for (int n = 0; n < nodes && part_kinds > 0; ++n) {
      if (graph.components[n] < 2) continue;
      for (int p = 0; p < active_products; ++p) assemble(n, p);
    }
  }
  /// The mean demand for a product that passes a node.
  POLIS_HD static float mean_flow(int n, const Config& config) {
    constexpr Graph graph = shape;
    return config.mean * graph.flow[n];
  }
  /// Active links that a node may get the same component by.
  POLIS_HD int alternatives(int n, int of) const {
    constexpr Graph graph = shape;
    int count = 0;
    for (int k = 0; k < graph.in_count[n]; ++k) {
      const int l = graph.in(n, k);
      count += link[l].active && graph.link[l].component == graph.link[of].component ? 1 : 0;
    }
    return count;
  }
  /// Stock, parts and outstanding orders of a product, of one component, less what is owed to customers and
  /// what other nodes have ordered.
  POLIS_HD float position(int n, int product, int component) const {
    constexpr Graph graph = shape;
    float sum = node[n].stock[product] - node[n].owed[product];
    if constexpr (part_kinds > 0) sum += node[n].parts[component][product];
    for (int l = 0; l < links; ++l) {
      if (graph.link[l].from == n) {
        for (const Amounts& orders : link[l].waiting) sum -= orders[product];
      }
    }
    for (int k = 0; k < graph.in_count[n]; ++k) {
      const int l = graph.in(n, k);
      if (graph.link[l].component == component) sum += link[l].outstanding(product);
    }
    return sum;
  }

  /// Whole units, where goods come in these.
  POLIS_HD static float rounded(float amount) { return whole ? math::floor(amount + .5f) : amount; }

 private:
  /// Node n sends what is ordered of it.
  POLIS_HD void send(int n, const Config& config, Parts& parts) {
    constexpr Graph graph = shape;
    Amounts ready{}, wanted{};
    for (int p = 0; p < active_products; ++p) {
      for (int l = 0; l < links; ++l) {
        if (graph.link[l].from != n) continue;
        for (const Amounts& orders : link[l].waiting) wanted[p] += orders[p];
      }
      ready[p] = down[n] ? 0 : math::min(node[n].stock[p], wanted[p]);
    }
    if (config.capacity > 0) {
      const float most = rounded(config.capacity * mean_flow(n, config));
      ready = allocate(Allocation::proportional, ready, most, whole);
    }
    for (int p = 0; p < active_products; ++p) share(n, p, ready[p], config, parts);
  }

  /// Sends this much of a product to those who ordered it.
  POLIS_HD void share(int n, int p, float ready, const Config& config, Parts& parts) {
    constexpr Graph graph = shape;
    Array<float, links * modes> wanted{};
    for (int l = 0; l < links; ++l) {
      if (graph.link[l].from != n) continue;
      for (int m = 0; m < modes; ++m) wanted[l * modes + m] = link[l].waiting[m][p];
    }
    const Array<float, links * modes> sent = allocate(Shape::spec.allocation, wanted, ready, whole);
    node[n].asked[p] = 0;
    for (int l = 0; l < links; ++l) {
      if (graph.link[l].from != n) continue;
      for (int m = 0; m < modes; ++m) {
        node[n].asked[p] += wanted[l * modes + m];
        node[n].stock[p] -= sent[l * modes + m];
        ship(l, m, p, sent[l * modes + m], config, parts);
      }
      forget(l, p);
    }
  }

  /// Puts goods on the way, and charges for them.
  POLIS_HD void ship(int l, int m, int p, float amount, const Config& config, Parts& parts) {
    constexpr Graph graph = shape;
    const NetworkLink at = graph.link[l];
    link[l].waiting[m][p] -= amount;
    link[l].arriving[mode_lead_time(at.lead_time, m) - 1][p] += amount;
    auto& buyer = parts[at.to];
    const float worth = graph.value[at.to] / static_cast<float>(graph.components[at.to]) * amount;
    if (at.from < 0) {
      buyer[NetworkParts::purchase] -= config.purchase * worth;
    } else {
      // A unit gains the same in price with every tier that it passes.
      constexpr auto tiers = static_cast<float>(shape.tiers);
      const float gained = (tiers - static_cast<float>(graph.tier[at.from])) / tiers;
      const float paid = (config.purchase + (config.price - config.purchase) * gained) * worth;
      buyer[NetworkParts::trade] -= paid;
      parts[at.from][NetworkParts::trade] += paid;
    }
    buyer[NetworkParts::transport] -= config.transport[m] * amount;
    buyer[NetworkParts::emissions] -= config.emissions[m] * static_cast<float>(at.lead_time) * amount;
    emitted += static_cast<double>(config.emissions[m] * static_cast<float>(at.lead_time) * amount);
  }
  POLIS_HD void forget([[maybe_unused]] int l, [[maybe_unused]] int p) {
    if constexpr (Shape::spec.orders == Unmet::lost) {
      for (Amounts& orders : link[l].waiting) orders[p] = 0;
    }
  }

  POLIS_HD void assemble(int n, int p) {
    constexpr Graph graph = shape;
    float made = node[n].parts[0][p];
    for (int c = 1; c < graph.components[n]; ++c) made = math::min(made, node[n].parts[c][p]);
    for (int c = 0; c < graph.components[n]; ++c) node[n].parts[c][p] -= made;
    node[n].stock[p] += made;
  }
};

}  // namespace polis
