// Price data for Trading: `MarketHistory` owns it, `MarketData` is the plain view that lanes read.
//
// Everything an agent may see of a bar is computed once, from that bar and earlier ones only. What is fitted
// (the feature scalers, the synthetic market, the volatility classes of training windows) is fitted on the
// training range alone. Between training and held-out range lies an embargo of unused bars; the held-out
// range looks back on earlier bars for its indicators, but is scaled and modelled by the training range.
//
// Walk-forward: one history per fold, with `training` and `end` moved forward together.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/text.hpp>
#include <polis/envs/market/features.hpp>
#include <polis/envs/market/generator.hpp>
#include <polis/envs/market/generator_fit.hpp>
#include <polis/envs/market/volume.hpp>

namespace polis {

/// Figures of `MarketData::signals`: log relative volume and sentiment.
inline constexpr int market_signals = 2;

/// What a lane reads: pointers into a MarketHistory, which must outlive it. Without data (symbols == 0)
/// Trading runs on the default synthetic market.
struct MarketData {
  const float* close = nullptr;  ///< [day][symbol]
  const float* to_fill =
      nullptr;  ///< [day][symbol]: price at which orders of the day before fill / close before
  const float* to_close = nullptr;  ///< [day][symbol]: close / that price; 1 where the data has no open
  const float* to_low = nullptr;    ///< [day][symbol]: low / that price; none where the data has no ranges
  const float* to_high = nullptr;   ///< [day][symbol]: high / that price
  const float* relative_volume = nullptr;  ///< [day][symbol]: volume.hpp; none where the data has no volume
  const float* signals = nullptr;          ///< [day][symbol][market_signals], scaled; 0 what the data lacks
  const float* features = nullptr;         ///< [day][symbol][market_features], scaled
  const int* starts = nullptr;  ///< [start_count]: days on which a window may start, calmest window first
  const FeatureScaler* scalers = nullptr;  ///< [symbol]
  const AssetModel* models = nullptr;      ///< [symbol]
  MarketFactor factor{};
  int symbols = 0;
  int first_day = 0, end_day = 0;  ///< episodes observe days in [first_day, end_day)
  int start_count = 0;
  int window = 120;       ///< bars in an episode that a stage draws
  bool training = true;   ///< only training mixes synthetic episodes in
  bool has_open = false;  ///< orders fill at the open, not at the close

  /// Where a day's figure of a symbol lies in `close`, `to_fill` and `to_close`.
  POLIS_HD std::size_t index(int day, int symbol) const {
    return static_cast<std::size_t>(day) * static_cast<std::size_t>(symbols) +
           static_cast<std::size_t>(symbol);
  }
  POLIS_HD const FeatureScaler& scaler(int symbol) const {
    return scalers ? scalers[symbol] : default_scaler;
  }
  POLIS_HD const AssetModel& model(int symbol) const { return models ? models[symbol] : default_model; }

  /// visit(pointer, count) for every array, so that a device can have copies of them and point there.
  void arrays(auto&& visit) {
    const std::size_t all = index(end_day, 0), each = static_cast<std::size_t>(symbols);
    for (const float** prices : {&close, &to_fill, &to_close, &to_low, &to_high, &relative_volume})
      visit(*prices, all);
    visit(signals, all * market_signals), visit(features, all * market_features);
    visit(starts, static_cast<std::size_t>(start_count));
    visit(scalers, each), visit(models, each);
  }

  FeatureScaler default_scaler{};
  AssetModel default_model{};
};

/// Prices by day, then symbol: element [day * symbols + symbol]. All but `close` may be empty. `high` and
/// `low` go together and beside opens only: without an open it is not known what of a bar's range came after
/// its orders. `volume` is in any unit, `sentiment` any figure that is known at the bar's close.
struct MarketPrices {
  int symbols = 0;
  std::vector<float> close{}, open{}, high{}, low{}, volume{}, sentiment{};
};

/// How a history is divided, in shares of its days.
struct MarketSettings {
  int window = 120;      ///< bars in an episode
  double training = .8;  ///< days before this share are for training
  double end = 1;        ///< days from there (and the embargo) to this share are held out
  int embargo = 5;       ///< unused days between the two

