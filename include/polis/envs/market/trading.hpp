// Trading: several traders and several assets, on real prices or on a synthetic market.
//
// Order of events, from bar t to bar t+1:
//   1. every trader has observed bar t: closes and indicators up to it, and accounts marked at it;
//   2. it states target weights; the order is a number of units, fixed at the close of bar t;
//   3. all orders fill at the open of bar t+1 (at its close, where the data has no open), moved by their
//      joint impact, and pay the proportional cost;
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
#include <polis/envs/market/market_data.hpp>
#include <polis/envs/market/settings.hpp>
#include <polis/envs/market/task.hpp>
#include <polis/space/space.hpp>

namespace polis {

template <TradingSpec Spec>
struct BasicTrading {
  static constexpr int agents = Spec.traders;
  static constexpr int assets = Spec.assets;
  static constexpr int asset_features = market_features + 4, own_features = 12;
  using Observation = Box<assets * asset_features + own_features>;
  using State = Box<assets*(market_features + 2) + agents*(assets + 2) + 2>;
  using Action = TargetWeights<assets>;
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
    return Task::stages;
  }
  POLIS_HD static Task task(int stage, const Config& config, const MarketData& data, Random& random) {
    return Task::of_stage(stage, config, data, random);
  }

  POLIS_HD void reset(auto& ctx) {
    const MarketData& data = ctx.data();
    const Task& task = ctx.task();
    *this = BasicTrading{};
    synthetic_ = task.synthetic || data.symbols == 0;
    const int last_start = data.end_day - 2;
    day_ = synthetic_ ? 0 : clamp(task.start, data.first_day, last_start);
    bars_ = clamp(task.bars, 1, synthetic_ ? task.bars : data.end_day - 1 - day_);
    traders_ = clamp(task.traders, 1, agents);
    volatility_ = clamp(task.volatility, 0, 2);
    held_equity_ = static_cast<float>(traders_);
    choose_symbols(clamp(task.assets, 1, Task::available_assets(data)), data, ctx.random);
    if (synthetic_) {
      path_.start(data, symbol_, volatility_, ctx.random);
      scale_features(data);
    }
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    // Decisions, from what is known at the close of bar t.
    Array<Vector, agents> orders{};
    Vector joint{};
    for (int i = 0; i < traders_; ++i) {
      if (out_[i]) continue;
      orders[i] = decide(actions[i], account_[i], weight_unit(config), config.adjustment, config);
      for (int a = 0; a < assets; ++a) joint[a] += orders[i][a];
    }
    Vector random_action{};
    for (int a = 0; a < assets; ++a) {
      if (symbol_[a] >= 0) random_action[a] = ctx.random.uniform(-1.f, 1.f);
    }
    Vector random_orders = decide(random_action, shadow_, 1 / static_cast<float>(active_), 1, config);

    // Bar t+1.
    const BarMoves<assets> moves = next_bar(ctx.data(), ctx.random);
    const TradingFrictions frictions(config, ctx.task().cost_scale, ctx.task().impact_scale);
    Vector drift{}, concession{}, random_concession{};
    for (int a = 0; a < assets; ++a) {
      const float unit = moves.to_fill[a] * math::exp(-offset_[a]);
      const PriceImpact impact(joint[a] * unit, frictions);
      concession[a] = impact.concession;
      random_concession[a] = PriceImpact(random_orders[a] * unit, frictions).concession;
      offset_[a] += impact.shift;
      drift[a] = math::exp(impact.shift) * moves.to_close[a];
    }
    Array<BarFlows, agents> flows{};
    for (int i = 0; i < traders_; ++i) {
      if (out_[i]) continue;
      auto on_trade = [&](int a, float held, float value) { record_[i].trade(a, held, value); };
      flows[i] = settle_bar(account_[i], orders[i], concession, moves.to_fill, drift, frictions, on_trade);
    }
    settle_bar(shadow_, random_orders, random_concession, moves.to_fill, drift, frictions,
               [](int, float, float) {});
    ++bar_;
    reward(flows, ctx);
    end(ctx);
  }

