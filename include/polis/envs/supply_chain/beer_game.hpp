// The beer game: four firms in a row that see only what is ordered of them (J. Sterman, "Modeling managerial
// behavior", 1989; in numbers as A. Oroojlooyjadid et al., "A deep Q-network for the beer game", 2022).
//
// Order of events in a period, agent 0 being the retailer and agent 3 the factory:
//   1. the retailer sees what customers want in this period, the others the order that the firm before them
//      placed `order_delay` periods ago;
//   2. everybody orders of the firm behind (the factory: of its own production);
//   3. everybody receives what was sent `shipping_delay` periods ago (the factory what it ordered
//      `production_delay` periods ago);
//   4. everybody serves what is asked for and what is owed from before, as far as its stock goes; the rest is
//      owed;
//   5. the period is paid: `holding` for each unit in stock, `penalty` for each unit owed. What is under way
//      costs nothing.
// The reward is the team's: minus the sum of all costs. (On its own cost a firm whose backlog is free would
// never order.)
//
// It is a row of Clark and Scarf's with lead times 4, 4, 4 and 3 whose clocks are set apart by the delay of
// orders (F. Chen, "Decentralized supply chains subject to information delays", 1999), so that its optimum is
// known: 12.496 a period by default, by base-stock policies of what each firm sees. The levels (48, 43, 41,
// 30), each firm's own, cost 12.506; with demand rounded to whole units 12.612. A planner who sees all firms
// at once need not wait for orders to tell of demand, and comes down to 10.235 (`informed_base_stock`).
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/supply_chain/demand.hpp>
#include <polis/envs/supply_chain/serial_exact.hpp>
#include <polis/envs/supply_chain/service.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What an action of the beer game is: the amount to order, or by how much it differs from what was just
/// asked of the firm ("d + x").
enum class OrderBy { amount, difference };

/// Which beer game.
struct BeerGameSpec {
  DemandKind demand = DemandKind::normal;
  OrderBy order = OrderBy::amount;
  int largest = 20;  ///< amount, or difference either way
  int order_delay = 2, shipping_delay = 2, production_delay = 3;
  friend constexpr bool operator==(const BeerGameSpec&, const BeerGameSpec&) = default;
};

/// The bounds of an order.
template <BeerGameSpec Spec>
struct BeerOrder : Box<1> {
  static constexpr float low = Spec.order == OrderBy::amount ? 0 : -Spec.largest, high = Spec.largest;
};

/// Four firms. Each sees its stock, what it owes, what is asked of it now, all that it has ordered and not
/// received, and what arrives in the next periods (the longest of the delays): amounts in units of the mean
/// demand, the first, second and fourth also over the lead time. The state is what all of them see, and the
/// orders that are on their way.
///
/// An episode begins with the mean demand in every stock, order and shipment. It is truncated after
/// `periods`.
template <BeerGameSpec Spec = BeerGameSpec{}>
struct BasicBeerGame {
  static_assert(Spec.order_delay > 0 && Spec.shipping_delay > 0 && Spec.production_delay > 0);
  static constexpr int agents = 4, factory = agents - 1;
  static constexpr BeerGameSpec spec = Spec;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr int slots =
      Spec.shipping_delay > Spec.production_delay ? Spec.shipping_delay : Spec.production_delay;
  static constexpr int waiting_slots = Spec.order_delay - 1;
  static constexpr int own_words = 4 + slots;
  using Observation = Box<own_words>;
  using State = Box<agents * own_words + factory * waiting_slots>;
  using Action = BeerOrder<Spec>;

  struct Config {
    float mean = 10, deviation = 2;                      ///< of the customers' demand
    Array<float, agents> holding{{1, .75f, .5f, .25f}};  ///< of each firm, a unit in stock and period
    Array<float, agents> penalty{{10, 0, 0, 0}};         ///< a unit owed and period
    int periods = 100;

    static constexpr void fields(auto& self, auto&& visit) {
      visit("mean", self.mean);
      visit("deviation", self.deviation);
      visit("holding", self.holding);
      visit("penalty", self.penalty);
      visit("periods", self.periods);
    }
  };

