// Cournot competition: firms choose how much to make, and the market what it pays for all of it.
//
// A. Cournot 1838. n firms make q_1 .. q_n at a cost of c each unit; the price is a - b Q, Q the sum, and not
// below 0. What each earns is (P - c) q_i. Where every firm responds best to the others each makes
// (a - c) / (b (n + 1)); together they would earn most with (a - c) / (2 b n) each, which is a cartel that
// each of them gains by leaving.
//
//     a = 100, b = 1, c = 10     n = 1   45 each, profit 2025
//                                n = 2   30 each, profit  900     cartel 22.5 each, profit 1012.5
//                                n = 3   22.5 each, profit 506.25        15 each, profit 675
#pragma once

#include <limits>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// Demand and costs of a Cournot market.
struct CournotConfig {
  float choke_price = 100;    ///< a: the price of the first unit
  float slope = 1;            ///< b: how much the price falls for each unit
  float cost = 10;            ///< c: of making a unit
  float reward_scale = .01f;  ///< rewards are profits times this

  static constexpr void fields(auto& self, auto&& visit) {
    visit("choke_price", self.choke_price);
    visit("slope", self.slope);
    visit("cost", self.cost);
    visit("reward_scale", self.reward_scale);
  }
};

/// `Firms` of them, for `Periods` periods that know nothing of one another; then the episode terminates. A
/// firm sees the quantities of the last period, its own first, as shares of all that it can make: 0 before
/// the first.
template <int Firms = 2, int Periods = 1>
struct Cournot {
  static_assert(Firms > 0 && Periods > 0);
  static constexpr int agents = Firms;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr float capacity = 100;
  using Observation = Box<Firms>;
  using State = Box<Firms>;
  struct Action : Box<1> {  ///< the quantity
    static constexpr float low = 0, high = capacity;
  };
  using Config = CournotConfig;

  Array<float, Firms> quantity{};  ///< of the last period
  Array<float, Firms> profit{};    ///< in the last period
  Array<float, Firms> earned{};    ///< in the episode
  float price = 0;
  int period = 0;

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    constexpr float most = capacity;  // in device code a static member has a value but no address
    for (int i = 0; i < Firms; ++i) quantity[i] = math::clamp(actions[i][0], 0.f, most);
    price = price_of(total(), config);
    for (int i = 0; i < Firms; ++i) {
      profit[i] = (price - config.cost) * quantity[i];
      earned[i] += profit[i];
      ctx.reward(i) = config.reward_scale * profit[i];
    }
    if (++period == Periods) ctx.terminate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    int at = 0;
    out[at++] = quantity[agent] / capacity;
    for (int i = 0; i < Firms; ++i) {
      if (i != agent) out[at++] = quantity[i] / capacity;
    }
  }
  POLIS_HD void state(Row out) const { observe(0, out); }

  /// What the others would have been paid for the last period, had the firm made nothing.
  template <class V>
  POLIS_HD float counterfactual(int agent, const V& view) const {
    const float others = total() - quantity[agent];
    return view.config().reward_scale * (price_of(others, view.config()) - view.config().cost) * others;
  }

  /// Of the last period: `price` and what all made, `output`; `profit`, of a firm and period on the mean.
  void metrics(auto&& visit) const {
    double sum = 0;
    for (int i = 0; i < Firms; ++i) sum += static_cast<double>(earned[i]);
    visit("price", static_cast<double>(price));
    visit("output", static_cast<double>(total()));
    visit("profit", sum / (Firms * (period > 0 ? period : 1)));
  }

  /// What each makes in equilibrium, and in the cartel of all.
  POLIS_HD static float equilibrium(const Config& config) {
    return (config.choke_price - config.cost) / (config.slope * static_cast<float>(Firms + 1));
  }
  POLIS_HD static float cartel(const Config& config) {
    return (config.choke_price - config.cost) / (config.slope * static_cast<float>(2 * Firms));
  }
  /// The best that a firm can make where the others together make `others`.
  POLIS_HD static float best_response(float others, const Config& config) {
    const float best = (config.choke_price - config.cost - config.slope * others) / (2 * config.slope);
    constexpr float most = capacity;
    return math::clamp(best, 0.f, most);
  }
  POLIS_HD static float price_of(float output, const Config& config) {
    return math::max(config.choke_price - config.slope * output, 0.f);
  }

  /// `equilibrium` and `cartel`.
  static void references(const auto&, auto&& visit) {
    const auto all = [](float each) {
      Actions<Cournot> actions{};
      for (int i = 0; i < Firms; ++i) actions[i] = {{each}};
      return actions;
    };
    visit("equilibrium",
          [all](const auto&, const auto& view, Random&) { return all(equilibrium(view.config())); });
    visit("cartel", [all](const auto&, const auto& view, Random&) { return all(cartel(view.config())); });
  }

  /// The cartel's profit, as the mean over firms of the episode's rewards; not known where the firms cannot
  /// make as much as it would.
  static OptimalValue optimal_value(const auto& view) {
    const Config& config = view.config();
    if (cartel(config) > capacity) return {std::numeric_limits<double>::quiet_NaN()};
    const auto margin = static_cast<double>(config.choke_price - config.cost);
    return {static_cast<double>(config.reward_scale) * Periods * margin * margin /
            (4. * static_cast<double>(config.slope) * Firms)};
  }

 private:
  POLIS_HD float total() const {
    float sum = 0;
    for (int i = 0; i < Firms; ++i) sum += quantity[i];
    return sum;
  }
};

}  // namespace polis