  POLIS_HD void observe(int agent, Row out, const auto& view) const {
    const Config& config = view.config();
    const TradingAccount<assets>& own = account_[agent];
    const float inverse_equity = 1 / math::max(own.equity, 1e-3f);
    const float unit = weight_unit(config), others = inverse_others_equity(agent);
    float gross = 0, cost_basis = 0, value = 0;
    for (int a = 0; a < assets; ++a) {
      const Row slot = out.from(a * asset_features);
      if (symbol_[a] < 0) {
        for (int f = 0; f < asset_features; ++f) slot[f] = 0;
        continue;
      }
      const float* market = features_of(a, view.data());
      for (int f = 0; f < market_features; ++f) slot[f] = market[f];
      slot[market_features] = 1;
      slot[market_features + 1] = bounded(own.position[a] * inverse_equity / unit);
      slot[market_features + 2] = bounded((held_[a] - own.position[a]) * others / unit);
      slot[market_features + 3] = bounded(50 * offset_[a]);
      gross += math::abs(own.position[a]);
      value += own.position[a];
      cost_basis += record_[agent].basis[a];
    }
    float sharpe, value_at_risk;
    record_[agent].risk(sharpe, value_at_risk);
    const Row rest = out.from(assets * asset_features);
    rest[0] = bounded(own.cash * inverse_equity);
    rest[1] = bounded(gross * inverse_equity);
    rest[2] = bounded(5 * (own.equity - 1));
    rest[3] = bounded(10 * (value - cost_basis) * inverse_equity);
    rest[4] = bounded(10 * record_[agent].drawdown);
    rest[5] = bounded(4 * sharpe);
    rest[6] = bounded(.5f * value_at_risk);
    rest[7] = time_left();
    rest[8] = static_cast<float>(active_) / assets;
    rest[9] = static_cast<float>(traders_) / agents;
    rest[10] = bounded(1000 * config.cost * view.task().cost_scale);
    rest[11] = bounded(view.task().impact_scale);
  }

  /// The market once, then every trader's weights, return so far and drawdown, then time left and costs.
  POLIS_HD void state(Row out, const auto& view) const {
    int at = 0;
    for (int a = 0; a < assets; ++a) {
      const float* market = symbol_[a] < 0 ? nullptr : features_of(a, view.data());
      for (int f = 0; f < market_features; ++f) out[at++] = market ? market[f] : 0.f;
      out[at++] = market ? 1.f : 0.f;
      out[at++] = bounded(50 * offset_[a]);
    }
    const float unit = weight_unit(view.config());
    for (int i = 0; i < agents; ++i) {
      const float inverse_equity = 1 / math::max(account_[i].equity, 1e-3f);
      for (int a = 0; a < assets; ++a) out[at++] = bounded(account_[i].position[a] * inverse_equity / unit);
      out[at++] = bounded(5 * (account_[i].equity - 1));
      out[at++] = bounded(10 * record_[i].drawdown);
    }
    out[at++] = time_left();
    out[at++] = bounded(1000 * view.config().cost * view.task().cost_scale);
  }

  /// Active traders decide on every bar until they are bankrupt.
  POLIS_HD bool acting(int agent) const { return agent < traders_ && !out_[agent]; }

  /// The share of traders whose equity, after all costs, is above that of a portfolio with fresh random
  /// weights in
  /// [-1, 1] / assets on every bar of the same path.
  POLIS_HD float success() const {
    int above = 0;
    for (int i = 0; i < traders_; ++i) above += account_[i].equity > shadow_.equity ? 1 : 0;
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
    visit("net_return", mean([&](int i) { return 100 * (account_[i].equity - 1); }));
    visit("random_return", double(100 * (shadow_.equity - 1)));
    visit("sharpe", mean([&](int i) { return episode_sharpe(record_[i].totals, record_[i].bars); }));
    visit("max_drawdown", mean([&](int i) { return 100 * record_[i].totals.drawdown; }));
    visit("turnover", mean([&](int i) { return record_[i].totals.turnover / static_cast<float>(bar_); }));
    visit("costs", mean([&](int i) { return 100 * record_[i].totals.cost; }));
    visit("impact", mean([&](int i) { return 100 * record_[i].totals.impact; }));
    visit("bankrupt", mean([&](int i) { return out_[i] ? 1 : 0; }));
    const char* names[] = {"reward_profit", "reward_risk",        "reward_cost",
                           "reward_impact", "reward_cooperation", "reward_exploration"};
    for (int c = 0; c < 6; ++c) visit(names[c], mean([&](int i) { return record_[i].totals.rewards[c]; }));
  }

