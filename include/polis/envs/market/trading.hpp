// Trading: several traders and several assets, on real prices or on a synthetic market.
//
// Order of events, from bar t to bar t+1:
//   1. every trader has observed bar t: closes and indicators up to it, and accounts marked at it;
//   2. it states target weights; the order is a number of units, fixed at the close of bar t; a position
//      whose holding period is over is closed instead;
//   3. all orders fill at the open of bar t+1 (at its close, where the data has no open), moved by their
//      joint impact, and pay the proportional cost; a position beyond a barrier at that price is closed at it
//      instead, and one that meets a barrier within the rest of the bar is closed there (orders.hpp);
//   4. the lasting part of the impact shifts the price;
//   5. accounts are marked at the close of bar t+1; rewards and ends are stated.
// Where the data has no open, an order therefore earns its first return between the closes of t+1 and t+2.
//
// Impact is Almgren and Chriss's (2000, "Optimal execution of portfolio transactions"), linear in the net
// joint order: with v = (units ordered by all) / liquidity, the price S becomes S exp(gamma v), and orders
// fill at the mean price on that way plus eta S v. eta is their eta-tilde, so no round trip gains from its
// own impact (Huberman and Stanzl 2004). docs/trading.md has the observation, the rewards and the stages.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/market/account.hpp>
#include <polis/envs/market/execution.hpp>
#include <polis/envs/market/features.hpp>
#include <polis/envs/market/generator.hpp>
#include <polis/envs/market/lane_market.hpp>
#include <polis/envs/market/market_data.hpp>
#include <polis/envs/market/orders.hpp>
#include <polis/envs/market/settings.hpp>
#include <polis/envs/market/task.hpp>
#include <polis/envs/market/trader.hpp>
#include <polis/space/space.hpp>

namespace polis {

template <TradingSpec Spec>
struct BasicTrading {
  static_assert(Spec.assets > 0 && Spec.traders > 0 && Spec.window > 1 && Spec.holding >= 0);
  static constexpr int agents = Spec.traders;
  static constexpr int assets = Spec.assets;
  static constexpr int order_features = Spec.orders ? Trader<assets, Spec.window>::order_figures : 0;
  static constexpr int risk_figures = Spec.risk ? Trader<assets, Spec.window>::risk_figures : 0;
  static constexpr int signals = LaneMarket<Spec>::signal_count;
  static constexpr int asset_features = market_features + 4 + order_features + signals,
                       own_features = 12 + risk_figures;
  using Observation = Box<assets * asset_features + own_features>;
  using State = Box<assets*(market_features + 2 + signals) +
                    agents*(assets * (1 + order_features) + 2 + risk_figures) + 2>;
  using Action = TradingAction<Spec>;
  using Vector = Array<float, assets>;  ///< one number per slot
  using Config = TradingConfig;
  using Dataset = MarketData;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr EventOrder order = EventOrder::simultaneous;

  using Task = TradingTask<Spec>;

  /// Success rates at which a curriculum over `stages` moves up and down.
  struct CurriculumTemplate {
    float advance_at = .65f, regress_at = .45f;
  };
  static constexpr CurriculumTemplate curriculum_template() { return {}; }

  /// Stages of growing difficulty, TradingTask::of_stage. Throws polis::Error for settings out of their
  /// range.
  static int stages(const Config& config, const MarketData&) {
    check_settings(config);
    return Task::stages(config);
  }
  POLIS_HD static Task task(int stage, const Config& config, const MarketData& data, Random& random) {
    return Task::of_stage(stage, config, data, random);
  }