  static constexpr void fields(auto& self, auto&& visit) {
    visit("window", self.window);
    visit("training", self.training);
    visit("end", self.end);
    visit("embargo", self.embargo);
  }
};

/// Prices with all that is computed from them. Throws polis::Error for prices that are not positive numbers
/// and for a range too short for its windows.
class MarketHistory {
 public:
  [[gnu::cold]] explicit MarketHistory(MarketPrices prices, const MarketSettings& settings = {})
      : prices_(std::move(prices)), settings_(settings) {
    check_prices();
    check_ranges();
    compute_moves();
    compute_features();
    compute_signals();
    fit();
    training_starts_ = starts(market_warm_up, training_end_, settings_.window);
    const int held_out_days = end_ - held_out_begin();
    held_out_window_ = std::min(settings_.window, held_out_days - 1);
    if (held_out_days > 1) held_out_starts_ = starts(held_out_begin(), end_, held_out_window_);
  }

  [[nodiscard]] int symbols() const { return prices_.symbols; }
  [[nodiscard]] int days() const { return days_; }
  /// What synthetic episodes follow: fitted to the training range, by moments, unless another is set.
  [[nodiscard]] const MarketModel& model() const { return model_; }
  /// Another one, as market::fit_market (fit.hpp) makes of `training_returns()`. Views made before keep
  /// theirs. Error: not one asset model for each symbol.
  [[gnu::cold]] void set_model(MarketModel model) {
    if (model.assets.size() != static_cast<std::size_t>(prices_.symbols)) {
      throw Error(concat({model.assets.size(), " asset models"}), "MarketHistory",
                  concat({"one for each of ", prices_.symbols, " symbols"}));
    }
    model_ = std::move(model);
  }
  /// Log returns in percent, [symbol][bar].
  [[nodiscard, gnu::cold]] std::vector<std::vector<double>> training_returns() const {
    std::vector<std::vector<double>> returns(static_cast<std::size_t>(prices_.symbols));
    for (int s = 0; s < prices_.symbols; ++s) {
      for (int day = 1; day < training_end_; ++day) {
        const double now = double(prices_.close[index(day, s)]),
                     before = double(prices_.close[index(day - 1, s)]);
        returns[std::size_t(s)].push_back(100 * std::log(now / before));
      }
    }
    return returns;
  }
  [[nodiscard]] const FeatureScaler& scaler(int symbol) const { return scalers_.at(std::size_t(symbol)); }

  /// Features before scaling.
  [[nodiscard]] const FeatureVector& raw_features(int day, int symbol) const {
    return raw_.at(index(day, symbol));
  }

  /// The training range.
  [[nodiscard]] MarketData training() const {
    return view(market_warm_up, training_end_, training_starts_, settings_.window, true);
  }

  /// The range never used in training. Throws where the settings leave fewer than two days for it.
  [[nodiscard]] MarketData held_out() const {
    if (held_out_starts_.empty()) {
      throw Error(concat({"only ", std::max(0, end_ - held_out_begin()), " days are held out"}),
                  "MarketHistory", "at least 2: lower `training` or `embargo`, or give more days");
    }
    return view(held_out_begin(), end_, held_out_starts_, held_out_window_, false);
  }

 private:
  [[nodiscard]] std::size_t index(int day, int symbol) const {
    return static_cast<std::size_t>(day) * static_cast<std::size_t>(prices_.symbols) +
           static_cast<std::size_t>(symbol);
  }
  [[nodiscard]] std::string place(std::size_t i) const {
    const auto symbols = static_cast<std::size_t>(prices_.symbols);
    return concat({"day ", i / symbols, " of symbol ", i % symbols});
  }
  [[nodiscard]] int held_out_begin() const { return training_end_ + settings_.embargo; }

