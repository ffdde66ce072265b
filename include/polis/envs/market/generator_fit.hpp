// Fitting the synthetic market to a range of real bars, by matching moments.
//
// The factor is the mean log return of all symbols. A bar's regime is the tercile of the factor's root mean
// square over the 21 bars around it; means, deviations and transition frequencies are the sample ones of the
// bars so labelled. Each asset is regressed on the factor, and its residual deviation is taken regime by
// regime. This is not maximum likelihood: three equal shares of time are imposed, which is what "calm,
// medium, crisis by tercile" means elsewhere in this environment.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/envs/market/generator.hpp>

namespace polis {

/// A factor and how each symbol follows it.
struct MarketModel {
  RegimeSwitching<3> factor = three_regimes();
  std::vector<AssetModel> assets;
};

namespace internal {

/// The tercile (0 to 2) of each bar's local volatility.
inline std::vector<int> regimes_by_tercile(const std::vector<double>& returns) {
  const int bars = static_cast<int>(returns.size()), reach = 10;
  std::vector<double> local(returns.size());
  for (int t = 0; t < bars; ++t) {
    double squares = 0;
    const int first = std::max(0, t - reach), last = std::min(bars - 1, t + reach);
    for (int s = first; s <= last; ++s) squares += returns[std::size_t(s)] * returns[std::size_t(s)];
    local[std::size_t(t)] = squares / (last - first + 1);
  }
  std::vector<double> sorted = local;
  std::sort(sorted.begin(), sorted.end());
  const double low = sorted[sorted.size() / 3], high = sorted[2 * sorted.size() / 3];
  std::vector<int> regime(returns.size());
  std::transform(local.begin(), local.end(), regime.begin(),
                 [&](double v) { return (v >= low) + (v >= high); });
  return regime;
}

/// Mean and deviation of the values whose label is k.
struct Moments {
  double mean = 0, deviation = 0;
};
inline Moments moments_of(const std::vector<double>& values, const std::vector<int>& label, int k) {
  double count = 0, sum = 0, squares = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (label[t] == k) count += 1, sum += values[t];
  }
  const double mean = count > 0 ? sum / count : 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (label[t] == k) squares += (values[t] - mean) * (values[t] - mean);
  }
  return {mean, count > 0 ? std::sqrt(squares / count) : 0};
}

inline RegimeSwitching<3> fit_factor(const std::vector<double>& returns, const std::vector<int>& regime) {
  RegimeSwitching<3> factor;
  for (int k = 0; k < 3; ++k) {
    const Moments moments = moments_of(returns, regime, k);
    factor.mean[k] = static_cast<float>(moments.mean);
    factor.deviation[k] = static_cast<float>(moments.deviation);
  }
  double counts[3][3] = {
      {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};  // a regime never left still has a row that sums to one
  for (std::size_t t = 1; t < regime.size(); ++t) counts[regime[t - 1]][regime[t]] += 1;
  for (int i = 0; i < 3; ++i) {
    const double total = counts[i][0] + counts[i][1] + counts[i][2];
    for (int j = 0; j < 3; ++j) factor.transition[i][j] = static_cast<float>(counts[i][j] / total);
  }
  return factor;
}

inline AssetModel fit_asset(const std::vector<double>& asset, const std::vector<double>& factor,
                            const std::vector<int>& regime) {
  const double bars = static_cast<double>(asset.size());
  double mean_asset = 0, mean_factor = 0, covariance = 0, variance = 0;
  for (std::size_t t = 0; t < asset.size(); ++t)
    mean_asset += asset[t] / bars, mean_factor += factor[t] / bars;
  for (std::size_t t = 0; t < asset.size(); ++t) {
    covariance += (asset[t] - mean_asset) * (factor[t] - mean_factor);
    variance += (factor[t] - mean_factor) * (factor[t] - mean_factor);
  }
  const double beta = variance > 0 ? covariance / variance : 0, alpha = mean_asset - beta * mean_factor;
  std::vector<double> residual(asset.size());
  for (std::size_t t = 0; t < asset.size(); ++t) residual[t] = asset[t] - alpha - beta * factor[t];
  AssetModel model{static_cast<float>(alpha), static_cast<float>(beta), {}};
  for (int k = 0; k < 3; ++k)
    model.residual[k] = static_cast<float>(moments_of(residual, regime, k).deviation);
  return model;
}

}  // namespace internal

/// Fits a market to log returns in percent, `returns[symbol][bar]`, all of one length above zero.
inline MarketModel fit_market(const std::vector<std::vector<double>>& returns) {
  std::vector<double> factor(returns.at(0).size());
  for (const auto& symbol : returns) {
    for (std::size_t t = 0; t < factor.size(); ++t)
      factor[t] += symbol[t] / static_cast<double>(returns.size());
  }
  const std::vector<int> regime = internal::regimes_by_tercile(factor);
  MarketModel model{internal::fit_factor(factor, regime), {}};
  for (const auto& symbol : returns) model.assets.push_back(internal::fit_asset(symbol, factor, regime));
  return model;
}

}  // namespace polis
