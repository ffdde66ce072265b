// Selling a large position: optimal execution (R. Almgren and N. Chriss, "Optimal execution of portfolio
// transactions", 2001), and the game of several who sell at once (B. Carlin, M. Lobo and S. Viswanathan,
// "Episodic liquidity crises", 2007).
//
// Order of events in a step of length tau, of which there are `steps`:
//   1. every seller says what part of what it has left it sells; at the last step it sells all;
//   2. all trade at the price before the step, less epsilon + eta N/tau, N being what all sell now: this
//   impact
//      is temporary;
//   3. the price falls by gamma N, for good, and moves by sigma sqrt(tau) times a standard normal number;
//   4. a seller that has x left is paid minus what it expects to lose by this step, gamma N x + n (epsilon +
//      eta N/tau), and minus risk sigma^2 tau x^2: the noise of the price is in the metrics, not in rewards.
// The sum of one seller's rewards is -(E + risk V), E and V being the mean and the variance of what it loses.
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

/// Part of what is left.
struct PartSold : Box<1> {
  static constexpr float low = 0, high = 1;
};

/// Impacts are dollars a share, `amount` is in shares, `horizon` in days. Rewards are in units of `unit`
/// dollars. The defaults are the paper's.
struct LiquidationConfig {
  float amount = 1e6f;  ///< that every seller begins with
  float price = 50, deviation = .95f;
  float epsilon = .0625f, gamma = 2.5e-7f, eta = 2.5e-6f;
  float risk = 1e-6f;  ///< lambda, a dollar
  float horizon = 5;
  int steps = 5;
  float unit = 1e6f;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("amount", self.amount);
    visit("price", self.price);
    visit("deviation", self.deviation);
    visit("epsilon", self.epsilon);
    visit("gamma", self.gamma);
    visit("eta", self.eta);
    visit("risk", self.risk);
    visit("horizon", self.horizon);
    visit("steps", self.steps);
    visit("unit", self.unit);
  }
  [[nodiscard]] POLIS_HD double tau() const { return static_cast<double>(horizon) / steps; }

  /// Of one seller, Almgren and Chriss's kappa: what is left falls as sinh(kappa (T - t)). 0 without risk.
  [[nodiscard]] POLIS_HD double kappa() const {
    const double t = tau(), sigma = static_cast<double>(deviation);
    const double temporary = static_cast<double>(eta) - static_cast<double>(gamma) * t / 2;
    const double x = static_cast<double>(risk) * sigma * sigma * t * t / (2 * temporary);
    return math::log(1 + x + math::sqrt(x * (x + 2))) / t;  // acosh(1 + x)
  }
  /// What is optimal to have left of one unit after `done` steps.
  [[nodiscard]] POLIS_HD double optimal_rest(int done) const {
    const double k = kappa(), end = static_cast<double>(horizon), t = done * tau();
    if (done >= steps) return 0;
    if (k * end < 1e-4) return 1 - t / end;
    // sinh(k (T - t)) / sinh(k T), without large numbers.
    return math::exp(-k * t) * (1 - math::exp(-2 * k * (end - t))) / (1 - math::exp(-2 * k * end));
  }
  /// What is left of one unit in the open-loop equilibrium of several sellers without risk, in continuous
  /// time: all sell at a rate proportional to e^(-kt), k = (n - 1)/(n + 1) gamma/eta.
  [[nodiscard]] POLIS_HD double equilibrium_rest(int sellers, int done) const {
    const double end = static_cast<double>(horizon), t = done * tau();
    const double k = (sellers - 1.) / (sellers + 1.) * static_cast<double>(gamma) / static_cast<double>(eta);
    if (done >= steps) return 0;
    if (k * end < 1e-4) return 1 - t / end;
    return (math::exp(-k * t) - math::exp(-k * end)) / (1 - math::exp(-k * end));
  }
};

/// Sellers see what part they have left, and the part of time that is left; the state is the same of all.
template <int Sellers = 1>
struct Liquidation {
  static_assert(Sellers > 0);
  static constexpr int agents = Sellers;
  static constexpr RewardStructure rewards =
      Sellers == 1 ? RewardStructure::shared : RewardStructure::general_sum;
  using Observation = Box<2>;
  using State = Box<Sellers + 1>;
  using Action = PartSold;
  using Config = LiquidationConfig;

  Array<float, Sellers> rest{};  ///< as a part of the amount
  float time_left = 1;
  int step_count = 0;
  double move = 0;  ///< of the price from the first, in dollars
  Array<double, Sellers> earned{};
  double temporary = 0, cost = 0;  // of all sellers

