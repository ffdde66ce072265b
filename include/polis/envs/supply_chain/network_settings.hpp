// The numbers of a supply network: its settings, what a curriculum may vary, and the parts that rewards are
// made of.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// What the parts of a reward count. Parts are money, costs negative, but for `service`, the share of the
/// period's demand that was met at once, and minus the emissions. Trade is what nodes pay each other: that of
/// all together is zero. It is paid when goods are sent, at prices that grow from the purchase price outside
/// to the reference price of customers by the same amount with every tier.
struct NetworkWeights {
  float revenue = 1, trade = 1, purchase = 1, transport = 1, holding = 1, shortage = 1;
  float emissions = 0, service = 0;
  float cooperation = 0;  ///< share of the mean over active nodes in what each is paid, where rewards are own

  static constexpr void fields(auto& self, auto&& visit) {
    visit("revenue", self.revenue);
    visit("trade", self.trade);
    visit("purchase", self.purchase);
    visit("transport", self.transport);
    visit("holding", self.holding);
    visit("shortage", self.shortage);
    visit("emissions", self.emissions);
    visit("service", self.service);
    visit("cooperation", self.cooperation);
  }
};

/// The parts of a reward, in the order of NetworkWeights.
struct NetworkParts {
  static constexpr int count = 8;
  static constexpr int revenue = 0, trade = 1, purchase = 2, transport = 3, holding = 4, shortage = 5,
                       emissions = 6, service = 7;
  using Values = Array<float, count>;

  POLIS_HD static float weigh(const Values& parts, const NetworkWeights& weight) {
    return weight.revenue * parts[revenue] + weight.trade * parts[trade] + weight.purchase * parts[purchase] +
           weight.transport * parts[transport] + weight.holding * parts[holding] +
           weight.shortage * parts[shortage] + weight.emissions * parts[emissions] +
           weight.service * parts[service];
  }
};

/// The settings of a network of so many tiers.
template <int Tiers>
struct NetworkConfig {
  float mean = 10, deviation = 3;  ///< of the demand for a product at a node that serves customers
  float season = 0;                ///< amplitude of the mean's swing, as a share
  int season_periods = 52;
  float forecast = 0;  ///< correlation of the forecast of a period's demand with the demand, 0 to 1
  float price = 10, purchase = 5;  ///< a unit, of customers and outside
  float elasticity = 1.5f;         ///< demand goes with (price / reference price)^-elasticity
  Array<float, Tiers> holding = default_holding();  ///< a unit in stock and period, by tier
  float in_transit = 1;  ///< of the holding cost where it was sent, a unit under way between nodes and period
  float penalty = 2;     ///< a unit lost, or owed to customers for a period
  float fixed_cost = 0;  ///< an order that is not empty, on any link
  Array<float, 3> transport{{.2f, .6f, .1f}};  ///< a unit by each mode
  Array<float, 3> emissions{{1, 3, .5f}};      ///< a unit and period of the link's lead time, by each mode
  float capacity = 0;  ///< of what a node sends in a period, in mean demands that pass it; 0: no limit
  float down = 0, recover = .25f;  ///< probabilities, each period, that a supplier fails and is up again
  int periods = 100;               ///< an episode is truncated after so many
  NetworkWeights rewards{};

  static constexpr Array<float, Tiers> default_holding() {
    Array<float, Tiers> costs{};
    for (int k = 0; k < Tiers; ++k) costs[k] = k < 3 ? .2f - .05f * static_cast<float>(k) : .05f;
    return costs;
  }
  static constexpr void fields(auto& self, auto&& visit) {
    visit("mean", self.mean);
    visit("deviation", self.deviation);
    visit("season", self.season);
    visit("season_periods", self.season_periods);
    visit("forecast", self.forecast);
    visit("price", self.price);
    visit("purchase", self.purchase);
    visit("elasticity", self.elasticity);
    visit("holding", self.holding);
    visit("in_transit", self.in_transit);
    visit("penalty", self.penalty);
    visit("fixed_cost", self.fixed_cost);
    visit("transport", self.transport);
    visit("emissions", self.emissions);
    visit("capacity", self.capacity);
    visit("down", self.down);
    visit("recover", self.recover);
    visit("periods", self.periods);
    visit("rewards", self.rewards);
  }
};

/// One episode: how much of the network is at work, and how rough it is.
struct NetworkTask {
  int width = 1000;       ///< the first so many nodes of every tier are active
  int products = 1000;    ///< the first so many are sold
  float variability = 1;  ///< multiplies the deviation of demand
  float failures = 1;     ///< multiplies the probability that a supplier fails

  static constexpr void fields(auto& self, auto&& visit) {
    visit("width", self.width);
    visit("products", self.products);
    visit("variability", self.variability);
    visit("failures", self.failures);
  }

  static constexpr int stages = 4;

  /// Stage 0: a fifth of each tier (of the widest's nodes) and three tenths of the products, half the
  /// deviation, no failures; 1: two fifths and six tenths, failures; 2: four fifths, all products, the whole
  /// deviation; 3: everything.
  POLIS_HD static NetworkTask of_stage(int stage, int widest, int all_products) {
    NetworkTask task;
    task.width = stage == 0 ? (widest + 4) / 5 : stage == 1 ? (2 * widest + 4) / 5 : (4 * widest + 4) / 5;
    if (stage > 2) task.width = widest;
    const int tenths = stage == 0 ? 3 : stage == 1 ? 6 : 10;
    task.products = (tenths * all_products + 9) / 10;
    task.variability = stage < 2 ? .5f : 1.f;
    task.failures = stage == 0 ? 0.f : 1.f;
    return task;
  }
};

/// Throws polis::Error for settings that make no network, naming the key.
template <int Tiers>
void check_settings(const NetworkConfig<Tiers>& config) {
  const auto require = [](bool holds, const char* key, float value, const char* expected) {
    if (!holds) throw Error(concat({"the value is ", value}), key, expected);
  };
  const auto share = [&](const char* key, float value) {
    require(value >= 0 && value <= 1, key, value, "between 0 and 1");
  };
  require(config.mean > 0, "mean", config.mean, "a number above 0");
  require(config.deviation >= 0, "deviation", config.deviation, "a number of at least 0");
  require(config.season_periods > 0, "season_periods", static_cast<float>(config.season_periods),
          "at least 1");
  require(config.capacity >= 0, "capacity", config.capacity, "a number of at least 0; 0: no limit");
  share("season", config.season);
  share("forecast", config.forecast);
  share("down", config.down);
  share("recover", config.recover);
  share("rewards.cooperation", config.rewards.cooperation);
}

}  // namespace polis
