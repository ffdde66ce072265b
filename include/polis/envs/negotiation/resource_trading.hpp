// Trading among several agents who value goods differently and privately: one proposes a deal to another, who
// takes it or leaves it.
//
// Order of events in a round, of two steps:
//   1. the proposer, agents in turn, names a partner and offers to sell it a unit of a good, or to buy one,
//   at
//      a price. An offer of what the seller does not have is void, and the round is over;
//   2. the partner accepts or rejects. If it accepts, the unit and the price change hands at once;
//   3. every agent i has gained g_i, the value of the unit to it or the price, less what it gave, and is paid
//      w g_i + (1 - w) times the mean gain of the others, w being `own`. So agents care for one another; the
//      sum over agents is that of the gains, whatever w is.
// Money is not scarce. The episode terminates after `rounds`. A unit of good g is worth v_ig to agent i,
// however many it has; values are drawn uniformly on [0, 1) for every episode, and everybody begins with
// `units` of every good.
#pragma once

#include <limits>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

struct ResourceTradingSpec {
  int agents = 4, goods = 3;
  int prices = 20;  ///< prices are multiples of one over this, from 0 to 1
  friend constexpr bool operator==(const ResourceTradingSpec&, const ResourceTradingSpec&) = default;
};

/// The action: 0 to accept or 1 to reject; the partner, counted from the next agent on; 0 to sell or 1 to
/// buy; the good; the price. The proposer's answer and the answerer's offer do not matter.
///
/// An agent sees whether it proposes, whether it answers, and the part of the rounds that is left; its
/// values, and how many units it has of each good, over those it began with; the offer to it, if there is
/// one: -1 to sell or 1 to buy as it would, the good one-hot, the price, and who proposed, one-hot from the
/// next agent on; the price of the last deal, and whether there was one. The state is what all see.
template <ResourceTradingSpec Spec = ResourceTradingSpec{}>
struct BasicResourceTrading {
  static_assert(Spec.agents > 1 && Spec.goods > 0 && Spec.prices > 0);
  static constexpr int agents = Spec.agents, goods = Spec.goods, prices = Spec.prices;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr int own_words = 3 + 2 * goods + 1 + goods + 1 + (agents - 1) + 2;
  using Observation = Box<own_words>;
  using State = Box<agents * own_words>;
  using Action = MultiDiscrete<2, agents - 1, 2, goods, prices + 1>;

  struct Config {
    int rounds = 24, units = 2;
    float own = .8f;  ///< weight of an agent's own gain in its reward
    static constexpr void fields(auto& self, auto&& visit) {
      visit("rounds", self.rounds);
      visit("units", self.units);
      visit("own", self.own);
    }
  };

  /// What is proposed. Agents by their numbers.
  struct Offer {
    int seller = 0, buyer = 0, good = 0;
    float price = 0;
  };

