// Informed traders in a market whose maker learns from what is ordered (A. Kyle, "Continuous auctions and
// insider trading", 1985; several of them: C. Holden and A. Subrahmanyam, 1992).
//
// Order of events: the value v of the asset is drawn, normal with deviation sv around p0, and all informed
// traders see it; each orders an amount x_i; noise traders order u, normal with deviation su; the market
// maker sees the sum of all orders y alone and sets the price p0 + lambda y; trader i is paid (v - price)
// x_i. The episode terminates.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The linear equilibrium with n informed traders: each orders beta (v - p0), and lambda is such that the
/// price is the expectation of v given the orders.
struct KyleEquilibrium {
  double beta, lambda, profit;  ///< the profit of each on average
  POLIS_HD static constexpr KyleEquilibrium of(int traders, double value_deviation, double noise_deviation,
                                               double root_of_traders) {
    return {noise_deviation / (value_deviation * root_of_traders),
            root_of_traders / (traders + 1) * value_deviation / noise_deviation,
            noise_deviation * value_deviation / (root_of_traders * (traders + 1))};
  }
};

/// An order, in deviations of the noise traders' orders.
struct KyleOrder : Box<1> {
  static constexpr float low = -5, high = 5;
};

/// Traders see the value's distance from p0 in deviations. The market maker's lambda is that of the
/// equilibrium, or the settings' where it is above 0.
template <int Traders = 1>
struct KyleMarket {
  static_assert(Traders > 0);
  static constexpr int agents = Traders;
  static constexpr RewardStructure rewards =
      Traders == 1 ? RewardStructure::shared : RewardStructure::general_sum;
  using Observation = Box<1>;
  using Action = KyleOrder;

  struct Config {
    float value_deviation = 1, noise_deviation = 1;
    float lambda = 0;  ///< 0: that of the equilibrium
    static constexpr void fields(auto& self, auto&& visit) {
      visit("value_deviation", self.value_deviation);
      visit("noise_deviation", self.noise_deviation);
      visit("lambda", self.lambda);
    }
    [[nodiscard]] POLIS_HD KyleEquilibrium equilibrium() const {
      return KyleEquilibrium::of(Traders, static_cast<double>(value_deviation),
                                 static_cast<double>(noise_deviation),
                                 math::sqrt(static_cast<double>(Traders)));
    }
    [[nodiscard]] POLIS_HD float impact() const {
      return lambda > 0 ? lambda : static_cast<float>(equilibrium().lambda);
    }
  };

  float surprise = 0;  ///< v - p0 in deviations
  float error = 0;     ///< v less the price
  float orders = 0;    ///< of the informed, in deviations of the noise

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    surprise = ctx.random.normal();
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    for (int i = 0; i < Traders; ++i) orders += actions[i][0];
    const float all = (orders + ctx.random.normal()) * config.noise_deviation;
    error = surprise * config.value_deviation - config.impact() * all;
    for (int i = 0; i < Traders; ++i) ctx.reward(i) = error * actions[i][0] * config.noise_deviation;
    ctx.terminate();
  }

  POLIS_HD void observe(int /*agent*/, Row out) const { out[0] = surprise; }

  /// What is left unknown when the price is set: (v - price)^2; and the part of the surprise that each
  /// ordered.
  void metrics(auto&& visit) const {
    visit("squared_error", static_cast<double>(error) * static_cast<double>(error));
    visit("aggressiveness",
          surprise != 0 ? static_cast<double>(orders) / Traders / static_cast<double>(surprise) : 0.);
  }

  /// All order this part of the surprise, in deviations of both.
  struct Proportional {
    float part;
    POLIS_HD Actions<KyleMarket> operator()(const KyleMarket& env, const View<KyleMarket>&, Random&) const {
      constexpr float low = Action::low, high = Action::high;
      Actions<KyleMarket> actions{};
      for (int i = 0; i < Traders; ++i) actions[i][0] = math::clamp(part * env.surprise, low, high);
      return actions;
    }
  };

  /// `equilibrium`: each responds best to the others and to the market maker's lambda; `collusion`: together
  /// they order what one alone would.
  static void references(const View<KyleMarket>& view, auto&& visit) {
    visit("equilibrium", Proportional{monopoly(view.config()) * 2 / (Traders + 1)});
    if constexpr (Traders > 1) visit("collusion", Proportional{monopoly(view.config()) / Traders});
  }

  /// Of all on average, where they order together what one alone would, against the same lambda (but for
  /// orders beyond the bounds, which nearly never are wanted): sv^2 / (4 lambda) in all.
  static OptimalValue optimal_value(const View<KyleMarket>& view) {
    const auto deviation = static_cast<double>(view.config().value_deviation);
    return {deviation * deviation / (4 * static_cast<double>(view.config().impact()) * Traders)};
  }

 private:
  /// The part of the surprise that a trader alone orders, 1/(2 lambda), in deviations.
  POLIS_HD static float monopoly(const Config& config) {
    return config.value_deviation / (2 * config.impact() * config.noise_deviation);
  }
};

}  // namespace polis
