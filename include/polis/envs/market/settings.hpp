// The settings of Trading: what holds for a whole run.
#pragma once

namespace polis {

/// How much each reward component counts. All are in percent of a trader's equity per bar, but for
/// `exploration`, which lies in [0, 1]. docs/trading.md states the formulas.
struct RewardWeights {
  float profit = 1;       ///< gain from price moves and interest, before costs
  float risk = .05f;      ///< - increase of the drawdown
  float cost = 1;         ///< - proportional costs
  float impact = 1;       ///< - what the price gave way under the traders' joint orders
  float cooperation = 0;  ///< mean net return of all traders
  float exploration = 0;  ///< how evenly the invested money is spread over the assets

  static constexpr void fields(auto& self, auto&& visit) {
    visit("profit", self.profit);
    visit("risk", self.risk);
    visit("cost", self.cost);
    visit("impact", self.impact);
    visit("cooperation", self.cooperation);
    visit("exploration", self.exploration);
  }
};

/// Market frictions, limits and reward of Trading. Money is in units of a trader's equity at the episode's
/// start.
struct TradingConfig {
  float cost = .001f;              ///< proportional cost per unit of value traded (10 basis points)
  float temporary_impact = .01f;   ///< price concession when the joint order is a whole day's volume
  float permanent_impact = .005f;  ///< lasting log price shift for such an order
  float liquidity = 10;            ///< value of each asset traded on a day by the rest of the market
  float position_limit = 1;        ///< largest weight of one asset, in multiples of 1/assets
  float leverage_limit = 1;        ///< largest sum of absolute weights
  float short_limit = 1;           ///< largest sum of short weights; 0 forbids short selling
  float adjustment = .25f;         ///< share of the way to the target that is traded on a bar
  float bankruptcy = .5f;          ///< a trader whose equity falls below this is out
  float cash_rate = 0;             ///< interest on cash, and on debt, per year of 252 bars
  float synthetic_share = .5f;     ///< share of synthetic episodes in the last stage of training
  RewardWeights rewards{};

  static constexpr void fields(auto& self, auto&& visit) {
    visit("cost", self.cost);
    visit("temporary_impact", self.temporary_impact);
    visit("permanent_impact", self.permanent_impact);
    visit("liquidity", self.liquidity);
    visit("position_limit", self.position_limit);
    visit("leverage_limit", self.leverage_limit);
    visit("short_limit", self.short_limit);
    visit("adjustment", self.adjustment);
    visit("bankruptcy", self.bankruptcy);
    visit("cash_rate", self.cash_rate);
    visit("synthetic_share", self.synthetic_share);
    visit("rewards", self.rewards);
  }
};

}  // namespace polis