  POLIS_HD void reset(auto& ctx) {
    const Task& task = ctx.task();
    *this = BasicTrading{};
    traders_ = task.traders < 1 ? 1 : task.traders > agents ? agents : task.traders;
    held_equity_ = static_cast<float>(traders_);
    market_.start(task, ctx.data(), ctx.random);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    // Decisions, from what is known at the close of bar t.
    Array<BarOrders<assets>, agents> orders{};
    for (int i = 0; i < traders_; ++i) {
      if (trader_[i].out) continue;
      orders[i].value = decide(TradingActions<Spec>::weights(actions[i]), trader_[i].account,
                               weight_unit(config), config.adjustment, config);
      if (manages(config)) trader_[i].manage(orders[i]);
    }
    Vector random_action{};
    for (int a = 0; a < assets; ++a) {
      if (symbol(a) >= 0) random_action[a] = ctx.random.uniform(-1.f, 1.f);
    }
    Vector random_orders = decide(random_action, shadow_, 1 / static_cast<float>(active_assets()), 1, config);

    // Bar t+1.
    const BarMoves<assets> moves = market_.next(ctx.data(), ctx.random);
    const TradingFrictions frictions(config, ctx.task().cost_scale, ctx.task().impact_scale);
    Vector joint{};
    for (int i = 0; i < traders_; ++i) {
      if (config.orders.watches_prices()) trader_[i].close_beyond(moves, config.orders, orders[i]);
      for (int a = 0; a < assets; ++a) joint[a] += orders[i].value[a];
    }
    Vector shift{}, drift{}, concession{}, random_concession{};
    for (int a = 0; a < assets; ++a) {
      const TradingFrictions here = frictions_of(a, frictions, ctx);
      const float unit = moves.to_fill[a] * math::exp(-offset_[a]);
      const PriceImpact impact(joint[a] * unit, here);
      concession[a] = impact.concession;
      random_concession[a] = PriceImpact(random_orders[a] * unit, here).concession;
      offset_[a] += impact.shift;
      shift[a] = math::exp(impact.shift);
      drift[a] = shift[a] * moves.to_close[a];
    }
    Array<BarFlows, agents> flows{};
    for (int i = 0; i < traders_; ++i) {
      if (trader_[i].out) continue;
      flows[i] = trader_[i].fill(orders[i], concession, moves, frictions);
      if (!manages(config)) continue;
      trader_[i].take_note(orders[i], moves, config.orders,
                           [&](int a) { return TradingActions<Spec>::period(actions[i], a, config.orders); });
    }
    if (config.orders.watches_prices()) close_within(moves, shift, frictions, ctx, drift, flows);
    for (int i = 0; i < traders_; ++i) {
      if (!trader_[i].out) mark_bar(trader_[i].account, drift, flows[i]);
    }
    BarFlows random_flows = fill_orders(shadow_, random_orders, random_concession, moves.to_fill, frictions,
                                        [](int, float, float) {});
    mark_bar(shadow_, drift, random_flows);
    ++bar_;
    reward(flows, ctx);
    end(ctx);
  }

  POLIS_HD void observe(int agent, Row out, const auto& view) const {
    const Config& config = view.config();
    const TradingAccount<assets>& own = trader_[agent].account;
    const float inverse_equity = 1 / math::max(own.equity, 1e-3f);
    const float unit = weight_unit(config), others = inverse_others_equity(agent);
    float gross = 0, cost_basis = 0, value = 0;
    for (int a = 0; a < assets; ++a) {
      const Row slot = out.from(a * asset_features);
      if (symbol(a) < 0) {
        for (int f = 0; f < asset_features; ++f) slot[f] = 0;
        continue;
      }
      const float* market = market_.features(a, view.data());
      for (int f = 0; f < market_features; ++f) slot[f] = market[f];
      slot[market_features] = 1;
      slot[market_features + 1] = bounded(own.position[a] * inverse_equity / unit);
      slot[market_features + 2] = bounded((held_[a] - own.position[a]) * others / unit);
      slot[market_features + 3] = bounded(50 * offset_[a]);
      if constexpr (Spec.orders) trader_[agent].show_orders(a, config.orders, slot.from(market_features + 4));
      if constexpr (signals > 0) {
        market_.signals(a, view.data(), slot.from(market_features + 4 + order_features));
      }
      gross += math::abs(own.position[a]);
      value += own.position[a];
      cost_basis += trader_[agent].record.basis[a];
    }
    const Row rest = out.from(assets * asset_features);
    rest[0] = bounded(own.cash * inverse_equity);
    rest[1] = bounded(gross * inverse_equity);
    rest[2] = bounded(5 * (own.equity - 1));
    rest[3] = bounded(10 * (value - cost_basis) * inverse_equity);
    rest[4] = bounded(10 * trader_[agent].record.drawdown);
    rest[5] = bounded(4 * trader_[agent].record.sharpe());
    rest[6] = bounded(.5f * trader_[agent].record.tail.value_at_risk);
    rest[7] = time_left();
    rest[8] = static_cast<float>(active_assets()) / assets;
    rest[9] = static_cast<float>(traders_) / agents;
    rest[10] = bounded(1000 * config.cost * view.task().cost_scale);
    rest[11] = bounded(view.task().impact_scale);
    if constexpr (Spec.risk) trader_[agent].show_risk(config.risk, rest.from(12));
  }

