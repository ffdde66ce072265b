// The settings of Trading: what holds for a whole run.
#pragma once

#include <array>
#include <string>

#include <polis/core/error.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// Components of a trader's reward.
inline constexpr int reward_parts = 9;

/// How much each reward component counts. All are in percent of a trader's equity per bar, but for
/// `exploration`, which lies in [0, 1]. docs/trading.md states the formulas.
struct RewardWeights {
  float profit = 1;         ///< gain from price moves and interest, before costs
  float risk = .05f;        ///< - increase of the drawdown
  float cost = 1;           ///< - proportional costs
  float impact = 1;         ///< - what the price gave way under the traders' joint orders
  float cooperation = 0;    ///< mean net return of all traders
  float exploration = 0;    ///< how evenly the invested money is spread over the assets
  float drawdown = 0;       ///< - the drawdown
  float value_at_risk = 0;  ///< - that of the trader's last returns
  float shortfall = 0;      ///< - their expected shortfall

  static constexpr void fields(auto& self, auto&& visit) {
    visit("profit", self.profit);
    visit("risk", self.risk);
    visit("cost", self.cost);
    visit("impact", self.impact);
    visit("cooperation", self.cooperation);
    visit("exploration", self.exploration);
    visit("drawdown", self.drawdown);
    visit("value_at_risk", self.value_at_risk);
    visit("shortfall", self.shortfall);
  }
};

/// Standing orders, which close a position by themselves (orders.hpp). Every trader has the same in every
/// asset; 0 is none.
struct OrderSettings {
  int holding = 0;        ///< bars after which a position is closed; where actions state it, its unit
  float stop_loss = 0;    ///< loss at which it is closed, as a share of its average entry price
  float take_profit = 0;  ///< gain at which it is closed
  int cooldown = 0;       ///< bars after that in which the trader's orders for the asset lapse

  /// Whether prices close positions.
  POLIS_HD constexpr bool watches_prices() const { return stop_loss > 0 || take_profit > 0; }
  POLIS_HD constexpr bool any() const { return watches_prices() || holding > 0; }

  static constexpr void fields(auto& self, auto&& visit) {
    visit("holding", self.holding);
    visit("stop_loss", self.stop_loss);
    visit("take_profit", self.take_profit);
    visit("cooldown", self.cooldown);
  }
};

/// How a trader's risk is measured, and limits that close it out (risk.hpp); 0 is no limit.
struct RiskSettings {
  float level = .95f;             ///< of value at risk and expected shortfall
  float drawdown_limit = 0;       ///< largest drawdown, as a share of the highest equity
  float value_at_risk_limit = 0;  ///< largest value at risk, as a share of the equity
  float shortfall_limit = 0;      ///< largest expected shortfall, as a share of the equity
  int block = 20;                 ///< bars out of the market after a breach; 0: the rest of the episode

  POLIS_HD constexpr bool any() const {
    return drawdown_limit > 0 || value_at_risk_limit > 0 || shortfall_limit > 0;
  }

  static constexpr void fields(auto& self, auto&& visit) {
    visit("level", self.level);
    visit("drawdown_limit", self.drawdown_limit);
    visit("value_at_risk_limit", self.value_at_risk_limit);
    visit("shortfall_limit", self.shortfall_limit);
    visit("block", self.block);
  }
};

/// What the stages of a curriculum over Trading differ in (task.hpp).
enum class TradingCurriculum { frictions, regimes };
constexpr auto enum_names(TradingCurriculum) { return std::array{"frictions", "regimes"}; }

