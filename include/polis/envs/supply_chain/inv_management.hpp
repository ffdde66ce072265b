// Three stocks between customers and a plant, over 30 periods: OR-Gym's InvManagement-v0 and -v1 (C. Hubbs,
// H. Perez, O. Sarwar, N. Sahinidis, I. Grossmann and J. Wassick, "OR-Gym: a reinforcement learning library
// for operations research problems", 2020).
//
// Order of events in a period:
//   1. every stock orders of the one behind it. An order is cut to whole units, to the capacity of the stock
//      behind, and to what that one has at the start of the period, before it receives anything; the last
//      stock orders of a plant that always delivers. What is cut is forgotten, and costs nothing (in OR-Gym a
//      penalty for it is among the settings, but never comes to be charged);
//   2. what was ordered `lead time` periods ago arrives;
//   3. customers ask the first stock, and are served as far as it goes; the rest is owed to them (v0) or lost
//      (v1);
//   4. the period is paid: 2 for each unit sold, less .5 for each unit that left the plant, .1 for each unit
//      owed or lost, and .15, .1 and .05 for each unit in the three stocks. (The prices at which stocks buy
//      of one another cancel.) Profits are discounted by .97 a period, from the first on.
// The reward is the profit of all. What is left after the last period is worth nothing, so the episode
// terminates, and agents see how much time is left.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/supply_chain/demand.hpp>
#include <polis/envs/supply_chain/order.hpp>
#include <polis/envs/supply_chain/service.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// Three agents, one for each stock, number 0 serves customers. Each sees its stock, that of the one behind
/// it, what customers are owed, its echelon's position (its stock, those before it, and all that is under way
/// to these, less what is owed), the time left as a share, and what arrives in each of the next ten periods:
/// amounts in units of 100, the position also over the number of stocks in it. The state is all of that.
template <Unmet Rule>
struct InvManagement {
  static constexpr int agents = 3, periods = 30, longest = 10;
  static constexpr Array<int, agents> lead_times{{3, 5, 10}};
  static constexpr Array<float, agents> first_stocks{{100, 100, 200}}, capacities{{100, 90, 80}};
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr int own_words = 2 + longest;
  using Observation = Box<own_words + 3>;
  using State = Box<agents * own_words + 2>;
  using Action = AnyOrder<100>;

  struct Config {
    float mean = 20;  ///< of the customers' Poisson demand
    float price = 2, plant_cost = .5f, penalty = .1f;
    Array<float, agents> holding{{.15f, .1f, .05f}};
    float discount = .97f;

    static constexpr void fields(auto& self, auto&& visit) {
      visit("mean", self.mean);
      visit("price", self.price);
      visit("plant_cost", self.plant_cost);
      visit("penalty", self.penalty);
      visit("holding", self.holding);
      visit("discount", self.discount);
    }
  };

  /// What a planner who knows all demands in advance earns on average at the default settings: no policy can
  /// do better. The best echelon base stock that was found earns 409.9 (v0) or 407.0 (v1).
  static constexpr float perfect_information = Rule == Unmet::backlog ? 562.5f : 557.f;

  Array<float, agents> stock{};
  Array<Array<float, longest>, agents> arriving{};  ///< [i][k] arrives in the k-th period from now
  float owed = 0;                                   ///< to customers
  int period = 0;
  float worth = 1;  ///< of a profit in this period
  Service service{};

