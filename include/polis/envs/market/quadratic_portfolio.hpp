// A portfolio that trades on a signal at quadratic costs (N. Garleanu and L. Pedersen, "Dynamic trading with
// predictable returns and transaction costs", 2013), of one asset and one signal.
//
// Order of events in a step:
//   1. the trader sees the signal f and the position x that it holds, and says what position x' to hold;
//   2. the change costs cost/2 variance (x' - x)^2, the paper's Lambda being cost times Sigma;
//   3. x' earns what the signal promises, exposure f x', less risk/2 variance x'^2. The rest of the return is
//      noise that gains nothing on average; it would hide what rules differ in, and is left out;
//   4. the signal moves to (1 - decay) f + deviation times a standard normal number.
// Episodes begin without a position, with a signal from its stationary distribution, and are truncated.
#pragma once

#include <limits>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// A position that is linear in what is seen: keep times the one before, plus react times the signal.
struct LinearRule {
  double keep, react;
};

/// The optimum (their section II, with Lambda = lambda Sigma): in every step the part `rate` of the way to
/// `aim` times the signal is traded.
struct GarleanuPedersen {
  double rate, aim;
  /// With discounting, a gain of the next step counts 1 - discount_rate of a cost paid now.
  POLIS_HD static GarleanuPedersen of(double risk, double variance, double cost, double exposure,
                                      double decay, double discount_rate = 0) {
    const double rest = 1 - discount_rate, linear = risk * rest + cost * discount_rate;
    const double a = (math::sqrt(linear * linear + 4 * risk * cost * rest * rest) - linear) / (2 * rest);
    return {a / cost, exposure / (risk * variance * (1 + a * decay / risk))};
  }
  [[nodiscard]] POLIS_HD LinearRule rule() const { return {1 - rate, rate * aim}; }
};

/// Numbers are those of a step. The defaults leave the myopic rule 88.5% of what is optimal.
struct QuadraticPortfolioConfig {
  float exposure = .1f, decay = .1f, deviation = .05f;  ///< B, Phi and the deviation of the signal's shocks
  float variance = .04f, risk = 1, cost = 5;            ///< Sigma, gamma and lambda
  int steps = 250;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("exposure", self.exposure);
    visit("decay", self.decay);
    visit("deviation", self.deviation);
    visit("variance", self.variance);
    visit("risk", self.risk);
    visit("cost", self.cost);
    visit("steps", self.steps);
  }
  /// Of the signal in the long run.
  [[nodiscard]] POLIS_HD double signal_variance() const {
    const double stays = 1 - static_cast<double>(decay), sigma = static_cast<double>(deviation);
    return sigma * sigma / (1 - stays * stays);
  }
  /// The best rule; the best where costs are paid but what comes after the step does not count; the best
  /// without costs.
  [[nodiscard]] POLIS_HD LinearRule optimal() const {
    return GarleanuPedersen::of(static_cast<double>(risk), static_cast<double>(variance),
                                static_cast<double>(cost), static_cast<double>(exposure),
                                static_cast<double>(decay))
        .rule();
  }
  [[nodiscard]] POLIS_HD LinearRule myopic() const {
    const auto gamma = static_cast<double>(risk), lambda = static_cast<double>(cost);
    const double scale = gamma + lambda;
    return {lambda / scale, static_cast<double>(exposure) / (static_cast<double>(variance) * scale)};
  }
  [[nodiscard]] POLIS_HD LinearRule markowitz() const {
    return {0, static_cast<double>(exposure) / (static_cast<double>(risk) * static_cast<double>(variance))};
  }
  /// Deviations in the long run: of the signal, and of the Markowitz portfolio, in which positions are told.
  [[nodiscard]] POLIS_HD float signal_unit() const {
    return static_cast<float>(math::sqrt(signal_variance()));
  }
  [[nodiscard]] POLIS_HD float position_unit() const {
    return static_cast<float>(markowitz().react * math::sqrt(signal_variance()));
  }
};

