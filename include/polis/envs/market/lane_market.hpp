// The market of one lane of Trading: a replayed window of the data or a synthetic path, seen through slots.
#pragma once

#include <cstddef>
#include <type_traits>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/envs/market/execution.hpp>
#include <polis/envs/market/features.hpp>
#include <polis/envs/market/generator.hpp>
#include <polis/envs/market/market_data.hpp>
#include <polis/envs/market/task.hpp>
#include <polis/envs/market/volume.hpp>

namespace polis {

/// Bars of up to `Spec.assets` symbols, without what traders do to prices.
template <TradingSpec Spec>
class LaneMarket {
 public:
  static constexpr int assets = Spec.assets;

  POLIS_HD void start(const TradingTask<Spec>& task, const MarketData& data, Random& random) {
    synthetic_ = task.synthetic || data.symbols == 0 || task.scenario != MarketScenario::none;
    const int last_start = data.end_day - 2;
    day_ = synthetic_ ? 0 : clamp(task.start, data.first_day, last_start);
    bars_ = clamp(task.bars, 1, synthetic_ ? task.bars : data.end_day - 1 - day_);
    volatility_ = clamp(task.volatility, 0, 2);
    choose_symbols(clamp(task.assets, 1, TradingTask<Spec>::available_assets(data)), data, random);
    if (synthetic_) {
      plan_ = ScenarioPlan(task.scenario, bars_, random);
      path_.start(data, symbol_, plan_.bounds(0, volatility_), random);
      if constexpr (Spec.volume) volume_.start(symbol_, random);
      scale_features(data);
    }
  }

  /// Goes on to the next bar.
  POLIS_HD BarMoves<assets> next(const MarketData& data, Random& random) {
    BarMoves<assets> moves;
    ++day_;
    if (synthetic_) {
      path_.advance(data, symbol_, plan_.bounds(day_, volatility_), random);
      scale_features(data);
      if constexpr (Spec.volume) advance_volume(random);
    } else if (data.has_open) {
      moves.prices = data.to_low ? BarPrices::range : BarPrices::open_and_close;
    }
    for (int a = 0; a < assets; ++a) {
      moves.to_fill[a] = moves.to_close[a] = moves.to_low[a] = moves.to_high[a] = 1;
      if (symbol_[a] < 0) continue;
      if (synthetic_) {
        moves.to_fill[a] = math::exp(path_.log_return(a));
        continue;
      }
      const auto at = data.index(day_, symbol_[a]);
      moves.to_fill[a] = data.to_fill[at];
      moves.to_close[a] = data.to_close[at];
      if (moves.prices == BarPrices::range) {
        moves.to_low[a] = data.to_low[at];
        moves.to_high[a] = data.to_high[at];
      }
    }
    return moves;
  }

  /// The figures of an active slot's symbol as of the bar observed.
  POLIS_HD const float* features(int slot, const MarketData& data) const {
    if (synthetic_) return scaled_[slot].data();
    return data.features + data.index(day_, symbol_[slot]) * market_features;
  }

  /// The last bar's volume relative to the usual one; 1 where there are no volumes.
  POLIS_HD float relative_volume(int slot, const MarketData& data) const {
    if (symbol_[slot] < 0 || !has_volume(data)) return 1;
    if constexpr (Spec.volume) {
      if (synthetic_) return volume_.relative(slot);
    }
    return data.relative_volume[data.index(day_, symbol_[slot])];
  }

  /// Writes what the type asks for: log relative volume, sentiment. 0 where there is none.
  POLIS_HD void signals(int slot, const MarketData& data, Row out) const {
    const auto replayed = [&](std::size_t signal) {
      if (synthetic_ || !data.signals) return 0.f;
      return data.signals[data.index(day_, symbol_[slot]) * market_signals + signal];
    };
    int at = 0;
    if constexpr (Spec.volume) {
      out[at++] = synthetic_ && has_volume(data) ? math::clamp(volume_.signal(slot), -5.f, 5.f) : replayed(0);
    }
    if constexpr (Spec.sentiment) out[at++] = replayed(1);
  }
  static constexpr int signal_count = (Spec.volume ? 1 : 0) + (Spec.sentiment ? 1 : 0);

  POLIS_HD int symbol(int slot) const { return symbol_[slot]; }  ///< -1 where the slot is not active
  POLIS_HD int active() const { return active_; }                ///< slots
  POLIS_HD int day() const { return day_; }                      ///< the bar now observed
  POLIS_HD int bars() const { return bars_; }                    ///< in the episode
  POLIS_HD const SyntheticMarket<assets>& path() const { return path_; }
  POLIS_HD const ScenarioPlan& plan() const { return plan_; }  ///< of a synthetic path

 private:
  POLIS_HD static int clamp(int x, int low, int high) { return x > high ? high : x < low ? low : x; }

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

  /// Synthetic paths have volumes where they are shown, unless there is data that has none.
  POLIS_HD bool has_volume(const MarketData& data) const {
    return synthetic_ ? Spec.volume && (data.symbols == 0 || data.relative_volume)
                      : data.relative_volume != nullptr;
  }

  /// A bar's volume goes with its return, in the deviations of the last 20.
  POLIS_HD void advance_volume(Random& random) {
    for (int a = 0; a < assets; ++a) {
      if (symbol_[a] < 0) continue;
      volume_.advance(a, path_.log_return(a) * math::exp(-path_.features(a)[4]), random);
    }
  }

  POLIS_HD void scale_features(const MarketData& data) {
    for (int a = 0; a < assets; ++a) {
      if (symbol_[a] >= 0) scaled_[a] = data.scaler(symbol_[a])(path_.features(a));
    }
  }

  int day_ = 0, bars_ = 1, active_ = assets, volatility_ = 2;
  bool synthetic_ = false;
  Array<int, assets> symbol_{};
  ScenarioPlan plan_{};
  SyntheticMarket<assets> path_{};
  Array<FeatureVector, assets> scaled_{};  // of the synthetic path
  struct NoVolume {};
  [[no_unique_address]] std::conditional_t<Spec.volume, SyntheticVolume<assets>, NoVolume> volume_{};
};

}  // namespace polis
