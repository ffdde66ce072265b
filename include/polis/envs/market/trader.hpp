// One trader of Trading: its account, its record, its standing orders, and what these do in a bar.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/envs/market/account.hpp>
#include <polis/envs/market/execution.hpp>
#include <polis/envs/market/orders.hpp>
#include <polis/envs/market/settings.hpp>

namespace polis {

/// A trader's orders of one bar, in value at the last close, and which of them close a position.
template <int Assets>
struct BarOrders {
  Array<float, Assets> value{};
  Array<CloseReason, Assets> closes{};
};

template <int Assets, int Window>
struct Trader {
  TradingAccount<Assets> account{};
  TraderRecord<Assets, Window> record{};
  StandingOrders<Assets> standing{};
  RiskGuard guard{};
  bool out = false;  ///< bankrupt

  /// Figures that `show_orders` writes of an asset.
  static constexpr int order_figures = 3;
  /// Figures that `show_risk` writes.
  static constexpr int risk_figures = 3;

  /// The average entry price is that at which a position is worth its cost basis.
  POLIS_HD float price_over_entry(int asset) const { return account.position[asset] / record.basis[asset]; }

  /// At the close of bar t: everything where a limit was passed; orders that lapse, and positions whose
  /// holding period is over.
  POLIS_HD void manage(BarOrders<Assets>& orders) {
    const bool blocked = guard.blocks();
    for (int a = 0; a < Assets; ++a) {
      if (standing.lapses(a) || blocked) orders.value[a] = 0;
      if (blocked && is_position(account.position[a])) {
        close(a, CloseReason::limit, orders);
        continue;
      }
      if (standing.due(a)) close(a, CloseReason::holding, orders);
    }
  }

  /// At the price where bar t+1's orders fill: positions beyond a barrier are closed with these.
  POLIS_HD void close_beyond(const BarMoves<Assets>& moves, const OrderSettings& settings,
                             BarOrders<Assets>& orders) const {
    for (int a = 0; a < Assets; ++a) {
      const float held = account.position[a];
      if (!is_position(held) || orders.closes[a] != CloseReason::none) continue;
      const Touch touch = PriceBarriers(settings, held > 0).at(price_over_entry(a) * moves.to_fill[a]);
      if (touch) close(a, touch.reason, orders);
    }
  }

  /// Fills the bar's orders.
  POLIS_HD BarFlows fill(const BarOrders<Assets>& orders, const Array<float, Assets>& concession,
                         const BarMoves<Assets>& moves, const TradingFrictions& frictions) {
    return fill_orders(account, orders.value, concession, moves.to_fill, frictions,
                       [this](int a, float held, float value) { record.trade(a, held, value); });
  }

  /// Takes note of what was opened and closed; `period(asset)` is the holding period of a position opened.
  POLIS_HD void take_note(const BarOrders<Assets>& orders, const BarMoves<Assets>& moves,
                          const OrderSettings& settings, auto&& period) {
    for (int a = 0; a < Assets; ++a) {
      float& position = account.position[a];
      if (orders.closes[a] == CloseReason::none) {
        standing.fill(a, position - orders.value[a] * moves.to_fill[a], position, period(a));
        continue;
      }
      position = record.basis[a] = 0;  // what rounding left of it
      standing.close(a, orders.closes[a], settings);
    }
  }

  /// Where the position meets a barrier after the fill, at which the joint order has moved the price by the
  /// factor `shift`.
  POLIS_HD Touch touch(int asset, float shift, const BarMoves<Assets>& moves,
                       const OrderSettings& settings) const {
    const float held = account.position[asset];
    if (out || !is_position(held)) return {};
    const PriceBarriers barriers(settings, held > 0);
    return touch_after_fill(barriers, price_over_entry(asset) * shift, moves, asset);
  }

  /// Closes it there, at a price that gives way by `concession`.
  POLIS_HD void close_at(int asset, const Touch& touch, float concession, const TradingFrictions& frictions,
                         const OrderSettings& settings, BarFlows& flows) {
    const float move = touch.price / price_over_entry(asset);
    close_within_bar(account, asset, move, concession, frictions, flows);
    record.basis[asset] = 0;
    standing.close(asset, touch.reason, settings);
  }

  /// 10 times the open gain as a share of the entry price, the shares left of the holding period and of a
  /// cooldown.
  POLIS_HD void show_orders(int asset, const OrderSettings& settings, Row out_row) const {
    const float held = account.position[asset];
    const float change = is_position(held) ? price_over_entry(asset) - 1 : 0.f;
    const auto share = [](int part, int whole) {
      return whole > 0 ? static_cast<float>(part) / static_cast<float>(whole) : 0.f;
    };
    const int deadline = standing.deadline[asset];
    out_row[0] = math::clamp(10 * (held < 0 ? -change : change), -5.f, 5.f);
    out_row[1] = share(deadline - standing.bars[asset], deadline);
    out_row[2] = share(standing.cooldown[asset], settings.cooldown);
  }

  /// Half the expected shortfall (percent), the share of the drawdown limit that is used up, and whether a
  /// limit keeps the trader out.
  POLIS_HD void show_risk(const RiskSettings& limits, Row out_row) const {
    const float limit = limits.drawdown_limit;
    out_row[0] = math::clamp(.5f * record.tail.shortfall, -5.f, 5.f);
    out_row[1] = limit > 0 ? math::clamp(guard.drawdown(account.equity) / limit, -5.f, 5.f) : 0.f;
    out_row[2] = guard.blocked() ? 1.f : 0.f;
  }

  /// Takes note of a bar that is marked and returns its reward; `team` is the mean net return of all traders,
  /// in percent, and `active` the number of assets.
  POLIS_HD float judge(const BarFlows& bar, float team, int active, const TradingConfig& config) {
    const RewardWeights& weight = config.rewards;
    const float percent = 100 / bar.before;
    const float drawdown = 100 * record.mark(bar.net_percent(), account.equity, config.risk.level);
    guard.mark(config.risk, account.equity, record.tail, Window);
    const Array<float, reward_parts>& parts =
        record.parts = {{percent * bar.gain, -drawdown, -percent * bar.cost, -percent * bar.impact, team,
                         account.diversification(active), -100 * record.drawdown, -record.tail.value_at_risk,
                         -record.tail.shortfall}};
    for (int c = 0; c < reward_parts; ++c) record.totals.rewards[c] += parts[c];
    record.totals.turnover += bar.traded / bar.before;
    record.totals.cost += bar.cost;
    record.totals.impact += bar.impact;
    return weight.profit * parts[0] + weight.risk * parts[1] + weight.cost * parts[2] +
           weight.impact * parts[3] + weight.cooperation * parts[4] + weight.exploration * parts[5] +
           weight.drawdown * parts[6] + weight.value_at_risk * parts[7] + weight.shortfall * parts[8];
  }

 private:
  POLIS_HD void close(int asset, CloseReason reason, BarOrders<Assets>& orders) const {
    orders.value[asset] = -account.position[asset];
    orders.closes[asset] = reason;
  }
};

}  // namespace polis
