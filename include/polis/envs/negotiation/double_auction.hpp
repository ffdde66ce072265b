// A buyer and a seller who know their own values alone name prices at the same time (K. Chatterjee and
// W. Samuelson, "Bargaining under incomplete information", 1983).
//
// Order of events: the buyer's value and the seller's cost are drawn uniformly on [0, 1), and each sees its
// own; the buyer bids and the seller asks; if the bid is no less than the ask they trade at the price
// between, and the buyer is paid its value less the price, the seller the price less its cost. The episode
// terminates.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The roles of a double auction.
struct AuctionBuyer {};
struct AuctionSeller {};

/// A price that is named.
struct NamedPrice : Box<1> {
  static constexpr float low = 0, high = 1;
};

/// One buyer and one seller. In the linear equilibrium a buyer of value v bids 2v/3 + 1/12 and a seller of
/// cost c asks 2c/3 + 1/4: they trade with probability 9/32, and share a surplus of 9/64 on average. Trading
/// whenever there is a gain would be 1/6, which no mechanism of this kind reaches in equilibrium (R. Myerson
/// and M. Satterthwaite, 1983).
struct DoubleAuction {
  using Roles =
      polis::Roles<Role<AuctionBuyer, 1, Box<1>, NamedPrice>, Role<AuctionSeller, 1, Box<1>, NamedPrice>>;
  using State = Box<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr double equilibrium_surplus = 9. / 64, equilibrium_trade = 9. / 32;

  float value = 0, cost = 0;
  float bid = 0, ask = 0;
  bool traded = false;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    value = ctx.random.uniform();
    cost = ctx.random.uniform();
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    bid = actions.of(AuctionBuyer{})[0][0];
    ask = actions.of(AuctionSeller{})[0][0];
    traded = bid >= ask;
    if (traded) {
      const float price = (bid + ask) / 2;
      ctx.reward(AuctionBuyer{}, 0) = value - price;
      ctx.reward(AuctionSeller{}, 0) = price - cost;
    }
    ctx.terminate();
  }

  POLIS_HD void observe(AuctionBuyer, int /*index*/, Row out) const { out[0] = value; }
  POLIS_HD void observe(AuctionSeller, int /*index*/, Row out) const { out[0] = cost; }
  POLIS_HD void state(Row out) const {
    out[0] = value;
    out[1] = cost;
  }

  /// Whether they traded, and the surplus that was realised and that there was.
  void metrics(auto&& visit) const {
    visit("trade", traded ? 1. : 0.);
    visit("surplus", traded ? static_cast<double>(value - cost) : 0.);
    visit("possible", static_cast<double>(math::max(0.f, value - cost)));
  }

  /// Both name slope times their own value plus an intercept.
  struct Linear {
    float slope, buyer_intercept, seller_intercept;
    POLIS_HD Actions<DoubleAuction> operator()(const DoubleAuction& env, const View<DoubleAuction>&,
                                               Random&) const {
      Actions<DoubleAuction> actions{};
      actions.of(AuctionBuyer{})[0][0] = math::clamp(slope * env.value + buyer_intercept, 0.f, 1.f);
      actions.of(AuctionSeller{})[0][0] = math::clamp(slope * env.cost + seller_intercept, 0.f, 1.f);
      return actions;
    }
  };

  /// The linear `equilibrium`; both name their own values, `truthful`.
  static void references(const auto&, auto&& visit) {
    visit("equilibrium", Linear{2.f / 3, 1.f / 12, 1.f / 4});
    visit("truthful", Linear{1, 0, 0});
  }

  /// Of both on average: half of the mean gain there is. It is what truthful play earns, which is no
  /// equilibrium.
  static OptimalValue optimal_value(const auto&) { return {1. / 12}; }
};

}  // namespace polis