  POLIS_HD void reset(auto&) {
    *this = {};
    constexpr auto first = first_stocks;
    stock = first;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    constexpr auto delay = lead_times;
    Array<float, agents> order{};
    for (int i = 0; i < agents; ++i) order[i] = allowed(i, actions[i][0]);
    for (int i = 0; i < agents; ++i) {
      stock[i] += arriving[i][0];
      for (int k = 0; k + 1 < longest; ++k) arriving[i][k] = arriving[i][k + 1];
      arriving[i][longest - 1] = 0;
      arriving[i][delay[i] - 1] += order[i];
    }
    const float demand = draw_demand(DemandKind::poisson, config.mean, 0, ctx.random);
    const float wanted = demand + owed, sold = math::min(stock[0], wanted), missing = wanted - sold;
    const float at_once = math::clamp(stock[0] - owed, 0.f, demand);
    stock[0] -= sold;
    for (int i = 1; i < agents; ++i) stock[i] -= order[i - 1];
    owed = Rule == Unmet::backlog ? missing : 0;
    float held = 0;
    for (int i = 0; i < agents; ++i) held += config.holding[i] * stock[i];
    const float profit =
        config.price * sold - config.plant_cost * order[agents - 1] - config.penalty * missing - held;
    ctx.reward_all(worth * profit);
    service.record(demand, at_once, stock[0] + stock[1] + stock[2], order[0] > 0, -profit);
    worth *= config.discount;
    if (++period == periods) ctx.terminate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    show(agent, out);
    out[own_words] = (agent + 1 < agents ? stock[agent + 1] : 0.f) * unit;
    out[own_words + 1] = owed * unit;
    out[own_words + 2] = echelon_position(agent) * unit / static_cast<float>(agent + 1);
  }

  POLIS_HD void state(Row out) const {
    for (int i = 0; i < agents; ++i) show(i, out.from(i * own_words));
    out[agents * own_words] = owed * unit;
    out[agents * own_words + 1] = time_left();
  }

  /// The figures of Service; the cost is minus the profit of a period, before the discount.
  void metrics(auto&& visit) const { service.metrics(visit); }

  /// This stock, those before it, and all under way to them, less what customers are owed.
  POLIS_HD float echelon_position(int agent) const {
    float sum = -owed;
    for (int i = 0; i <= agent; ++i) {
      sum += stock[i];
      for (const float shipment : arriving[i]) sum += shipment;
    }
    return sum;
  }

  /// The order that is placed where this one is asked for.
  POLIS_HD float allowed(int agent, float order) const {
    constexpr auto capacity = capacities;
    const float most = agent + 1 < agents ? math::min(capacity[agent], stock[agent + 1]) : capacity[agent];
    return math::clamp(math::floor(order), 0.f, most);
  }

  /// Every echelon orders up to a level.
  struct EchelonBaseStock {
    Array<float, agents> levels;
    POLIS_HD Actions<InvManagement> operator()(const InvManagement& env, const View<InvManagement>&,
                                               Random&) const {
      Actions<InvManagement> actions{};
      for (int i = 0; i < agents; ++i) {
        actions[i][0] = math::clamp(levels[i] - env.echelon_position(i), 0.f, 100.f);
      }
      return actions;
    }
  };

  /// `no_orders`, and `base_stock`, the best echelon levels that were found for the default settings.
  static void references(const View<InvManagement>&, auto&& visit) {
    constexpr bool v0 = Rule == Unmet::backlog;
    visit("no_orders", EchelonBaseStock{{{-1e6f, -1e6f, -1e6f}}});
    visit("base_stock",
          EchelonBaseStock{v0 ? Array<float, agents>{{91, 212, 416}} : Array<float, agents>{{94, 211, 408}}});
  }

 private:
  static constexpr float unit = .01f;

  POLIS_HD float time_left() const { return 1 - static_cast<float>(period) / periods; }
  POLIS_HD void show(int agent, Row out) const {
    out[0] = stock[agent] * unit;
    out[1] = time_left();
    for (int k = 0; k < longest; ++k) out[2 + k] = arriving[agent][k] * unit;
  }
};

/// Unmet demand is owed. Without orders -590.0 (sd 21.5); orders of just what is owed 41.4; base stock 409.9
/// (sd 33.4).
using InvManagementV0 = InvManagement<Unmet::backlog>;
/// Unmet demand is lost. Without orders -271.4; base stock 407.0.
using InvManagementV1 = InvManagement<Unmet::lost>;

}  // namespace polis