  POLIS_HD void reset(auto&) {
    *this = {};
    for (float& part : rest) part = 1;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const bool last = step_count + 1 >= config.steps;
    const auto amount = static_cast<double>(config.amount), tau = config.tau();
    const auto gamma = static_cast<double>(config.gamma), eta = static_cast<double>(config.eta);
    const auto epsilon = static_cast<double>(config.epsilon), sigma = static_cast<double>(config.deviation);
    Array<double, Sellers> sold{};
    double all = 0;
    for (int i = 0; i < Sellers; ++i) {
      const float part = last ? rest[i] : rest[i] * actions[i][0];
      rest[i] = last ? 0.f : rest[i] - part;
      sold[i] = amount * static_cast<double>(part);
      all += sold[i];
    }
    const double below = epsilon + eta * all / tau;
    for (int i = 0; i < Sellers; ++i) {
      const double left = amount * static_cast<double>(rest[i]);
      const double lost = gamma * all * left + sold[i] * below;
      const double penalty = static_cast<double>(config.risk) * sigma * sigma * tau * left * left;
      ctx.reward(i) = static_cast<float>(-(lost + penalty) / static_cast<double>(config.unit));
      earned[i] += sold[i] * (move - below);
      temporary += sold[i] * eta * all / tau;
      cost += lost + penalty;
    }
    move += -gamma * all + sigma * math::sqrt(tau) * static_cast<double>(ctx.random.normal());
    ++step_count;
    time_left = 1 - static_cast<float>(step_count) / static_cast<float>(config.steps);
    if (last) ctx.terminate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    out[0] = rest[agent];
    out[1] = time_left;
  }
  POLIS_HD void state(Row out) const {
    for (int i = 0; i < Sellers; ++i) out[i] = rest[i];
    out[Sellers] = time_left;
  }

  /// Means over the sellers, in dollars: the `cost` that was paid for, with risk; the `shortfall`, what was
  /// lost against the first price, with the noise; the cost of temporary impact but for epsilon.
  void metrics(auto&& visit) const {
    double shortfall = 0;
    for (const double money : earned) shortfall -= money / Sellers;
    visit("cost", cost / Sellers);
    visit("shortfall", shortfall);
    visit("temporary", temporary / Sellers);
  }

  // ---- What is known.

  enum class Schedule { optimal, constant_rate, equilibrium };
  struct Scheduled {
    Schedule schedule;
    POLIS_HD Actions<Liquidation> operator()(const Liquidation& env, const View<Liquidation>& view,
                                             Random&) const {
      const Config& config = view.config();
      const auto planned = [&](int done) {
        if (schedule == Schedule::optimal) return config.optimal_rest(done);
        if (schedule == Schedule::equilibrium) return config.equilibrium_rest(Sellers, done);
        return 1 - static_cast<double>(done) / config.steps;
      };
      const double now = planned(env.step_count), next = planned(env.step_count + 1);
      Actions<Liquidation> actions{};
      for (int i = 0; i < Sellers; ++i) {
        actions[i][0] = now > 0 ? static_cast<float>(1 - next / now) : 1.f;
      }
      return actions;
    }
  };

  /// `constant_rate`, what several sellers would agree on where risk costs nothing; of one seller
  /// `almgren_chriss`, the optimum; of several `equilibrium`.
  static void references(const View<Liquidation>&, auto&& visit) {
    visit("constant_rate", Scheduled{Schedule::constant_rate});
    if constexpr (Sellers == 1) {
      visit("almgren_chriss", Scheduled{Schedule::optimal});
    } else {
      visit("equilibrium", Scheduled{Schedule::equilibrium});
    }
  }

  /// Of one seller; of several where risk costs nothing and the temporary impact is the larger.
  static OptimalValue optimal_value(const View<Liquidation>& view) {
    const Config& config = view.config();
    const double one = static_cast<double>(config.eta) / config.tau();
    const auto gamma = static_cast<double>(config.gamma);
    if ((Sellers > 1 && config.risk != 0) || one <= gamma / 2) {
      return {std::numeric_limits<double>::quiet_NaN()};
    }
    const auto all = static_cast<double>(config.amount), sigma = static_cast<double>(config.deviation);
    double cost = static_cast<double>(config.epsilon) * all;
    for (int k = 1; k <= config.steps; ++k) {
      const double left = all * config.optimal_rest(k), sold = all * config.optimal_rest(k - 1) - left;
      cost += gamma * Sellers * sold * left + one * Sellers * sold * sold;
      cost += static_cast<double>(config.risk) * sigma * sigma * config.tau() * left * left;
    }
    return {-cost / static_cast<double>(config.unit)};
  }
};

}  // namespace polis