  [[gnu::cold]] void check_prices() {
    if (prices_.symbols < 1 || prices_.close.size() % std::size_t(prices_.symbols) != 0) {
      throw Error(concat({prices_.close.size(), " closes for ", prices_.symbols, " symbols"}), "MarketPrices",
                  "as many closes as days times symbols");
    }
    const auto as_many = [&](const std::vector<float>& column, const char* name) {
      if (column.empty() || column.size() == prices_.close.size()) return;
      throw Error(concat({column.size(), name, " beside ", prices_.close.size(), " closes"}), "MarketPrices",
                  "as many, or none");
    };
    as_many(prices_.open, " opens"), as_many(prices_.high, " highs"), as_many(prices_.low, " lows");
    as_many(prices_.volume, " volumes"), as_many(prices_.sentiment, " figures of sentiment");
    if (prices_.high.size() != prices_.low.size() || prices_.high.size() > prices_.open.size()) {
      throw Error(concat({prices_.high.size(), " highs and ", prices_.low.size(), " lows beside ",
                          prices_.open.size(), " opens"}),
                  "MarketPrices", "highs and lows together, and beside opens");
    }
    days_ = static_cast<int>(prices_.close.size()) / prices_.symbols;
    for (const auto* column : {&prices_.close, &prices_.open, &prices_.high, &prices_.low}) {
      for (std::size_t i = 0; i < column->size(); ++i) {
        if (std::isfinite((*column)[i]) && (*column)[i] > 0) continue;
        throw Error(concat({"the price is ", (*column)[i]}), place(i), "a positive number");
      }
    }
    for (std::size_t i = 0; i < prices_.volume.size(); ++i) {
      const float volume = prices_.volume[i];
      if (!std::isfinite(volume) || volume < 0) {
        throw Error(concat({"the volume is ", volume}), place(i), "a number of at least 0");
      }
    }
    for (std::size_t i = 0; i < prices_.sentiment.size(); ++i) {
      const float figure = prices_.sentiment[i];
      if (!std::isfinite(figure)) throw Error(concat({"the sentiment is ", figure}), place(i), "a number");
    }
  }

  [[gnu::cold]] void check_ranges() {
    const bool ordered = settings_.training > 0 && settings_.training <= settings_.end && settings_.end <= 1;
    if (!ordered || settings_.embargo < 0 || settings_.window < 2) {
      throw Error("the ranges are not in order", "MarketSettings",
                  "0 < training <= end <= 1, embargo >= 0, window >= 2");
    }
    training_end_ = static_cast<int>(settings_.training * days_);
    end_ = static_cast<int>(settings_.end * days_);
    const int needed = market_warm_up + settings_.window + 1;
    if (training_end_ < needed) {
      throw Error(concat({"the training range has ", training_end_, " days"}), "MarketHistory",
                  concat({"at least ", needed, ": ", market_warm_up,
                          " that the indicators look back on and a window of ", settings_.window,
                          "; give more days or a shorter window"}));
    }
  }

  [[gnu::cold]] void compute_moves() {
    to_fill_.assign(prices_.close.size(), 1.f);
    to_close_.assign(prices_.close.size(), 1.f);
    for (int day = 1; day < days_; ++day) {
      for (int s = 0; s < prices_.symbols; ++s) {
        const std::size_t at = index(day, s);
        const float fill = prices_.open.empty() ? prices_.close[at] : prices_.open[at];
        to_fill_[at] = fill / prices_.close[index(day - 1, s)];
        to_close_[at] = prices_.close[at] / fill;
      }
    }
    for (std::size_t at = 0; at < prices_.high.size(); ++at) {  // a range holds its open and its close
      to_low_.push_back(std::min({prices_.low[at] / prices_.open[at], 1.f, to_close_[at]}));
      to_high_.push_back(std::max({prices_.high[at] / prices_.open[at], 1.f, to_close_[at]}));
    }
  }

  [[gnu::cold]] void compute_features() {
    raw_.resize(prices_.close.size());
    for (int s = 0; s < prices_.symbols; ++s) {
      MarketFeatures features;
      for (int day = 0; day < days_; ++day) {
        const float close = prices_.close[index(day, s)];
        features.update(close, math::log(close));
        raw_[index(day, s)] = features.values();
      }
    }
  }

  /// Volume relative to the bars before, its logarithm and sentiment, the latter two brought to mean 0 and
  /// deviation 1 over the training range.
  [[gnu::cold]] void compute_signals() {
    if (prices_.volume.empty() && prices_.sentiment.empty()) return;
    signals_.assign(prices_.close.size() * market_signals, 0.f);
    relative_volume_.resize(prices_.volume.size());
    for (int s = 0; s < prices_.symbols; ++s) {
      RelativeVolume relative;
      for (int day = 0; day < days_; ++day) {
        const std::size_t at = index(day, s);
        if (!prices_.volume.empty()) {
          relative.update(prices_.volume[at]);
          relative_volume_[at] = relative.value();
          signals_[at * market_signals] = math::log(relative.value());
        }
        if (!prices_.sentiment.empty()) signals_[at * market_signals + 1] = prices_.sentiment[at];
      }
      for (int f = 0; f < market_signals; ++f) scale_signal(s, f);
    }
  }

