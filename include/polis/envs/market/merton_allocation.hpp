// Wealth between a risky asset and cash whose prospects never change (R. Merton, "Lifetime portfolio
// selection under uncertainty: the continuous-time case", 1969; J. Kelly, 1956, for who maximises growth).
//
// Order of events in a step of length dt, of which there are `steps`:
//   1. the investor says what share of its wealth the risky asset is to be; below 0 it is sold short, above 1
//      bought on credit at the rate of cash;
//   2. the share is held at that through the step, by trading all the time at no cost, while the asset's
//      price follows a geometric Brownian motion: the logarithm of wealth grows by (r + share (mu - r) -
//      share^2 sigma^2/2) dt + share sigma sqrt(dt) times a standard normal number;
//   3. the investor is paid what its utility of wealth, W^(1 - gamma)/(1 - gamma), grew by.
// Wealth begins at 1, so that the sum of rewards is the utility of the final wealth less that of 1.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The share of wealth in the risky asset.
struct RiskyShare : Box<1> {
  static constexpr float low = -1, high = 2;
};

/// Rates are per unit of time, a year in the defaults, and continuously compounded.
struct MertonConfig {
  float drift = .08f, rate = .02f, deviation = .2f;  ///< mu, r and sigma
  float risk_aversion = 3;                           ///< gamma; 1 is logarithmic utility
  float horizon = 1;
  int steps = 10;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("drift", self.drift);
    visit("rate", self.rate);
    visit("deviation", self.deviation);
    visit("risk_aversion", self.risk_aversion);
    visit("horizon", self.horizon);
    visit("steps", self.steps);
  }
  [[nodiscard]] POLIS_HD double dt() const { return static_cast<double>(horizon) / steps; }
  /// What share somebody of this risk aversion holds at all times: (mu - r)/(gamma sigma^2).
  [[nodiscard]] POLIS_HD double best_share(double aversion) const {
    const auto sigma = static_cast<double>(deviation);
    return (static_cast<double>(drift) - static_cast<double>(rate)) / (aversion * sigma * sigma);
  }
  /// The sure rate of growth that is worth as much as holding this share: r + share (mu - r) - gamma share^2
  /// sigma^2/2.
  [[nodiscard]] POLIS_HD double certainty_equivalent(double share) const {
    const auto sigma = static_cast<double>(deviation), r = static_cast<double>(rate);
    return r + share * (static_cast<double>(drift) - r) -
           static_cast<double>(risk_aversion) / 2 * share * share * sigma * sigma;
  }
  /// The utility of wealth e^log_wealth, less that of wealth 1.
  [[nodiscard]] POLIS_HD double utility(double log_wealth) const {
    const double power = 1 - static_cast<double>(risk_aversion);
    return math::abs(power) < 1e-9 ? log_wealth : (math::exp(power * log_wealth) - 1) / power;
  }
};

/// One investor, who sees the logarithm of its wealth and the part of time that is left; what is best depends
/// on neither.
struct MertonAllocation {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<2>;
  using Action = RiskyShare;
  using Config = MertonConfig;

  double log_wealth = 0, shares = 0;  // the latter summed over steps
  float time_left = 1;
  int step_count = 0;

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const auto share = static_cast<double>(actions[0][0]), r = static_cast<double>(config.rate);
    const double dt = config.dt(), volatility = share * static_cast<double>(config.deviation);
    const double growth = r + share * (static_cast<double>(config.drift) - r) - volatility * volatility / 2;
    const double before = config.utility(log_wealth);
    log_wealth += growth * dt + volatility * math::sqrt(dt) * static_cast<double>(ctx.random.normal());
    ctx.reward(0) = static_cast<float>(config.utility(log_wealth) - before);
    shares += share;
    ++step_count;
    time_left = 1 - static_cast<float>(step_count) / static_cast<float>(config.steps);
    if (step_count >= config.steps) ctx.terminate();
  }

  POLIS_HD void observe(int /*agent*/, Row out) const {
    out[0] = static_cast<float>(log_wealth);
    out[1] = time_left;
  }

  /// Final wealth and its logarithm, and the share of the risky asset on average over time.
  void metrics(auto&& visit) const {
    visit("wealth", math::exp(log_wealth));
    visit("log_wealth", log_wealth);
    visit("share", shares / (step_count > 0 ? step_count : 1));
  }

  // ---- What is known.

  /// The same share at all times.
  struct Constant {
    float share;
    POLIS_HD Actions<MertonAllocation> operator()(const MertonAllocation&, const View<MertonAllocation>&,
                                                  Random&) const {
      constexpr float low = Action::low, high = Action::high;
      Actions<MertonAllocation> actions{};
      actions[0][0] = math::clamp(share, low, high);
      return actions;
    }
  };

  /// `merton`, the optimum; `kelly`, the fastest growth, which is optimal for a risk aversion of 1; `all_in`,
  /// the risky asset alone; `cash`.
  static void references(const View<MertonAllocation>& view, auto&& visit) {
    const Config& config = view.config();
    visit("merton",
          Constant{static_cast<float>(config.best_share(static_cast<double>(config.risk_aversion)))});
    visit("kelly", Constant{static_cast<float>(config.best_share(1))});
    visit("all_in", Constant{1});
    visit("cash", Constant{0});
  }

  /// Of the best share within the bounds, which is the best at all times and with any wealth.
  static OptimalValue optimal_value(const View<MertonAllocation>& view) {
    constexpr double low = static_cast<double>(Action::low), high = static_cast<double>(Action::high);
    const Config& config = view.config();
    const double best = math::clamp(config.best_share(static_cast<double>(config.risk_aversion)), low, high);
    return {config.utility(config.certainty_equivalent(best) * static_cast<double>(config.horizon))};
  }
};

}  // namespace polis