/// The reward of a step that a linear rule earns in the long run, exactly; NaN where its position has no
/// stationary distribution.
POLIS_HD inline double average_reward(const QuadraticPortfolioConfig& config, const LinearRule& rule) {
  if (math::abs(rule.keep) >= 1) return std::numeric_limits<double>::quiet_NaN();
  const double stays = 1 - static_cast<double>(config.decay), signal = config.signal_variance();
  // E[x' f] with x' = keep x + react f, and x and the signal before f; E[x f]; E[x'^2]; E[x' x].
  const double with_signal = rule.react * signal / (1 - rule.keep * stays);
  const double before = stays * with_signal;
  const double square =
      rule.react * (2 * rule.keep * before + rule.react * signal) / (1 - rule.keep * rule.keep);
  const double traded = 2 * square - 2 * (rule.keep * square + rule.react * before);
  return static_cast<double>(config.exposure) * with_signal -
         static_cast<double>(config.variance) / 2 *
             (static_cast<double>(config.risk) * square + static_cast<double>(config.cost) * traded);
}

/// The position to hold, in deviations of the Markowitz portfolio.
struct HeldPosition : Box<1> {
  static constexpr float low = -5, high = 5;
};

/// One trader, who sees its position and the signal, each in its unit.
struct QuadraticPortfolio {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<2>;
  using Action = HeldPosition;
  using Config = QuadraticPortfolioConfig;

  float position = 0, signal = 0;
  int step_count = 0;
  double gain = 0, penalty = 0, paid = 0;  // summed over steps

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    signal = ctx.config().signal_unit() * ctx.random.normal();
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const float next = actions[0][0] * config.position_unit(), change = next - position;
    const float earned = config.exposure * signal * next;
    const float risked = config.risk / 2 * config.variance * next * next;
    const float traded = config.cost / 2 * config.variance * change * change;
    ctx.reward(0) = earned - risked - traded;
    gain += static_cast<double>(earned);
    penalty += static_cast<double>(risked);
    paid += static_cast<double>(traded);
    position = next;
    signal = (1 - config.decay) * signal + config.deviation * ctx.random.normal();
    if (++step_count >= config.steps) ctx.truncate();
  }

  POLIS_HD void observe(int /*agent*/, Row out, const View<QuadraticPortfolio>& view) const {
    out[0] = position / view.config().position_unit();
    out[1] = signal / view.config().signal_unit();
  }

  /// Means over the steps: what positions gained, what they are charged for their risk, what trading cost.
  void metrics(auto&& visit) const {
    const double count = step_count > 0 ? step_count : 1;
    visit("gain", gain / count);
    visit("risk", penalty / count);
    visit("cost", paid / count);
  }

  // ---- What is known.

  struct Linear {
    LinearRule rule;
    POLIS_HD Actions<QuadraticPortfolio> operator()(const QuadraticPortfolio& env,
                                                    const View<QuadraticPortfolio>& view, Random&) const {
      constexpr float low = Action::low, high = Action::high;
      const double next =
          rule.keep * static_cast<double>(env.position) + rule.react * static_cast<double>(env.signal);
      Actions<QuadraticPortfolio> actions{};
      actions[0][0] = math::clamp(static_cast<float>(next) / view.config().position_unit(), low, high);
      return actions;
    }
  };

  /// `optimal`, Garleanu and Pedersen's; `myopic`, best for the step alone; `markowitz`, best without costs.
  static void references(const View<QuadraticPortfolio>& view, auto&& visit) {
    visit("optimal", Linear{view.config().optimal()});
    visit("myopic", Linear{view.config().myopic()});
    visit("markowitz", Linear{view.config().markowitz()});
  }

  static OptimalValue optimal_value(const View<QuadraticPortfolio>& view) {
    return {average_reward(view.config(), view.config().optimal()), OptimalValue::Of::step};
  }
};

}  // namespace polis
