// Standing orders: a stop, a target and a holding period close a position by themselves.
//
// The three are the barriers of the triple-barrier method (Lopez de Prado 2018, "Advances in Financial
// Machine Learning", chapter 3), as orders at a broker:
//   stop loss     the price has gone `stop_loss` (a share of the average entry price) against the position;
//   take profit   it has gone `take_profit` in its favour;
//   holding       the position was opened `holding` fills ago: it is closed at the fill of this bar.
// Prices are watched where they are known. A position whose bar opens beyond a barrier is closed at that
// open; one whose barrier lies within the rest of the bar is closed at the barrier, at the stop where both
// lie in it, since nobody knows which came first. Without highs and lows a close beyond a barrier closes the
// position at that close.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/market/execution.hpp>
#include <polis/envs/market/settings.hpp>

namespace polis {

/// Why a position was closed without its trader's order.
enum class CloseReason { none, holding, stop_loss, take_profit, limit };
inline constexpr int close_reasons = 4;  ///< beside none

/// A position of less than this share of the starting equity is none.
POLIS_HD constexpr bool is_position(float value) { return value > 1e-6f || value < -1e-6f; }

/// Where a position is closed, at a price as a multiple of its average entry price.
struct Touch {
  float price = 0;
  CloseReason reason = CloseReason::none;
  POLIS_HD explicit constexpr operator bool() const { return reason != CloseReason::none; }
};

/// The prices, as multiples of the average entry price, at which a long or a short position is closed. A
/// millionth on this side of them counts as reached, which is what single precision makes of the same price.
class PriceBarriers {
 public:
  POLIS_HD constexpr PriceBarriers(const OrderSettings& orders, bool is_long)
      : sign_(is_long ? 1.f : -1.f),
        stop_(orders.stop_loss > 0 ? 1 - sign_ * orders.stop_loss : -sign_ * never),
        target_(orders.take_profit > 0 ? 1 + sign_ * orders.take_profit : sign_ * never) {}

  /// At one price, which is all that is seen: an open, or a close without a range.
  POLIS_HD constexpr Touch at(float price) const {
    if (stopped(price)) return {price, CloseReason::stop_loss};
    if (reached(price)) return {price, CloseReason::take_profit};
    return {};
  }
  /// Among all prices from `low` to `high`, on the way from a price between the barriers.
  POLIS_HD constexpr Touch within(float low, float high) const {
    if (stopped(sign_ > 0 ? low : high)) return {stop_, CloseReason::stop_loss};
    if (reached(sign_ > 0 ? high : low)) return {target_, CloseReason::take_profit};
    return {};
  }

 private:
  static constexpr float never = 1e30f, rounding = 1e-6f;

  POLIS_HD constexpr bool stopped(float price) const { return sign_ * (price - stop_) <= rounding; }
  POLIS_HD constexpr bool reached(float price) const { return sign_ * (price - target_) >= -rounding; }

  float sign_, stop_, target_;
};

/// Where a position is closed after its bar's orders have filled, if at all: `price` is that of the fill.
/// Where orders fill at the close nothing comes after it.
template <int Assets>
POLIS_HD Touch touch_after_fill(const PriceBarriers& barriers, float price, const BarMoves<Assets>& moves,
                                int asset) {
  if (moves.prices == BarPrices::range) {
    return barriers.within(price * moves.to_low[asset], price * moves.to_high[asset]);
  }
  if (moves.prices == BarPrices::open_and_close) return barriers.at(price * moves.to_close[asset]);
  return {};
}

/// What a trader's standing orders go by, asset by asset. The average entry price is the account's: a
/// position over its cost basis is the price over it.
template <int Assets>
struct StandingOrders {
  Array<int, Assets> bars{};           ///< fills since the position was opened
  Array<int, Assets> deadline{};       ///< at which it is closed; 0: at none
  Array<int, Assets> cooldown{};       ///< bars left in which orders lapse
  Array<int, close_reasons> closed{};  ///< positions so far, by reason

  /// Whether the position's holding period ends at the coming fill.
  POLIS_HD bool due(int asset) const { return deadline[asset] > 0 && bars[asset] + 1 >= deadline[asset]; }

  /// Whether an order for the asset lapses, of which this counts one bar.
  POLIS_HD bool lapses(int asset) {
    if (cooldown[asset] == 0) return false;
    --cooldown[asset];
    return true;
  }

  /// A bar's orders made `after` of the position `before`; if that opened one it has `period` bars.
  POLIS_HD void fill(int asset, float before, float after, int period) {
    const bool opened = is_position(after) && (!is_position(before) || (before > 0) != (after > 0));
    bars[asset] = opened || !is_position(after) ? 0 : bars[asset] + 1;
    if (opened) deadline[asset] = period;
    if (!is_position(after)) deadline[asset] = 0;
  }

  POLIS_HD void close(int asset, CloseReason reason, const OrderSettings& orders) {
    bars[asset] = deadline[asset] = 0;
    cooldown[asset] = reason == CloseReason::limit ? 0 : orders.cooldown;
    ++closed[static_cast<int>(reason) - 1];
  }
};

}  // namespace polis
