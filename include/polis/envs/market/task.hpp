// What an episode of Trading is about, and the stages by which it grows harder.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/envs/market/market_data.hpp>
#include <polis/envs/market/scenario.hpp>
#include <polis/envs/market/settings.hpp>
#include <polis/envs/market/spec.hpp>

namespace polis {

/// One episode: which part of the market, how long, how hard.
template <TradingSpec Spec>
struct TradingTask {
  int assets = Spec.assets;    ///< active ones, drawn at random from the symbols of the data
  int traders = Spec.traders;  ///< active ones
  int start = 0;               ///< first observed day
  int bars = 120;
  float cost_scale = 1;                            ///< multiplies TradingConfig::cost
  float impact_scale = 1;                          ///< multiplies both impacts
  bool synthetic = false;                          ///< draw the path instead of replaying the data
  int volatility = 2;                              ///< wildest market in it: 0 calm, 1 medium, 2 crisis
  MarketScenario scenario = MarketScenario::none;  ///< of a synthetic path; `none` is the market as it is

  static constexpr void fields(auto& self, auto&& visit) {
    visit("assets", self.assets);
    visit("traders", self.traders);
    visit("start", self.start);
    visit("bars", self.bars);
    visit("cost_scale", self.cost_scale);
    visit("impact_scale", self.impact_scale);
    visit("synthetic", self.synthetic);
    visit("volatility", self.volatility);
    visit("scenario", self.scenario);
  }

  /// As many assets as the environment and the data both have.
  POLIS_HD static int available_assets(const MarketData& data) {
    return data.symbols > 0 && data.symbols < Spec.assets ? data.symbols : Spec.assets;
  }

  /// How many stages a curriculum has.
  static constexpr int stages(const TradingConfig& config) {
    return config.curriculum == TradingCurriculum::regimes ? 5 : 4;
  }

  /// A task of one of these stages, the last of which is the market as it is: see of_frictions and
  /// of_regimes.
  POLIS_HD static TradingTask of_stage(int stage, const TradingConfig& config, const MarketData& data,
                                       Random& random) {
    if (config.curriculum == TradingCurriculum::frictions) return of_frictions(stage, config, data, random);
    return of_regimes(stage, config, data, random);
  }

  /// A task of stage 0: one asset, calm windows, no costs; 1: half the assets, calm and medium windows, half
  /// the costs; 2: all assets, all windows, full costs; 3: with impact, and in training a share of synthetic
  /// episodes. A window is calm, medium or crisis by the tercile of its realised volatility. Without data all
  /// is synthetic.
  POLIS_HD static TradingTask of_frictions(int stage, const TradingConfig& config, const MarketData& data,
                                           Random& random) {
    const int available = available_assets(data);
    TradingTask task;
    task.assets = stage == 0 ? 1 : stage == 1 ? (available + 1) / 2 : available;
    task.volatility = stage < 2 ? stage : 2;
    task.cost_scale = stage == 0 ? 0.f : stage == 1 ? .5f : 1.f;
    task.impact_scale = stage < 3 ? 0.f : 1.f;
    task.bars = data.window;
    task.synthetic =
        data.symbols == 0 || (stage >= 3 && data.training && random.uniform() < config.synthetic_share);
    if (!task.synthetic) {
      const int windows = data.start_count * (task.volatility + 1) / 3;
      task.start = data.starts[random.integer(windows > 1 ? windows : 1)];
    }
    return task;
  }

  /// Full costs and impact in every stage, and markets that grow wilder. Stage 0: a calm; 1: a rise or a
  /// fall; 2: a fall or a recovery; 3: a crisis or a crash; 4: all assets in the market as it is, as the last
  /// stage of of_frictions. Of the assets 2/15, 5/15, 8/15, 10/15 and all are traded.
  POLIS_HD static TradingTask of_regimes(int stage, const TradingConfig& config, const MarketData& data,
                                         Random& random) {
    if (stage >= 4) return of_frictions(3, config, data, random);
    constexpr MarketScenario scenarios[4][2] = {{MarketScenario::calm, MarketScenario::calm},
                                                {MarketScenario::bull, MarketScenario::bear},
                                                {MarketScenario::bear, MarketScenario::recovery},
                                                {MarketScenario::crisis, MarketScenario::crash}};
    constexpr int shares[4] = {2, 5, 8, 10};
    const int easy = stage < 0 ? 0 : stage;
    TradingTask task = of_scenario(scenarios[easy][random.integer(2)], data);
    task.assets = (shares[easy] * task.assets + 14) / 15;
    return task;
  }

  /// A scenario with all assets, at full costs and impact, by the model that is fitted to the data.
  POLIS_HD static TradingTask of_scenario(MarketScenario scenario, const MarketData& data = {}) {
    TradingTask task;
    task.assets = available_assets(data);
    task.bars = data.window;
    task.synthetic = true;
    task.scenario = scenario;
    return task;
  }

  /// The whole range of a data view as one episode, at full costs and impact: for reports.
  POLIS_HD static TradingTask whole_range(const MarketData& data) {
    TradingTask task;
    task.assets = available_assets(data);
    task.start = data.first_day;
    task.bars = data.end_day - 1 - data.first_day;
    return task;
  }
};

}  // namespace polis