  [[gnu::cold]] void scale_signal(int symbol, int f) {
    const auto at = [&](int day) -> float& {
      return signals_[index(day, symbol) * market_signals + std::size_t(f)];
    };
    const double bars = training_end_ - market_warm_up;
    double mean = 0, squares = 0;
    for (int day = market_warm_up; day < training_end_; ++day) mean += double(at(day)) / bars;
    for (int day = market_warm_up; day < training_end_; ++day) {
      squares += (double(at(day)) - mean) * (double(at(day)) - mean) / bars;
    }
    const double scale = 1 / std::max(std::sqrt(squares), 1e-6);
    for (int day = 0; day < days_; ++day) {
      at(day) = static_cast<float>(std::clamp((double(at(day)) - mean) * scale, -5., 5.));
    }
  }

  [[gnu::cold]] void fit() {
    model_ = fit_market(training_returns());
    scaled_.resize(raw_.size() * market_features);
    for (int s = 0; s < prices_.symbols; ++s) {
      scalers_.push_back(fit_scaler(s));
      for (int day = 0; day < days_; ++day) {
        const FeatureVector scaled = scalers_.back()(raw_[index(day, s)]);
        std::copy(scaled.begin(), scaled.end(), &scaled_[index(day, s) * market_features]);
      }
    }
  }

  [[nodiscard, gnu::cold]] FeatureScaler fit_scaler(int symbol) const {
    FeatureScaler scaler;
    const double bars = training_end_ - market_warm_up;
    for (int f = 0; f < market_features; ++f) {
      double sum = 0, squares = 0;
      for (int day = market_warm_up; day < training_end_; ++day) sum += double(raw_[index(day, symbol)][f]);
      const double mean = sum / bars;
      for (int day = market_warm_up; day < training_end_; ++day) {
        const double distance = double(raw_[index(day, symbol)][f]) - mean;
        squares += distance * distance;
      }
      scaler.mean[f] = static_cast<float>(mean);
      scaler.scale[f] = static_cast<float>(1 / std::max(std::sqrt(squares / bars), 1e-6));
    }
    return scaler;
  }

  /// The days of [begin, end) on which a window fits, sorted by the squared returns of the whole market in
  /// it.
  [[nodiscard, gnu::cold]] std::vector<int> starts(int begin, int end, int window) const {
    std::vector<double> squares(static_cast<std::size_t>(days_), 0.);  // running sum
    for (int day = 1; day < days_; ++day) {
      double move = 0;
      for (int s = 0; s < prices_.symbols; ++s) {
        move += double(to_fill_[index(day, s)] * to_close_[index(day, s)]) - 1;
      }
      squares[std::size_t(day)] = squares[std::size_t(day - 1)] + move * move;
    }
    auto variance = [&](int day) { return squares[std::size_t(day + window)] - squares[std::size_t(day)]; };
    std::vector<int> days(static_cast<std::size_t>(end - window - begin));
    std::iota(days.begin(), days.end(), begin);
    std::stable_sort(days.begin(), days.end(), [&](int a, int b) { return variance(a) < variance(b); });
    return days;
  }

  [[nodiscard]] MarketData view(int begin, int end, const std::vector<int>& starts, int window,
                                bool training) const {
    MarketData data;
    data.close = prices_.close.data();
    data.to_fill = to_fill_.data();
    data.to_close = to_close_.data();
    data.to_low = to_low_.empty() ? nullptr : to_low_.data();
    data.to_high = to_high_.empty() ? nullptr : to_high_.data();
    data.has_open = !prices_.open.empty();
    data.relative_volume = relative_volume_.empty() ? nullptr : relative_volume_.data();
    data.signals = signals_.empty() ? nullptr : signals_.data();
    data.features = scaled_.data();
    data.starts = starts.data();
    data.start_count = static_cast<int>(starts.size());
    data.scalers = scalers_.data();
    data.models = model_.assets.data();
    data.factor = model_.factor;
    data.symbols = prices_.symbols;
    data.first_day = begin;
    data.end_day = end;
    data.window = window;
    data.training = training;
    return data;
  }

  MarketPrices prices_;
  MarketSettings settings_;
  int days_ = 0, training_end_ = 0, end_ = 0, held_out_window_ = 0;
  std::vector<float> to_fill_, to_close_, to_low_, to_high_, scaled_, relative_volume_, signals_;
  std::vector<FeatureVector> raw_;
  std::vector<FeatureScaler> scalers_;
  MarketModel model_;
  std::vector<int> training_starts_, held_out_starts_;
};

}  // namespace polis
