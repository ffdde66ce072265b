// The shape of a supply network as a type: which nodes there are, and what flows from where to where.
//
// Nodes are numbered from the customers up: a link goes from a node of a higher number to one of a lower, or
// comes from outside, where there is always enough. Nodes that nobody buys of serve customers. A node's tier
// is the number of links on the longest way from it to the customers; tiers have to be numbered one after the
// other, and each is a role.
#pragma once

#include <array>
#include <concepts>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/supply_chain/demand.hpp>
#include <polis/envs/supply_chain/order.hpp>

namespace polis {

/// How a node shares what it has among those who ordered more (envs/supply_chain/allocation.hpp).
enum class Allocation { proportional, even, in_turn };
constexpr auto enum_names(Allocation) { return std::array{"proportional", "even", "in_turn"}; }

/// Goods go from one node (or from outside: -1) to another, and arrive `lead_time` periods after they were
/// sent. Links of the same component of a node are alternatives; of different components one unit each is
/// needed for a unit of the product.
struct NetworkLink {
  static constexpr int outside = -1;
  int from = outside, to = 0, lead_time = 1, component = 0;
  friend constexpr bool operator==(const NetworkLink&, const NetworkLink&) = default;
};

/// What kind of network it is. `serial_network` and its like make one with nodes and links.
struct NetworkSpec {
  static constexpr int most_links = 512;
  int nodes = 1, links = 1;
  Array<NetworkLink, most_links> link{};
  int products = 1;
  int modes = 1;  ///< of transport: standard; express in half of the time; slow in twice the time
  DemandKind demand = DemandKind::poisson;
  Unmet customers = Unmet::backlog;  ///< what becomes of their unmet demand
  Unmet orders = Unmet::backlog;     ///< and of the nodes' unmet orders
  Allocation allocation = Allocation::proportional;
  bool priced = false;    ///< who serves customers chooses the price of each product too
  int largest_order = 4;  ///< on a link, in multiples of the mean demand that passes its end
  RewardStructure rewards = RewardStructure::shared;
  friend constexpr bool operator==(const NetworkSpec&, const NetworkSpec&) = default;

  constexpr void add(int from, int to, int lead_time, int component = 0) {
    link[links++] = {from, to, lead_time, component};
  }
};

/// A type that holds the spec of a network, by which types of networks have short names.
template <class Shape>
concept NetworkShape = requires {
  { Shape::spec } -> std::convertible_to<NetworkSpec>;
};

/// A row of stages, each of which supplies the one before it; the last buys outside. `lead_times` as many as
/// there are stages, from the customers up.
template <int Stages>
constexpr NetworkSpec serial_network(const Array<int, Stages>& lead_times) {
  NetworkSpec spec{.nodes = Stages, .links = 0};
  for (int i = 0; i < Stages; ++i) spec.add(i + 1 < Stages ? i + 1 : NetworkLink::outside, i, lead_times[i]);
  return spec;
}

/// One warehouse that supplies so many retailers.
constexpr NetworkSpec distribution_network(int retailers, int lead_time, int warehouse_lead_time) {
  NetworkSpec spec{.nodes = retailers + 1, .links = 0};
  for (int i = 0; i < retailers; ++i) spec.add(retailers, i, lead_time);
  spec.add(NetworkLink::outside, retailers, warehouse_lead_time);
  return spec;
}

/// One plant that serves customers and needs a part of each of so many suppliers for every unit.
constexpr NetworkSpec assembly_network(int parts, int lead_time, int supplier_lead_time) {
  NetworkSpec spec{.nodes = parts + 1, .links = 0};
  for (int i = 0; i < parts; ++i) spec.add(i + 1, 0, lead_time, i);
  for (int i = 0; i < parts; ++i) spec.add(NetworkLink::outside, i + 1, supplier_lead_time);
  return spec;
}

/// Three tiers, each node of which can buy of every node of the tier behind it; suppliers buy outside.
constexpr NetworkSpec general_network(int retailers, int warehouses, int suppliers, int lead_time) {
  NetworkSpec spec{.nodes = retailers + warehouses + suppliers, .links = 0};
  for (int i = 0; i < retailers; ++i) {
    for (int j = 0; j < warehouses; ++j) spec.add(retailers + j, i, lead_time);
  }
  for (int j = 0; j < warehouses; ++j) {
    for (int k = 0; k < suppliers; ++k) spec.add(retailers + warehouses + k, retailers + j, lead_time);
  }
  for (int k = 0; k < suppliers; ++k) spec.add(NetworkLink::outside, retailers + warehouses + k, lead_time);
  return spec;
}

/// What follows from a spec.
template <int Nodes, int Links>
struct NetworkGraph {
  bool valid = true;  ///< numbered as the top of this file says, every node supplied, lead times from 1
  int tiers = 0, most_in = 0, most_components = 1, slots = 1;
  Array<NetworkLink, Links> link{};
  Array<int, Nodes> tier{}, components{}, in_count{}, in_first{}, buyers{};
  Array<int, Nodes> place{};                     ///< the node's number within its tier
  Array<int, Nodes> tier_first{}, tier_count{};  ///< by tier
  Array<int, Links> in_list{};
  /// The share of all customers' nodes whose demand passes the node, if it is spread evenly over
  /// alternatives, in customers' nodes.
  Array<float, Nodes> flow{};
  /// What a unit of the node's product is worth as a share of what customers buy: it is one of so many parts.
  Array<float, Nodes> value{};

