// Trading a price that comes back: X' = stays X + e, an autoregression of first order whose shocks e are
// normal with deviation sigma, and a trader with mean-variance utility of each step.
//
// Order of events in a step:
//   1. the trader sees the price X and says what amount q of the asset to hold;
//   2. the price moves to X';
//   3. it is paid q (X' - X), less risk/2 sigma^2 q^2.
// The best amount, -(1 - stays) X/(risk sigma^2), maximises every step by itself, since what is held does not
// move the price and may be changed at no cost. Episodes begin with a price from the stationary distribution,
// and are truncated.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The amount to hold, in deviations of what is best to hold.
struct HeldAmount : Box<1> {
  static constexpr float low = -5, high = 5;
};

struct MeanReversionConfig {
  float stays = .9f, deviation = 1;  ///< phi, within (-1, 1), and sigma
  float risk = 1;                    ///< gamma
  int steps = 250;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("stays", self.stays);
    visit("deviation", self.deviation);
    visit("risk", self.risk);
    visit("steps", self.steps);
  }
  /// Deviations in the long run: of the price, and of the best amount.
  [[nodiscard]] POLIS_HD float price_unit() const {
    return deviation / math::sqrt((1 - stays) * (1 + stays));
  }
  [[nodiscard]] POLIS_HD float amount_unit() const {
    return (1 - stays) * price_unit() / (risk * deviation * deviation);
  }
  /// What a step earns at best on average: (1 - phi)/(2 gamma (1 + phi)).
  [[nodiscard]] POLIS_HD double best_average() const {
    const auto phi = static_cast<double>(stays);
    return (1 - phi) / (2 * static_cast<double>(risk) * (1 + phi));
  }
};

/// One trader, who sees the price in its deviations.
struct MeanReversion {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<1>;
  using Action = HeldAmount;
  using Config = MeanReversionConfig;

  float price = 0;
  int step_count = 0;
  double gain = 0, squares = 0;  // summed over steps

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    price = ctx.config().price_unit() * ctx.random.normal();
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const float amount = actions[0][0] * config.amount_unit();
    const float next = config.stays * price + config.deviation * ctx.random.normal();
    const float earned = amount * (next - price);
    ctx.reward(0) = earned - config.risk / 2 * config.deviation * config.deviation * amount * amount;
    gain += static_cast<double>(earned);
    squares += static_cast<double>(amount) * static_cast<double>(amount);
    price = next;
    if (++step_count >= config.steps) ctx.truncate();
  }

  POLIS_HD void observe(int /*agent*/, Row out, const View<MeanReversion>& view) const {
    out[0] = price / view.config().price_unit();
  }

  /// Means over the steps: what was gained, and the square of what was held.
  void metrics(auto&& visit) const {
    const double count = step_count > 0 ? step_count : 1;
    visit("gain", gain / count);
    visit("squared_amount", squares / count);
  }

  // ---- What is known.

  /// Bets on the price's return: as much as is best, or the same amount however far it is.
  struct Contrarian {
    bool by_distance;
    POLIS_HD Actions<MeanReversion> operator()(const MeanReversion& env, const View<MeanReversion>& view,
                                               Random&) const {
      constexpr float low = Action::low, high = Action::high;
      const float distance = env.price / view.config().price_unit();
      Actions<MeanReversion> actions{};
      actions[0][0] =
          by_distance ? math::clamp(-distance, low, high) : (distance > 0 ? -sign_amount : sign_amount);
      return actions;
    }
  };
  /// The best amount for who knows on which side the price is and not how far: the mean of |x| of a standard
  /// normal number, root of 2/pi. It earns 2/pi of the optimum.
  static constexpr float sign_amount = .79788456f;

  /// `optimal`; `by_sign`, the best that does not go by how far the price is.
  static void references(const View<MeanReversion>&, auto&& visit) {
    visit("optimal", Contrarian{true});
    visit("by_sign", Contrarian{false});
  }

  /// But for amounts beyond the bounds, which nearly never are wanted.
  static OptimalValue optimal_value(const View<MeanReversion>& view) {
    return {view.config().best_average(), OptimalValue::Of::step};
  }
};

}  // namespace polis