  /// One firm. [k] of what is under way arrives in the k-th period from now; of the orders that wait to be
  /// seen, after so many periods.
  struct Firm {
    float stock = 0, owed = 0;
    float asked = 0;  ///< the order that it sees now
    Array<float, slots> arriving{};
    Array<float, waiting_slots> waiting{};  ///< orders of its own
    float outstanding = 0;                  ///< all that it has ordered and not received

    /// Stock and outstanding orders, less what is owed and what is asked for now.
    POLIS_HD float position() const { return stock + outstanding - owed - asked; }
  };

  Array<Firm, agents> firms{};
  int period = 0;
  Service service{};                          // of the retailer's customers, at the cost of all
  Array<double, agents> orders{}, squares{};  // placed by each firm
  double demand_squares = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    const float mean = ctx.config().mean;
    for (int i = 0; i < agents; ++i) {
      Firm& firm = firms[i];
      firm.stock = firm.asked = mean;
      for (int k = 0; k < delay(i); ++k) firm.arriving[k] = mean;
      for (float& order : firm.waiting) order = i == factory ? 0 : mean;
      // Under way, waiting, and seen by the firm behind but not served yet.
      firm.outstanding = mean * static_cast<float>(delay(i) + (i == factory ? 0 : Spec.order_delay));
    }
    firms[0].asked = draw(ctx);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    Array<float, agents> order{};
    for (int i = 0; i < agents; ++i) {
      order[i] = amount(i, actions[i][0]);
      firms[i].outstanding += order[i];
      orders[i] += static_cast<double>(order[i]);
      squares[i] += static_cast<double>(order[i]) * static_cast<double>(order[i]);
      receive(firms[i]);
    }
    const float demand = firms[0].asked, ready = math::max(0.f, firms[0].stock - firms[0].owed);
    float cost = 0;
    for (int i = 0; i < agents; ++i) {
      Firm& firm = firms[i];
      const float wanted = firm.owed + firm.asked, sent = math::min(firm.stock, wanted);
      firm.stock -= sent;
      firm.owed = wanted - sent;
      if (i > 0) firms[i - 1].arriving[Spec.shipping_delay - 1] += sent;
      cost += config.holding[i] * firm.stock + config.penalty[i] * firm.owed;
    }
    firms[factory].arriving[Spec.production_delay - 1] += order[factory];
    for (int i = 0; i < factory; ++i) firms[i + 1].asked = travel(firms[i], order[i]);
    service.record(demand, math::min(demand, ready), firms[0].stock, order[0] > 0, cost);
    demand_squares += static_cast<double>(demand) * static_cast<double>(demand);
    firms[0].asked = draw(ctx);
    ctx.reward_all(-cost);
    if (++period >= config.periods) ctx.truncate();
  }

  POLIS_HD void observe(int agent, Row out, const auto& view) const {
    show(agent, out, 1 / view.config().mean);
  }

  POLIS_HD void state(Row out, const auto& view) const {
    const float unit = 1 / view.config().mean;
    for (int i = 0; i < agents; ++i) show(i, out.from(i * own_words), unit);
    int at = agents * own_words;
    for (int i = 0; i < factory; ++i) {
      for (const float order : firms[i].waiting) out[at++] = order * unit;
    }
  }

  /// The figures of Service, and of each firm the variance of its orders over that of demand (bullwhip).
  void metrics(auto&& visit) const {
    service.metrics(visit);
    const char* names[] = {"bullwhip_retailer", "bullwhip_wholesaler", "bullwhip_distributor",
                           "bullwhip_factory"};
    const double count = period > 0 ? period : 1, mean = service.demand / count;
    const double variance = demand_squares / count - mean * mean;
    for (int i = 0; i < agents; ++i) {
      const double own = orders[i] / count;
      visit(names[i], variance > 0 ? (squares[i] / count - own * own) / variance : 0.);
    }
  }

  /// Periods until what a firm was sent arrives.
  POLIS_HD static constexpr int delay(int agent) {
    return agent == factory ? Spec.production_delay : Spec.shipping_delay;
  }
  /// Periods until what a firm orders arrives, if the firm behind has it.
  POLIS_HD static constexpr int lead_time(int agent) {
    return delay(agent) + (agent == factory ? 0 : Spec.order_delay);
  }

  /// What a firm orders by this action.
  POLIS_HD float amount(int agent, float action) const {
    return math::max(0.f, Spec.order == OrderBy::amount ? action : firms[agent].asked + action);
  }

  // ---- What is known.

  /// Each firm orders up to a level of its own.
  struct BaseStockLevels {
    Array<float, agents> levels;
    POLIS_HD Actions<BasicBeerGame> operator()(const BasicBeerGame& env, const View<BasicBeerGame>&,
                                               Random&) const {
      constexpr float low = Action::low, high = Action::high;
      Actions<BasicBeerGame> actions{};
      for (int i = 0; i < agents; ++i) {
        const float order = math::max(0.f, levels[i] - env.firms[i].position());
        const float asked = Spec.order == OrderBy::amount ? 0.f : env.firms[i].asked;
        actions[i][0] = math::clamp(order - asked, low, high);
      }
      return actions;
    }
  };

  /// Each firm orders what is asked of it.
  struct PassOn {
    POLIS_HD Actions<BasicBeerGame> operator()(const BasicBeerGame& env, const View<BasicBeerGame>&,
                                               Random&) const {
      constexpr float low = Action::low, high = Action::high;
      Actions<BasicBeerGame> actions{};
      for (int i = 0; i < agents; ++i) {
        actions[i][0] = math::clamp(Spec.order == OrderBy::amount ? env.firms[i].asked : 0.f, low, high);
      }
      return actions;
    }
  };

  /// `pass_on`, and where the optimum is known `base_stock`, the best levels.
  static void references(const View<BasicBeerGame>& view, auto&& visit) {
    visit("pass_on", PassOn{});
    if (!solvable(view.config())) return;
    const std::vector<double> echelons = solve(view.config()).levels;
    BaseStockLevels policy{};
    for (int i = 0; i < agents; ++i) {
      const auto own = static_cast<std::size_t>(i);
      policy.levels[i] = static_cast<float>(echelons[own] - (i > 0 ? echelons[own - 1] : 0.));
    }
    visit("base_stock", policy);
  }

  /// Known where only the retailer's backlog costs anything, holding costs fall from the retailer to the
  /// factory, and demand is not rounded.
  static OptimalValue optimal_value(const View<BasicBeerGame>& view) {
    const Config& config = view.config();
    if (!solvable(config)) return {std::numeric_limits<double>::quiet_NaN(), OptimalValue::Of::step};
    return {under_way(config, false) - solve(config).cost, OptimalValue::Of::step};
  }

  /// Each firm orders up to a level of its echelon: its stock and all that it has ordered, the stocks before
  /// it and what is on the way to them, less what the customers are owed and ask for.
  struct EchelonBaseStock {
    Array<float, agents> levels;
    POLIS_HD Actions<BasicBeerGame> operator()(const BasicBeerGame& env, const View<BasicBeerGame>&,
                                               Random&) const {
      constexpr float low = Action::low, high = Action::high;
      Actions<BasicBeerGame> actions{};
      float before = -env.firms[0].owed - env.firms[0].asked;
      for (int i = 0; i < agents; ++i) {
        const Firm& firm = env.firms[i];
        const float order = math::max(0.f, levels[i] - (before + firm.stock + firm.outstanding));
        actions[i][0] = math::clamp(order - (Spec.order == OrderBy::amount ? 0.f : firm.asked), low, high);
        before += firm.stock;
        for (const float shipment : firm.arriving) before += shipment;
      }
      return actions;
    }
  };

  /// The policy of a planner who sees all firms at once, and its cost a period. No reference, since it sees
  /// what no firm does. Error: the optimum is not known for these settings.
  struct Informed {
    EchelonBaseStock policy;
    double cost;
  };
  static Informed informed_base_stock(const Config& config) {
    const bool fits = solvable(config) && Spec.production_delay >= Spec.order_delay;
    if (!fits) throw Error("the optimum is not known", "BeerGame", "costs as optimal_value has them");
    const SerialOptimum best = solve(config, true);
    Informed result{{}, best.cost - under_way(config, true)};
    for (int i = 0; i < agents; ++i) {
      result.policy.levels[i] = static_cast<float>(best.levels[static_cast<std::size_t>(i)]);
    }
    return result;
  }

 private:
  static bool solvable(const Config& config) {
    const Array<float, agents>&holding = config.holding, &penalty = config.penalty;
    bool known = Spec.demand != DemandKind::rounded && penalty[0] > 0 && holding[factory] > 0;
    for (int i = 1; i < agents; ++i) known = known && penalty[i] == 0 && holding[i] <= holding[i - 1];
    return known;
  }
  /// `informed`: every firm knows the customers' demand at once.
  static SerialOptimum solve(const Config& config, bool informed = false) {
    const Array<float, agents>& holding = config.holding;
    SerialLine line{{}, static_cast<double>(config.penalty[0]), false};
    for (int i = 0; i < agents; ++i) {
      const float behind = i == factory ? 0.f : holding[i + 1];
      line.stages.push_back({.echelon_holding = static_cast<double>(holding[i] - behind),
                             .lead_time = lead_time(i),
                             .passed_after = informed ? lead_time(i) - Spec.order_delay : -1});
    }
    const bool whole = Spec.demand == DemandKind::poisson;
    return solve_serial_line(
        line, {Spec.demand, static_cast<double>(config.mean), static_cast<double>(config.deviation),
               whole ? 1. : static_cast<double>(config.deviation) / 20});
  }
  /// Clark and Scarf charge what is under way as at the firm that sent it; here it is free. Where firms are
  /// not informed, orders that wait count as under way: their clocks are set apart.
  static double under_way(const Config& config, bool informed) {
    double sum = 0;
    for (int i = 0; i < factory; ++i) {
      const int time = informed ? Spec.shipping_delay : lead_time(i);
      sum += static_cast<double>(config.holding[i + 1]) * static_cast<double>(config.mean) * time;
    }
    return sum;
  }

  POLIS_HD static float draw(auto& ctx) {
    return draw_demand(Spec.demand, ctx.config().mean, ctx.config().deviation, ctx.random);
  }
  /// Takes in what arrives in this period.
  POLIS_HD static void receive(Firm& firm) {
    firm.stock += firm.arriving[0];
    firm.outstanding -= firm.arriving[0];
    for (int k = 0; k + 1 < slots; ++k) firm.arriving[k] = firm.arriving[k + 1];
    firm.arriving[slots - 1] = 0;
  }
  /// Sends an order on its way; returns the one that the firm behind sees next.
  POLIS_HD static float travel(Firm& firm, float order) {
    if constexpr (waiting_slots == 0) {
      return order;
    } else {
      const float seen = firm.waiting[0];
      for (int k = 0; k + 1 < waiting_slots; ++k) firm.waiting[k] = firm.waiting[k + 1];
      firm.waiting[waiting_slots - 1] = order;
      return seen;
    }
  }
  POLIS_HD void show(int agent, Row out, float unit) const {
    const Firm& firm = firms[agent];
    const float over_lead_time = unit / static_cast<float>(lead_time(agent));
    out[0] = firm.stock * over_lead_time;
    out[1] = firm.owed * over_lead_time;
    out[2] = firm.asked * unit;
    out[3] = firm.outstanding * over_lead_time;
    for (int k = 0; k < slots; ++k) out[4 + k] = firm.arriving[k] * unit;
  }
};

/// The beer game with normal demand of any amount.
using BeerGame = BasicBeerGame<>;
/// The same in whole units: demand is rounded.
using WholeBeerGame = BasicBeerGame<BeerGameSpec{.demand = DemandKind::rounded}>;

}  // namespace polis