  Array<Array<float, goods>, agents> values{};
  Array<Array<int, goods>, agents> holdings{};
  Offer offer{};
  bool open = false;  ///< the offer waits for an answer
  int round = 0, rounds = 0, units = 0;
  int offers = 0, deals = 0;
  float last_price = 0;
  Array<float, agents> gains{};
  float possible = 0;  ///< gain of all if every unit comes to whom it is worth most

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    rounds = ctx.config().rounds;
    units = ctx.config().units;
    for (int i = 0; i < agents; ++i) {
      for (int g = 0; g < goods; ++g) {
        values[i][g] = ctx.random.uniform();
        holdings[i][g] = units;
      }
    }
    for (int g = 0; g < goods; ++g) {
      for (int i = 0; i < agents; ++i) {
        possible += static_cast<float>(units) * (values[best_owner(g)][g] - values[i][g]);
      }
    }
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    if (!open) {
      const int own = proposer();
      const auto& action = actions[own];
      const int partner = (own + 1 + action[1]) % agents;
      const bool sells = action[2] == 0;
      offer = {sells ? own : partner, sells ? partner : own, action[3],
               static_cast<float>(action[4]) / static_cast<float>(prices)};
      open = holdings[offer.seller][offer.good] > 0;
      offers += open ? 1 : 0;
      if (!open) end_round(ctx);
      return;
    }
    if (actions[answerer()][0] == 0) trade(ctx);
    open = false;
    end_round(ctx);
  }

  POLIS_HD void observe(int agent, Row out) const {
    out[0] = !open && agent == proposer() ? 1.f : 0.f;
    out[1] = open && agent == answerer() ? 1.f : 0.f;
    out[2] = static_cast<float>(rounds - round) / static_cast<float>(rounds);
    for (int g = 0; g < goods; ++g) {
      out[3 + g] = values[agent][g];
      out[3 + goods + g] = static_cast<float>(holdings[agent][g]) / static_cast<float>(units);
    }
    const bool asked = open && agent == answerer();
    const Row at = out.from(3 + 2 * goods);
    at[0] = !asked ? 0.f : offer.buyer == agent ? 1.f : -1.f;
    for (int g = 0; g < goods; ++g) at[1 + g] = asked && offer.good == g ? 1.f : 0.f;
    at[1 + goods] = asked ? offer.price : 0.f;
    for (int k = 1; k < agents; ++k) {
      at[1 + goods + k] = asked && (agent + k) % agents == proposer() ? 1.f : 0.f;
    }
    at[1 + goods + agents] = last_price;
    at[2 + goods + agents] = deals > 0 ? 1.f : 0.f;
  }
  POLIS_HD void state(Row out) const {
    for (int i = 0; i < agents; ++i) observe(i, out.from(i * own_words));
  }

  /// Flags of the action's parts one behind the other: only one of those that do not matter stays.
  POLIS_HD void legal(int /*agent*/, Row mask) const {
    mask[1] = open ? 1.f : 0.f;
    int at = 2;
    constexpr auto sizes = Action::sizes;
    for (int k = 1; k < Action::words; ++k) {
      for (int i = 1; i < sizes[k]; ++i) mask[at + i] = open ? 0.f : 1.f;
      at += sizes[k];
    }
  }

  POLIS_HD bool acting(int agent) const { return agent == (open ? answerer() : proposer()); }

  /// The part of the possible gains that was realised; 0 where value was lost.
  POLIS_HD float success() const {
    const float part = efficiency();
    return part > 0 ? part : 0.f;
  }

  /// `efficiency`: gains as a part of those that were possible; deals, the part of offers that were accepted,
  /// and the difference between the largest and the smallest gain.
  void metrics(auto&& visit) const {
    float most = gains[0], least = gains[0];
    for (const float gain : gains) {
      most = gain > most ? gain : most;
      least = gain < least ? gain : least;
    }
    visit("efficiency", static_cast<double>(efficiency()));
    visit("deals", static_cast<double>(deals));
    visit("accepted", offers > 0 ? static_cast<double>(deals) / offers : 0.);
    visit("spread", static_cast<double>(most - least));
  }

  POLIS_HD int proposer() const { return round % agents; }
  POLIS_HD int answerer() const { return offer.seller == proposer() ? offer.buyer : offer.seller; }
  /// To whom the good is worth most.
  POLIS_HD int best_owner(int good) const {
    int best = 0;
    for (int i = 1; i < agents; ++i) best = values[i][good] > values[best][good] ? i : best;
    return best;
  }
  /// What the agent gains if the offer is accepted.
  POLIS_HD float gain(int agent) const {
    const float value = values[agent][offer.good];
    return agent == offer.buyer ? value - offer.price : agent == offer.seller ? offer.price - value : 0.f;
  }

  // ---- What is known.

  /// The proposer sells a unit to whom it is worth most, at the price between both values (`halfway`), or at
  /// the most that the buyer pays. Answerers accept what does not cost them anything.
  struct SellToBest {
    bool halfway = true;
    POLIS_HD Actions<BasicResourceTrading> operator()(const BasicResourceTrading& env,
                                                      const View<BasicResourceTrading>&, Random&) const {
      Actions<BasicResourceTrading> actions{};
      const int own = env.proposer();
      if (env.open) {
        actions[env.answerer()][0] = env.gain(env.answerer()) >= -half_step ? 0 : 1;
        return actions;
      }
      auto& action = actions[own];
      for (int g = 0; g < goods; ++g) {
        const int buyer = env.best_owner(g);
        if (buyer == own || env.holdings[own][g] == 0) continue;
        const float high = env.values[buyer][g], low = env.values[own][g];
        action[1] = (buyer - own - 1 + agents) % agents;
        action[3] = g;
        // Halfway to the nearest step; the most that the buyer pays down to a step.
        action[4] = static_cast<int>(halfway ? (high + low) / 2 * prices + .5f : high * prices);
        return actions;
      }
      action[4] = prices;  // nothing to sell: an offer that nobody takes
      return actions;
    }
  };

  /// Everybody sells and buys at one half, and offers goods in turn to partners in turn.
  struct OnePrice {
    POLIS_HD Actions<BasicResourceTrading> operator()(const BasicResourceTrading& env,
                                                      const View<BasicResourceTrading>&,
                                                      Random& random) const {
      Actions<BasicResourceTrading> actions{};
      if (env.open) {
        actions[env.answerer()][0] = env.gain(env.answerer()) >= 0 ? 0 : 1;
        return actions;
      }
      auto& action = actions[env.proposer()];
      action[1] = random.integer(agents - 1);
      action[3] = random.integer(goods);
      action[2] = env.values[env.proposer()][action[3]] > .5f ? 1 : 0;
      action[4] = prices / 2;
      return actions;
    }
  };

  static void references(const auto&, auto&& visit) {
    visit("sell_to_best", SellToBest{true});
    visit("sell_dear", SellToBest{false});
    visit("one_price", OnePrice{});
  }

  /// Where everybody's turns are enough to sell all it has: every unit comes to whom it is worth most, of n
  /// values n/(n + 1) on average, from one half. NaN otherwise.
  static OptimalValue optimal_value(const View<BasicResourceTrading>& view) {
    const int all = goods * view.config().units;
    if (view.config().rounds < agents * all) return {std::numeric_limits<double>::quiet_NaN()};
    return {all * (static_cast<double>(agents) / (agents + 1) - .5)};
  }

 private:
  static constexpr float half_step = .5f / prices + 1e-6f;  ///< what rounding a price may cost

  POLIS_HD float efficiency() const {
    float total = 0;
    for (const float gain : gains) total += gain;
    return possible > 0 ? total / possible : 1.f;
  }

  POLIS_HD void trade(auto& ctx) {
    ++deals;
    last_price = offer.price;
    float total = 0;
    for (int i = 0; i < agents; ++i) total += gain(i);
    for (int i = 0; i < agents; ++i) {
      const float own = gain(i), weight = ctx.config().own;
      gains[i] += own;
      ctx.reward(i) = weight * own + (1 - weight) * (total - own) / (agents - 1);
    }
    --holdings[offer.seller][offer.good];
    ++holdings[offer.buyer][offer.good];
  }

  POLIS_HD void end_round(auto& ctx) {
    if (++round >= rounds) ctx.terminate();
  }
};

/// Four agents, three goods.
using ResourceTrading = BasicResourceTrading<>;

}  // namespace polis