/// Market frictions, limits and reward of Trading. Money is in units of a trader's equity at the episode's
/// start.
struct TradingConfig {
  float cost = .001f;              ///< proportional cost per unit of value traded (10 basis points)
  float temporary_impact = .01f;   ///< price concession when the joint order is a whole day's volume
  float permanent_impact = .005f;  ///< lasting log price shift for such an order
  float liquidity = 10;            ///< value of each asset traded on a day by the rest of the market
  bool impact_by_volume = false;   ///< the concession shrinks where a bar's volume is above its usual one
  float position_limit = 1;        ///< largest weight of one asset, in multiples of 1/assets
  float leverage_limit = 1;        ///< largest sum of absolute weights
  float short_limit = 1;           ///< largest sum of short weights; 0 forbids short selling
  float adjustment = .25f;         ///< share of the way to the target that is traded on a bar
  float bankruptcy = .5f;          ///< a trader whose equity falls below this is out
  float cash_rate = 0;             ///< interest on cash, and on debt, per year of 252 bars
  float synthetic_share = .5f;     ///< share of synthetic episodes in the last stage of training
  TradingCurriculum curriculum = TradingCurriculum::frictions;  ///< what its stages differ in
  RewardWeights rewards{};
  OrderSettings orders{};
  RiskSettings risk{};

  static constexpr void fields(auto& self, auto&& visit) {
    visit("cost", self.cost);
    visit("temporary_impact", self.temporary_impact);
    visit("permanent_impact", self.permanent_impact);
    visit("liquidity", self.liquidity);
    visit("impact_by_volume", self.impact_by_volume);
    visit("position_limit", self.position_limit);
    visit("leverage_limit", self.leverage_limit);
    visit("short_limit", self.short_limit);
    visit("adjustment", self.adjustment);
    visit("bankruptcy", self.bankruptcy);
    visit("cash_rate", self.cash_rate);
    visit("synthetic_share", self.synthetic_share);
    visit("curriculum", self.curriculum);
    visit("rewards", self.rewards);
    visit("orders", self.orders);
    visit("risk", self.risk);
  }
};

/// Throws polis::Error for settings that make no market, naming the key.
inline void check_settings(const TradingConfig& config) {
  const auto require = [](bool holds, const char* key, float value, const char* expected) {
    if (!holds) throw Error(concat({"the value is ", value}), key, expected);
  };
  const auto at_least_zero = [&](const char* key, float value) {
    require(value >= 0, key, value, "a number of at least 0");
  };
  at_least_zero("cost", config.cost);
  at_least_zero("temporary_impact", config.temporary_impact);
  at_least_zero("permanent_impact", config.permanent_impact);
  at_least_zero("short_limit", config.short_limit);
  require(config.liquidity > 0, "liquidity", config.liquidity, "a number above 0");
  require(config.position_limit > 0, "position_limit", config.position_limit, "a number above 0");
  require(config.leverage_limit > 0, "leverage_limit", config.leverage_limit, "a number above 0");
  require(config.adjustment > 0 && config.adjustment <= 1, "adjustment", config.adjustment,
          "above 0 and at most 1");
  require(config.bankruptcy > 0 && config.bankruptcy < 1, "bankruptcy", config.bankruptcy, "between 0 and 1");
  require(config.synthetic_share >= 0 && config.synthetic_share <= 1, "synthetic_share",
          config.synthetic_share, "between 0 and 1");
  const OrderSettings& orders = config.orders;
  at_least_zero("orders.holding", static_cast<float>(orders.holding));
  at_least_zero("orders.cooldown", static_cast<float>(orders.cooldown));
  at_least_zero("orders.take_profit", orders.take_profit);
  require(orders.stop_loss >= 0 && orders.stop_loss < 1, "orders.stop_loss", orders.stop_loss,
          "at least 0 and below 1");
  const RiskSettings& risk = config.risk;
  require(risk.level > 0 && risk.level < 1, "risk.level", risk.level, "between 0 and 1");
  require(risk.drawdown_limit >= 0 && risk.drawdown_limit < 1, "risk.drawdown_limit", risk.drawdown_limit,
          "at least 0 and below 1");
  at_least_zero("risk.value_at_risk_limit", risk.value_at_risk_limit);
  at_least_zero("risk.shortfall_limit", risk.shortfall_limit);
  at_least_zero("risk.block", static_cast<float>(risk.block));
}

}  // namespace polis