  /// The k-th link to a node, in the order of its actions and observations.
  POLIS_HD constexpr int in(int node, int k) const { return in_list[in_first[node] + k]; }
  POLIS_HD constexpr bool serves_customers(int node) const { return buyers[node] == 0; }
};

/// How functions hold the graph: in device code a static constexpr member has a value but no address.
#if defined(__CUDA_ARCH__)
template <class Graph>
using GraphView = const Graph;
#else
template <class Graph>
using GraphView = const Graph&;
#endif

/// Periods that goods take by a mode of transport.
POLIS_HD constexpr int mode_lead_time(int lead_time, int mode) {
  return mode == 0 ? lead_time : mode == 1 ? (lead_time + 1) / 2 : 2 * lead_time;
}

namespace internal {

/// The links by node, and what can be said of each alone. False where they are not numbered as they should
/// be.
template <NetworkShape Shape>
constexpr bool add_links(NetworkGraph<Shape::spec.nodes, Shape::spec.links>& graph) {
  for (int l = 0; l < Shape::spec.links; ++l) {
    const NetworkLink& link = graph.link[l] = Shape::spec.link[l];
    if (link.to < 0 || link.to >= Shape::spec.nodes || link.from >= Shape::spec.nodes || link.lead_time < 1 ||
        link.component < 0 || (link.from != NetworkLink::outside && link.from <= link.to)) {
      return false;
    }
    ++graph.in_count[link.to];
    if (link.from >= 0) ++graph.buyers[link.from];
    if (link.component >= graph.components[link.to]) graph.components[link.to] = link.component + 1;
    for (int m = 0; m < Shape::spec.modes; ++m) {
      const int slots = mode_lead_time(link.lead_time, m);
      if (slots > graph.slots) graph.slots = slots;
    }
  }
  for (int n = 0, at = 0; n < Shape::spec.nodes; ++n) {
    graph.in_first[n] = at;
    for (int l = 0; l < Shape::spec.links; ++l) {
      if (graph.link[l].to == n) graph.in_list[at++] = l;
    }
  }
  return true;
}

/// What a node's suppliers have to do with it: each gets its part of the flow, and is a tier further up.
template <NetworkShape Shape>
constexpr bool pass_up(NetworkGraph<Shape::spec.nodes, Shape::spec.links>& graph, int n) {
  for (int c = 0; c < graph.components[n]; ++c) {
    int alternatives = 0;
    for (int k = 0; k < graph.in_count[n]; ++k) {
      alternatives += graph.link[graph.in(n, k)].component == c ? 1 : 0;
    }
    if (alternatives == 0) return false;
    for (int k = 0; k < graph.in_count[n]; ++k) {
      const NetworkLink& link = graph.link[graph.in(n, k)];
      if (link.component != c || link.from < 0) continue;
      graph.flow[link.from] += graph.flow[n] / static_cast<float>(alternatives);
      graph.value[link.from] = graph.value[n] / static_cast<float>(graph.components[n]);
      if (graph.tier[n] + 1 > graph.tier[link.from]) graph.tier[link.from] = graph.tier[n] + 1;
    }
  }
  return true;
}

}  // namespace internal

template <NetworkShape Shape>
constexpr NetworkGraph<Shape::spec.nodes, Shape::spec.links> network_graph() {
  NetworkGraph<Shape::spec.nodes, Shape::spec.links> graph{};
  graph.valid = internal::add_links<Shape>(graph);
  // Links lead to lower numbers, so that a node's tier and flow are settled before those of its suppliers.
  for (int n = 0; n < Shape::spec.nodes && graph.valid; ++n) {
    if (graph.buyers[n] == 0) graph.flow[n] = graph.value[n] = 1;
    if (graph.in_count[n] > graph.most_in) graph.most_in = graph.in_count[n];
    if (graph.components[n] > graph.most_components) graph.most_components = graph.components[n];
    const int tier = graph.tier[n];
    if (tier + 1 > graph.tiers) graph.tiers = tier + 1;
    if (graph.tier_count[tier] == 0) graph.tier_first[tier] = n;
    graph.place[n] = graph.tier_count[tier]++;
    graph.valid =
        graph.in_count[n] > 0 && (n == 0 || tier >= graph.tier[n - 1]) && internal::pass_up<Shape>(graph, n);
  }
  return graph;
}

}  // namespace polis