  /// The market once, then every trader's weights, return so far and drawdown, then time left and costs.
  POLIS_HD void state(Row out, const auto& view) const {
    int at = 0;
    for (int a = 0; a < assets; ++a) {
      const float* market = symbol(a) < 0 ? nullptr : market_.features(a, view.data());
      for (int f = 0; f < market_features; ++f) out[at++] = market ? market[f] : 0.f;
      out[at++] = market ? 1.f : 0.f;
      out[at++] = bounded(50 * offset_[a]);
      if constexpr (signals > 0) {
        for (int f = 0; f < signals; ++f) out[at + f] = 0;
        if (market) market_.signals(a, view.data(), out.from(at));
        at += signals;
      }
    }
    const float unit = weight_unit(view.config());
    for (int i = 0; i < agents; ++i) {
      const float inverse_equity = 1 / math::max(trader_[i].account.equity, 1e-3f);
      for (int a = 0; a < assets; ++a)
        out[at++] = bounded(trader_[i].account.position[a] * inverse_equity / unit);
      if constexpr (Spec.orders) {
        for (int a = 0; a < assets; ++a, at += order_features) {
          trader_[i].show_orders(a, view.config().orders, out.from(at));
        }
      }
      out[at++] = bounded(5 * (trader_[i].account.equity - 1));
      out[at++] = bounded(10 * trader_[i].record.drawdown);
      if constexpr (Spec.risk) {
        trader_[i].show_risk(view.config().risk, out.from(at));
        at += risk_figures;
      }
    }
    out[at++] = time_left();
    out[at++] = bounded(1000 * view.config().cost * view.task().cost_scale);
  }

  /// Active traders decide on every bar until they are bankrupt.
  POLIS_HD bool acting(int agent) const { return agent < traders_ && !trader_[agent].out; }

  /// The share of traders whose equity, after all costs, is above that of a portfolio with fresh random
  /// weights in
  /// [-1, 1] / assets on every bar of the same path.
  POLIS_HD float success() const {
    int above = 0;
    for (int i = 0; i < traders_; ++i) above += trader_[i].account.equity > shadow_.equity ? 1 : 0;
    return static_cast<float>(above) / static_cast<float>(traders_);
  }

  /// Means over the active traders: returns in percent of the starting equity, the Sharpe ratio per year of
  /// 252 bars, reward components before weighting, summed over the episode.
  void metrics(auto&& visit) const {
    auto mean = [&](auto&& figure) {
      double sum = 0;
      for (int i = 0; i < traders_; ++i) sum += double(figure(i)) / traders_;
      return sum;
    };
    visit("net_return", mean([&](int i) { return 100 * (trader_[i].account.equity - 1); }));
    visit("random_return", double(100 * (shadow_.equity - 1)));
    visit("sharpe", mean([&](int i) { return trader_[i].record.episode_sharpe(); }));
    visit("max_drawdown", mean([&](int i) { return 100 * trader_[i].record.totals.drawdown; }));
    visit("turnover",
          mean([&](int i) { return trader_[i].record.totals.turnover / static_cast<float>(bar_); }));
    visit("costs", mean([&](int i) { return 100 * trader_[i].record.totals.cost; }));
    visit("impact", mean([&](int i) { return 100 * trader_[i].record.totals.impact; }));
    visit("bankrupt", mean([&](int i) { return trader_[i].out ? 1 : 0; }));
    const char* names[reward_parts] = {"reward_profit",   "reward_risk",          "reward_cost",
                                       "reward_impact",   "reward_cooperation",   "reward_exploration",
                                       "reward_drawdown", "reward_value_at_risk", "reward_shortfall"};
    for (int c = 0; c < reward_parts; ++c) {
      visit(names[c], mean([&](int i) { return trader_[i].record.totals.rewards[c]; }));
    }
    const char* closes[] = {"closed_by_holding", "closed_by_stop", "closed_by_target", "closed_by_limit"};
    for (int c = 0; c < close_reasons; ++c)
      visit(closes[c], mean([&](int i) { return trader_[i].standing.closed[c]; }));
    visit("limit_breaches", mean([&](int i) { return trader_[i].guard.breaches(); }));
  }

  /// What the trader's last reward was made of, by the names of `RewardWeights`.
  void reward_components(int trader, auto&& visit) const {
    const RewardWeights names;
    int c = 0;
    RewardWeights::fields(names,
                          [&](const char* name, float) { visit(name, trader_[trader].record.parts[c++]); });
  }

  /// The action that states these target weights, in units of `weight_unit`.
  POLIS_HD static typename Action::Element action_of(const Vector& weights) {
    return TradingActions<Spec>::of(weights);
  }

  // What reference policies, reports and tests read.
  POLIS_HD const TradingAccount<assets>& account(int trader) const { return trader_[trader].account; }
  POLIS_HD const TraderTotals& totals(int trader) const { return trader_[trader].record.totals; }
  POLIS_HD const TradingAccount<assets>& shadow() const { return shadow_; }
  POLIS_HD const StandingOrders<assets>& standing(int trader) const { return trader_[trader].standing; }
  POLIS_HD const LaneMarket<Spec>& market() const { return market_; }
  POLIS_HD int active_assets() const { return market_.active(); }
  POLIS_HD int active_traders() const { return traders_; }
  POLIS_HD int symbol(int slot) const { return market_.symbol(slot); }   ///< -1 where the slot is not active
  POLIS_HD int day() const { return market_.day(); }                     ///< the bar now observed
  POLIS_HD int bar() const { return bar_; }                              ///< bars since the start
  POLIS_HD float price_offset(int slot) const { return offset_[slot]; }  ///< log price shift by own impact
  POLIS_HD const SyntheticMarket<assets>& path() const { return market_.path(); }
  /// The weight that an action of 1 asks for.
  POLIS_HD float weight_unit(const Config& config) const {
    return config.position_limit / static_cast<float>(active_assets());
  }