  /// What the trader's last reward was made of, by the names of `RewardWeights`.
  void reward_components(int trader, auto&& visit) const {
    const RewardWeights names;
    int c = 0;
    RewardWeights::fields(names, [&](const char* name, float) { visit(name, record_[trader].parts[c++]); });
  }

  // What reference policies, reports and tests read.
  POLIS_HD const TradingAccount<assets>& account(int trader) const { return account_[trader]; }
  POLIS_HD const TraderTotals& totals(int trader) const { return record_[trader].totals; }
  POLIS_HD const TradingAccount<assets>& shadow() const { return shadow_; }
  POLIS_HD int active_assets() const { return active_; }
  POLIS_HD int active_traders() const { return traders_; }
  POLIS_HD int symbol(int slot) const { return symbol_[slot]; }          ///< -1 where the slot is not active
  POLIS_HD int day() const { return day_; }                              ///< the bar now observed
  POLIS_HD int bar() const { return bar_; }                              ///< bars since the start
  POLIS_HD float price_offset(int slot) const { return offset_[slot]; }  ///< log price shift by own impact
  POLIS_HD const SyntheticMarket<assets>& path() const { return path_; }
  /// The weight that an action of 1 asks for.
  POLIS_HD float weight_unit(const Config& config) const {
    return config.position_limit / static_cast<float>(active_);
  }

 private:
  using Record = TraderRecord<assets, Spec.window>;

  POLIS_HD static int clamp(int x, int low, int high) { return x > high ? high : x < low ? low : x; }
  POLIS_HD static float bounded(float x) { return math::clamp(x, -5.f, 5.f); }

  /// Draws `count` of the symbols, every subset alike (Knuth's selection sampling). A symbol keeps the slot
  /// of its own number where there is one for each, so that a slot means the same asset in every episode.
  POLIS_HD void choose_symbols(int count, const MarketData& data, Random& random) {
    const int symbols = data.symbols > 0 ? data.symbols : assets;
    for (int a = 0; a < assets; ++a) symbol_[a] = -1;
    active_ = count;
    for (int s = 0, taken = 0; taken < count; ++s) {
      const int wanted = count - taken, left = symbols - s;
      if (wanted < left && random.integer(left) >= wanted) continue;
      symbol_[symbols <= assets ? s : taken] = s;
      ++taken;
    }
  }

  POLIS_HD Vector decide(const Vector& action, const TradingAccount<assets>& account, float unit,
                         float adjustment, const Config& config) const {
    Vector active = action;
    for (int a = 0; a < assets; ++a) {
      if (symbol_[a] < 0) active[a] = 0;
    }
    return orders_towards(active, account, unit, adjustment, config);
  }

  POLIS_HD BarMoves<assets> next_bar(const MarketData& data, Random& random) {
    BarMoves<assets> moves;
    ++day_;
    if (synthetic_) {
      path_.advance(data, symbol_, volatility_, random);
      scale_features(data);
    }
    for (int a = 0; a < assets; ++a) {
      moves.to_fill[a] = moves.to_close[a] = 1;
      if (symbol_[a] < 0) continue;
      if (synthetic_) {
        moves.to_fill[a] = math::exp(path_.log_return(a));
      } else {
        moves.to_fill[a] = data.to_fill[data.index(day_, symbol_[a])];
        moves.to_close[a] = data.to_close[data.index(day_, symbol_[a])];
      }
    }
    return moves;
  }

  POLIS_HD void scale_features(const MarketData& data) {
    for (int a = 0; a < assets; ++a) {
      if (symbol_[a] >= 0) scaled_[a] = data.scaler(symbol_[a])(path_.features(a));
    }
  }

  POLIS_HD const float* features_of(int slot, const MarketData& data) const {
    if (synthetic_) return scaled_[slot].data();
    return data.features + data.index(day_, symbol_[slot]) * market_features;
  }

