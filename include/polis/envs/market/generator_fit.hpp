// Fitting the synthetic market to a range of real bars, by matching moments.
//
// The factor is the mean log return of all symbols. A bar's regime is the tercile of the factor's root mean
// square over the 61 bars around it; means, deviations and transition frequencies are the sample ones of the
// bars so labelled. Each asset is regressed on the factor, and its residual deviation is taken regime by
// regime. A mean of few symbols holds a part of each one's own noise, which would correlate them too much:
// all betas are scaled down until the mean covariance of pairs is the sample's, and the residuals take up
// what variance that costs. This is not maximum likelihood: three equal shares of time are imposed, which is
// what "calm, medium, crisis by tercile" means elsewhere in this environment.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include <polis/envs/market/generator.hpp>

namespace polis {

/// A factor and how each symbol follows it.
struct MarketModel {
  MarketFactor factor{};
  std::vector<AssetModel> assets;
};

namespace internal {

/// The tercile (0 to 2) of each bar's local volatility.
[[gnu::cold]] inline std::vector<int> regimes_by_tercile(const std::vector<double>& returns) {
  const int bars = static_cast<int>(returns.size()), reach = 30;
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
[[gnu::cold]] inline Moments moments_of(const std::vector<double>& values, const std::vector<int>& label,
                                        int k) {
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

[[gnu::cold]] inline RegimeSwitching<3> fit_factor(const std::vector<double>& returns,
                                                   const std::vector<int>& regime) {
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

inline double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.) / static_cast<double>(values.size());
}

inline double covariance(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double sum = 0;
  for (std::size_t t = 0; t < a.size(); ++t) sum += (a[t] - mean_a) * (b[t] - mean_b);
  return sum / static_cast<double>(a.size());
}

/// The square of what the betas are multiplied with: covariance of pairs in the sample over that of a factor
/// model.
[[gnu::cold]] inline double shared_part(const std::vector<std::vector<double>>& returns,
                                        const std::vector<double>& beta, double variance) {
  double sample = 0, model = 0;
  for (std::size_t a = 0; a < returns.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      sample += covariance(returns[a], returns[b]);
      model += beta[a] * beta[b] * variance;
    }
  }
  return model > 0 ? std::clamp(sample / model, 0., 1.) : 1;
}

/// The mean over symbols, bar by bar.
[[gnu::cold]] inline std::vector<double> mean_returns(const std::vector<std::vector<double>>& returns) {
  std::vector<double> mean(returns.at(0).size());
  for (const auto& symbol : returns) {
    for (std::size_t t = 0; t < mean.size(); ++t) mean[t] += symbol[t] / static_cast<double>(returns.size());
  }
  return mean;
}

[[gnu::cold]] inline std::vector<AssetModel> fit_assets(const std::vector<std::vector<double>>& returns,
                                                        const std::vector<double>& factor,
                                                        const std::vector<int>& regime) {
  const double variance = covariance(factor, factor);
  std::vector<double> beta;
  for (const auto& asset : returns) beta.push_back(variance > 0 ? covariance(asset, factor) / variance : 0);
  const double shared = shared_part(returns, beta, variance);
  std::vector<AssetModel> models;
  for (std::size_t s = 0; s < returns.size(); ++s) {
    const double scaled = beta[s] * std::sqrt(shared);
    std::vector<double> residual = returns[s];
    for (std::size_t t = 0; t < residual.size(); ++t) residual[t] -= beta[s] * factor[t];
    AssetModel model{
        static_cast<float>(mean_of(returns[s]) - scaled * mean_of(factor)), static_cast<float>(scaled), {}};
    for (int k = 0; k < 3; ++k) {
      const double own = moments_of(residual, regime, k).deviation,
                   common = moments_of(factor, regime, k).deviation;
      const double given_up = beta[s] * beta[s] * (1 - shared) * common * common;
      model.residual[k] = static_cast<float>(std::sqrt(own * own + given_up));
    }
    models.push_back(model);
  }
  return models;
}

}  // namespace internal

/// Fits a market to log returns in percent, `returns[symbol][bar]`, all of one length above zero.
[[gnu::cold]] inline MarketModel fit_market(const std::vector<std::vector<double>>& returns) {
  const std::vector<double> factor = internal::mean_returns(returns);
  const std::vector<int> regime = internal::regimes_by_tercile(factor);
  return {{.regimes = internal::fit_factor(factor, regime)}, internal::fit_assets(returns, factor, regime)};
}

}  // namespace polis
