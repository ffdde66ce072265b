// What a type of Trading has room for, and the actions that follow from it.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/market/settings.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The largest numbers a Trading environment can hold; how many are active is the Task's.
struct TradingSpec {
  int assets = 4;
  int traders = 4;
  int window = 20;         ///< of a trader's own returns, for its rolling Sharpe ratio and value at risk
  bool orders = false;     ///< traders see where their standing orders are
  int holding = 0;         ///< an action states a holding period too: so many choices for each asset; 0: none
  bool volume = false;     ///< traders see volumes
  bool sentiment = false;  ///< traders see sentiment
  bool risk = false;       ///< traders see their expected shortfall and where they are to their limits
  friend constexpr bool operator==(const TradingSpec&, const TradingSpec&) = default;
};

/// Target weights as shares of the largest allowed position: -1 is fully short, 1 fully long.
template <int Assets>
struct TargetWeights : Box<Assets> {
  static constexpr float low = -1, high = 1;
};

namespace internal {

template <int Assets, int Choices, int... Chosen>
struct OrdersWithHolding : OrdersWithHolding<Assets - 1, Choices, Choices, Chosen...> {};
template <int Choices, int... Chosen>
struct OrdersWithHolding<0, Choices, Chosen...> {
  using type = Tuple<TargetWeights<sizeof...(Chosen)>, MultiDiscrete<Chosen...>>;
};

template <TradingSpec Spec>
struct TradingAction : OrdersWithHolding<Spec.assets, Spec.holding> {};
template <TradingSpec Spec>
  requires(Spec.holding == 0)
struct TradingAction<Spec> {
  using type = TargetWeights<Spec.assets>;
};

}  // namespace internal

/// Target weights, and with `Spec.holding` a holding period beside each.
template <TradingSpec Spec>
using TradingAction = typename internal::TradingAction<Spec>::type;

/// What an action says, whichever its space is.
template <TradingSpec Spec>
struct TradingActions {
  using Weights = Array<float, Spec.assets>;
  using Element = typename TradingAction<Spec>::Element;

  POLIS_HD static const Weights& weights(const Element& action) {
    if constexpr (Spec.holding > 0) {
      return action.template get<0>();
    } else {
      return action;
    }
  }

  /// The holding period of a position that the action opens, in bars; 0 is for ever.
  POLIS_HD static int period(const Element& action, int asset, const OrderSettings& settings) {
    if constexpr (Spec.holding > 0) {
      return (1 + action.template get<1>()[asset]) * (settings.holding > 0 ? settings.holding : 1);
    } else {
      return settings.holding;
    }
  }

  /// The action that states these weights, and the longest holding period where one is stated.
  POLIS_HD static Element of(const Weights& weights) {
    if constexpr (Spec.holding > 0) {
      Element action{weights, {}};
      for (int a = 0; a < Spec.assets; ++a) action.template get<1>()[a] = Spec.holding - 1;
      return action;
    } else {
      return weights;
    }
  }
};

}  // namespace polis