  POLIS_HD void reward(const Array<BarFlows, agents>& flows, auto& ctx) {
    const RewardWeights& weight = ctx.config().rewards;
    float team = 0, trading = 0;
    for (int i = 0; i < traders_; ++i) {
      if (out_[i]) continue;
      team += flows[i].net_percent();
      trading += 1;
    }
    for (int i = 0; i < traders_; ++i) {
      record_[i].parts = {};
      if (out_[i]) continue;
      const BarFlows& bar = flows[i];
      Record& record = record_[i];
      const float percent = 100 / bar.before;
      const float drawdown = 100 * record.mark(bar.net_percent(), account_[i].equity);
      const Array<float, 6>& parts =
          record.parts = {{percent * bar.gain, -drawdown, -percent * bar.cost, -percent * bar.impact,
                           team / trading, diversification(account_[i])}};
      ctx.reward(i) = weight.profit * parts[0] + weight.risk * parts[1] + weight.cost * parts[2] +
                      weight.impact * parts[3] + weight.cooperation * parts[4] +
                      weight.exploration * parts[5];
      for (int c = 0; c < 6; ++c) record.totals.rewards[c] += parts[c];
      record.totals.turnover += bar.traded / bar.before;
      record.totals.cost += bar.cost;
      record.totals.impact += bar.impact;
    }
  }

  /// 0 for one position or none, 1 for equal positions in all active assets that use up the equity.
  POLIS_HD float diversification(const TradingAccount<assets>& account) const {
    float gross = 0, squares = 0;
    for (int a = 0; a < assets; ++a) {
      gross += math::abs(account.position[a]);
      squares += account.position[a] * account.position[a];
    }
    if (active_ < 2 || gross < 1e-6f) return 0;
    const float n = static_cast<float>(active_), spread = (1 - squares / (gross * gross)) * n / (n - 1);
    return spread * math::min(gross / math::max(account.equity, 1e-3f), 1.f);
  }

  POLIS_HD void end(auto& ctx) {
    int trading = 0;
    held_ = {};
    held_equity_ = 0;
    for (int i = 0; i < traders_; ++i) {
      if (out_[i]) continue;
      if (account_[i].equity < ctx.config().bankruptcy) {
        out_[i] = true;
        account_[i].liquidate();
        ctx.terminate(i);
        continue;
      }
      ++trading;
      for (int a = 0; a < assets; ++a) held_[a] += account_[i].position[a];
      held_equity_ += account_[i].equity;
    }
    if (trading == 0) ctx.terminate();
    if (bar_ >= bars_) ctx.truncate();
  }

  POLIS_HD float time_left() const { return 1 - static_cast<float>(bar_) / static_cast<float>(bars_); }

  /// 1 / the equity of the other traders; 0 where there are none.
  POLIS_HD float inverse_others_equity(int agent) const {
    const float others = held_equity_ - account_[agent].equity;
    return others > 1e-3f ? 1 / others : 0.f;
  }

  POLIS_HD static float episode_sharpe(const TraderTotals& totals, int bars) {
    if (bars < 2) return 0;
    const float n = static_cast<float>(bars), mean = totals.returns / n;
    const float variance = (totals.squares - n * mean * mean) / (n - 1);
    return variance > 1e-8f ? mean / math::sqrt(variance) * math::sqrt(252.f) : 0.f;
  }

  int day_ = 0, bar_ = 0, bars_ = 1, active_ = assets, traders_ = agents, volatility_ = 2;
  bool synthetic_ = false;
  Array<bool, agents> out_{};
  Array<int, assets> symbol_{};
  Vector offset_{};  // log price shift by the traders' own lasting impact
  Vector held_{};    // all traders' positions together
  float held_equity_ = 0;
  Array<TradingAccount<assets>, agents> account_{};
  TradingAccount<assets> shadow_{};  // the random portfolio
  Array<Record, agents> record_{};
  SyntheticMarket<assets> path_{};
  Array<FeatureVector, assets> scaled_{};  // of the synthetic path
};

/// Four traders and four assets at most.
using Trading = BasicTrading<TradingSpec{.assets = 4, .traders = 4}>;

}  // namespace polis