 private:
  POLIS_HD static float bounded(float x) { return math::clamp(x, -5.f, 5.f); }

  POLIS_HD Vector decide(const Vector& action, const TradingAccount<assets>& account, float unit,
                         float adjustment, const Config& config) const {
    Vector active = action;
    for (int a = 0; a < assets; ++a) {
      if (symbol(a) < 0) active[a] = 0;
    }
    return orders_towards(active, account, unit, adjustment, config);
  }

  /// Whether positions may be closed without their traders.
  POLIS_HD static bool manages(const Config& config) {
    return Spec.holding > 0 || config.orders.any() || config.risk.any();
  }

  /// The frictions of one asset's bar.
  POLIS_HD TradingFrictions frictions_of(int slot, const TradingFrictions& usual, const auto& ctx) const {
    if (!ctx.config().impact_by_volume) return usual;
    return usual.at_volume(market_.relative_volume(slot, ctx.data()));
  }

  /// After the fill: positions that meet a barrier within the bar are closed there. What they order together
  /// has an impact of its own.
  POLIS_HD void close_within(const BarMoves<assets>& moves, const Vector& shift,
                             const TradingFrictions& frictions, const auto& ctx, Vector& drift,
                             Array<BarFlows, agents>& flows) {
    const OrderSettings& settings = ctx.config().orders;
    for (int a = 0; a < assets; ++a) {
      Array<Touch, agents> touches{};
      float joint = 0;
      for (int i = 0; i < traders_; ++i) {
        touches[i] = trader_[i].touch(a, shift[a], moves, settings);
        // The basis is what the position was worth at its entry price.
        if (touches[i]) joint -= trader_[i].record.basis[a] * touches[i].price;
      }
      const PriceImpact impact(joint * math::exp(-offset_[a]), frictions_of(a, frictions, ctx));
      for (int i = 0; i < traders_; ++i) {
        if (touches[i]) trader_[i].close_at(a, touches[i], impact.concession, frictions, settings, flows[i]);
      }
      offset_[a] += impact.shift;
      drift[a] *= math::exp(impact.shift);
    }
  }

  POLIS_HD void reward(const Array<BarFlows, agents>& flows, auto& ctx) {
    float team = 0, trading = 0;
    for (int i = 0; i < traders_; ++i) {
      if (trader_[i].out) continue;
      team += flows[i].net_percent();
      trading += 1;
    }
    for (int i = 0; i < traders_; ++i) {
      trader_[i].record.parts = {};
      if (trader_[i].out) continue;
      ctx.reward(i) = trader_[i].judge(flows[i], team / trading, active_assets(), ctx.config());
    }
  }

  POLIS_HD void end(auto& ctx) {
    int trading = 0;
    held_ = {};
    held_equity_ = 0;
    for (int i = 0; i < traders_; ++i) {
      if (trader_[i].out) continue;
      if (trader_[i].account.equity < ctx.config().bankruptcy) {
        trader_[i].out = true;
        trader_[i].account.liquidate();
        ctx.terminate(i);
        continue;
      }
      ++trading;
      for (int a = 0; a < assets; ++a) held_[a] += trader_[i].account.position[a];
      held_equity_ += trader_[i].account.equity;
    }
    if (trading == 0) ctx.terminate();
    if (bar_ >= market_.bars()) ctx.truncate();
  }

  POLIS_HD float time_left() const {
    return 1 - static_cast<float>(bar_) / static_cast<float>(market_.bars());
  }

  /// 1 / the equity of the other traders; 0 where there are none.
  POLIS_HD float inverse_others_equity(int agent) const {
    const float others = held_equity_ - trader_[agent].account.equity;
    return others > 1e-3f ? 1 / others : 0.f;
  }

  int bar_ = 0, traders_ = agents;
  Vector offset_{};  // log price shift by the traders' own lasting impact
  Vector held_{};    // all traders' positions together
  float held_equity_ = 0;
  Array<Trader<assets, Spec.window>, agents> trader_{};
  TradingAccount<assets> shadow_{};  // the random portfolio
  LaneMarket<Spec> market_{};
};

/// Four traders and four assets at most.
using Trading = BasicTrading<TradingSpec{.assets = 4, .traders = 4}>;

}  // namespace polis
