// One bar of trading on an account: orders fill, costs are paid, positions move with their prices.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/market/account.hpp>
#include <polis/envs/market/settings.hpp>

namespace polis {

/// What is known of the prices within a bar: its close alone, where orders fill; its open, where they fill,
/// and its close; or its high and low too.
enum class BarPrices { close, open_and_close, range };

/// How prices move over a bar, as factors: from the close before to the fill, and from the fill to the close,
/// the low and the high. The last two mean something only where `prices` is `range`.
template <int Assets>
struct BarMoves {
  Array<float, Assets> to_fill{}, to_close{}, to_low{}, to_high{};
  BarPrices prices = BarPrices::close;
};

/// What trading costs on this task: the proportional cost, Almgren and Chriss's eta-tilde and gamma over
/// liquidity, and a bar's interest.
struct TradingFrictions {
  float proportional, temporary, permanent, interest;

  POLIS_HD TradingFrictions(const TradingConfig& config, float cost_scale, float impact_scale)
      : proportional(config.cost * cost_scale),
        temporary(config.temporary_impact * impact_scale / config.liquidity),
        permanent(config.permanent_impact * impact_scale / config.liquidity),
        interest(config.cash_rate / 252) {}

  /// Of a bar whose volume is `relative` times the usual one: only the temporary impact follows it, since
  /// from a lasting impact that varies money could be made by round trips.
  POLIS_HD TradingFrictions at_volume(float relative) const {
    TradingFrictions frictions = *this;
    frictions.temporary /= relative;
    return frictions;
  }
};

/// What a joint order of `units` (its value at prices without impact) does to the price: fills give way by
/// the share `concession`, and `shift` is what stays in the log price. Along the way from 0 to the shift x
/// the price is on average (e^x - 1)/x times the first, which is what fills pay beside the temporary part: so
/// that a round trip pays back exactly what its lasting impact gave.
struct PriceImpact {
  float concession, shift;

  POLIS_HD PriceImpact(float units, const TradingFrictions& frictions)
      : concession(0), shift(frictions.permanent * units) {
    concession = frictions.temporary * units + shift * (.5f + shift * (1.f / 6 + shift * (1.f / 24)));
  }
};

/// What one bar did to an account, in money: equity after = before + gain - cost - impact.
struct BarFlows {
  float before = 1, gain = 0, cost = 0, impact = 0, traded = 0;
  POLIS_HD float net_percent() const { return 100 * (gain - cost - impact) / before; }
};

/// The orders (value at the last close) that lead a share `adjustment` of the way from the account's
/// positions to the target weights `unit * action`, brought within the limits. Actions beyond [-1, 1] are
/// clipped.
template <int Assets>
POLIS_HD Array<float, Assets> orders_towards(const Array<float, Assets>& action,
                                             const TradingAccount<Assets>& account, float unit,
                                             float adjustment, const TradingConfig& config) {
  Array<float, Assets> order{};
  for (int a = 0; a < Assets; ++a) order[a] = unit * math::clamp(action[a], -1.f, 1.f);
  limit_weights(order, config);
  for (int a = 0; a < Assets; ++a) order[a] = adjustment * (order[a] * account.equity - account.position[a]);
  return order;
}

/// Fills `orders` (value at the last close) at prices that give way by `concession` and charges costs.
/// `on_trade(asset, held, value)` hears of every fill.
template <int Assets>
POLIS_HD BarFlows fill_orders(TradingAccount<Assets>& account, const Array<float, Assets>& orders,
                              const Array<float, Assets>& concession, const Array<float, Assets>& to_fill,
                              const TradingFrictions& frictions, auto&& on_trade) {
  BarFlows flows{account.equity};
  account.cash += account.cash * frictions.interest;
  for (int a = 0; a < Assets; ++a) {
    account.position[a] *= to_fill[a];
    const float value = orders[a] * to_fill[a];
    const float cost = frictions.proportional * math::abs(value);
    const float impact = concession[a] * value;
    on_trade(a, account.position[a], value);
    account.trade(a, value, cost + impact);
    flows.cost += cost;
    flows.impact += impact;
    flows.traded += math::abs(value);
  }
  return flows;
}

/// Closes one position within the bar, at a price `move` times that of its fill, which gives way by
/// `concession`.
template <int Assets>
POLIS_HD void close_within_bar(TradingAccount<Assets>& account, int asset, float move, float concession,
                               const TradingFrictions& frictions, BarFlows& flows) {
  const float value = -account.position[asset] * move;
  const float cost = frictions.proportional * math::abs(value), impact = concession * value;
  account.cash -= value + cost + impact;
  account.position[asset] = 0;
  flows.cost += cost;
  flows.impact += impact;
  flows.traded += math::abs(value);
}

/// Marks the account at the bar's close. `drift` is the factor from fill to close, lasting impact included.
template <int Assets>
POLIS_HD void mark_bar(TradingAccount<Assets>& account, const Array<float, Assets>& drift, BarFlows& flows) {
  for (int a = 0; a < Assets; ++a) account.position[a] *= drift[a];
  account.mark();
  flows.gain = account.equity - flows.before + flows.cost + flows.impact;
}

}  // namespace polis
