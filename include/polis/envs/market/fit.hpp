// Maximum likelihood: `market::fit<Process>(returns)`, the parameters of a process under which a history of
// log returns (percent) is likeliest.
//
//   GeometricBrownian, MeanRevertingPrice  in closed form (the latter given the first bar)
//   RegimeSwitching<N>                     Baum and Welch's algorithm, Hamilton 1990
//   Garch, StudentGarch, MertonJumps       Nelder and Mead's simplex over unbounded coordinates
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/envs/market/fit_methods.hpp>
#include <polis/envs/market/generator.hpp>
#include <polis/envs/market/generator_fit.hpp>
#include <polis/envs/market/processes.hpp>

namespace polis::internal::fitting {

using namespace polis::market;

inline double log_likelihood(const GeometricBrownian& p, std::span<const double> returns) {
  double sum = 0;
  for (const double r : returns) {
    sum += normal_log_density(r, static_cast<double>(p.mean), static_cast<double>(p.deviation));
  }
  return sum;
}

/// Given the returns' sample variance for the first bar's.
inline double log_likelihood(const Garch& p, std::span<const double> returns) {
  const double mean = static_cast<double>(p.mean), nu = static_cast<double>(p.nu);
  const double deviation = sample_moments(returns).deviation;
  const double constant =
      nu > 2 ? std::lgamma(.5 * (nu + 1)) - std::lgamma(.5 * nu) - .5 * std::log(std::numbers::pi * (nu - 2))
             : 0;
  double variance = deviation * deviation, sum = 0;
  for (const double r : returns) {
    const double shock = r - mean, square = shock * shock;
    sum += nu > 2 ? constant - .5 * std::log(variance) -
                        .5 * (nu + 1) * std::log1p(square / (variance * (nu - 2)))
                  : normal_log_density(r, mean, std::sqrt(variance));
    variance = static_cast<double>(p.omega) + static_cast<double>(p.alpha) * square +
               static_cast<double>(p.beta) * variance;
  }
  return sum;
}

/// A mixture of normal densities with Poisson weights.
inline double log_likelihood(const MertonJumps& p, std::span<const double> returns) {
  constexpr int most = 10;
  std::array<double, most> weight, mean, deviation;
  double chance = std::exp(-static_cast<double>(p.intensity));
  for (std::size_t n = 0; n < most; ++n) {
    const auto count = static_cast<double>(n);
    weight[n] = chance;
    mean[n] = static_cast<double>(p.mean) + count * static_cast<double>(p.jump_mean);
    deviation[n] = std::hypot(static_cast<double>(p.deviation),
                              std::sqrt(count) * static_cast<double>(p.jump_deviation));
    chance *= static_cast<double>(p.intensity) / (count + 1);
  }
  double sum = 0;
  for (const double r : returns) {
    double density = 1e-300;
    for (std::size_t n = 0; n < most; ++n)
      density += weight[n] * std::exp(normal_log_density(r, mean[n], deviation[n]));
    sum += std::log(density);
  }
  return sum;
}

/// Of the returns after the first, the log price beginning at 0.
inline double log_likelihood(const MeanRevertingPrice& p, std::span<const double> returns) {
  const double level = static_cast<double>(p.level), keep = static_cast<double>(p.persistence);
  double x = returns[0], sum = 0;
  for (const double r : returns.subspan(1)) {
    sum += normal_log_density(x + r, level + keep * (x - level), static_cast<double>(p.deviation));
    x += r;
  }
  return sum;
}

inline GeometricBrownian maximise(GeometricBrownian, std::span<const double> returns) {
  const SampleMoments m = sample_moments(returns);
  return {static_cast<float>(m.mean), static_cast<float>(m.deviation)};
}

inline MeanRevertingPrice maximise(MeanRevertingPrice, std::span<const double> returns) {
  const auto count = static_cast<double>(returns.size() - 1);
  double x = returns[0], sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  for (const double r : returns.subspan(1)) {
    const double y = x + r;
    sx += x, sy += y, sxx += x * x, sxy += x * y, syy += y * y;
    x = y;
  }
  const double vx = sxx - sx * sx / count, cov = sxy - sx * sy / count;
  const double keep = std::clamp(cov / vx, 0., .99999);
  const double level = (sy - keep * sx) / (count * (1 - keep));
  const double rest = (syy - sy * sy / count) - 2 * keep * cov + keep * keep * vx;
  return {static_cast<float>(level), static_cast<float>(keep), static_cast<float>(std::sqrt(rest / count))};
}

/// Coordinates: mean, log omega, logit of alpha + beta, logit of alpha's share of it, log of nu - 2.
template <class G>
  requires std::is_base_of_v<Garch, G>
G maximise(G, std::span<const double> returns) {
  constexpr std::size_t size = std::is_same_v<G, StudentGarch> ? 5 : 4;
  using Point = std::array<double, size>;
  const SampleMoments m = sample_moments(returns);
  const auto process = [](const Point& at) {
    G p;
    const double sum = .99999 * logistic(at[2]), share = logistic(at[3]);
    p.mean = static_cast<float>(at[0]), p.omega = static_cast<float>(std::exp(at[1]));
    p.alpha = static_cast<float>(sum * share), p.beta = static_cast<float>(sum * (1 - share));
    p.nu = 0;
    if constexpr (size == 5) p.nu = static_cast<float>(2.01 + std::exp(std::min(at[4], 5.)));
    return p;
  };
  Point start{m.mean, std::log(.05 * m.deviation * m.deviation), 3., -2.};
  if constexpr (size == 5) start[4] = std::log(6.);
  return process(minimise([&](const Point& at) { return -log_likelihood(process(at), returns); }, start, .5));
}

inline MertonJumps maximise(MertonJumps, std::span<const double> returns) {
  using Point = std::array<double, 5>;
  const SampleMoments m = sample_moments(returns);
  const auto process = [](const Point& at) {
    return MertonJumps{static_cast<float>(at[0]), static_cast<float>(std::exp(at[1])),
                       static_cast<float>(std::exp(std::min(at[2], 1.))), static_cast<float>(at[3]),
                       static_cast<float>(std::exp(at[4]))};
  };
  const Point start{m.mean, std::log(.8 * m.deviation), std::log(.05), 0, std::log(2 * m.deviation)};
  return process(minimise([&](const Point& at) { return -log_likelihood(process(at), returns); }, start, .3));
}

template <int N>
double log_likelihood(const RegimeSwitching<N>& process, std::span<const double> returns) {
  return RegimeFit<N>::log_likelihood(process, returns);
}
template <int N>
RegimeSwitching<N> maximise(RegimeSwitching<N>, std::span<const double> returns) {
  return RegimeFit<N>(returns).maximise();
}

}  // namespace polis::internal::fitting

namespace polis::market {

/// A process and the log-likelihood of the returns it was fitted to.
template <class Process>
struct Fit {
  Process process;
  double log_likelihood = 0;
};

/// The log-likelihood of log returns (percent) under a process.
template <class Process>
double log_likelihood(const Process& process, std::span<const double> returns) {
  return polis::internal::fitting::log_likelihood(process, returns);
}

/// The likeliest parameters for log returns (percent, one a bar). Error: fewer than 100 of them, one that is
/// not finite, or all alike.
template <class Process>
Fit<Process> fit(std::span<const double> returns) {
  if (returns.size() < 100) {
    throw Error(concat({returns.size(), " returns"}), "market::fit", "at least 100");
  }
  for (std::size_t t = 0; t < returns.size(); ++t) {
    if (!std::isfinite(returns[t])) throw Error("not a number", concat({"return ", t}), "finite log returns");
  }
  if (polis::internal::fitting::sample_moments(returns).deviation < 1e-9) {
    throw Error("all returns are alike", "market::fit", "returns that vary");
  }
  const Process best = polis::internal::fitting::maximise(Process{}, returns);
  return {best, polis::internal::fitting::log_likelihood(best, returns)};
}

/// A market for Trading's synthetic episodes of this generator, fitted to log returns (percent) of one or
/// more symbols, `returns[symbol][bar]`: the factor is their mean, and each symbol is regressed on it
/// (generator_fit.hpp). Regimes are fitted by moments, the others by maximum likelihood.
///
///     history.set_model(market::fit_market(history.training_returns(), MarketGenerator::StudentGarch));
inline MarketModel fit_market(const std::vector<std::vector<double>>& returns, MarketGenerator generator) {
  if (generator == MarketGenerator::Regimes) return polis::fit_market(returns);
  const std::vector<double> mean = polis::internal::mean_returns(returns);
  MarketFactor factor{.generator = generator};
  switch (generator) {
    case MarketGenerator::Garch:
      factor.garch = fit<Garch>(mean).process;
      break;
    case MarketGenerator::StudentGarch:
      factor.garch = fit<StudentGarch>(mean).process;
      break;
    case MarketGenerator::Jumps:
      factor.jumps = fit<MertonJumps>(mean).process;
      break;
    default: {
      const GeometricBrownian plain = fit<GeometricBrownian>(mean).process;
      factor.jumps = {.mean = plain.mean, .deviation = plain.deviation, .intensity = 0};
    }
  }
  std::vector<int> regime(mean.size(), 1);
  if (factor.clusters()) {  // those that the process itself would have said
    float variance = factor.garch.variance();
    for (std::size_t t = 0; t < mean.size(); ++t) {
      regime[t] = factor.garch_regime(variance);
      const float shock = static_cast<float>(mean[t]) - factor.garch.mean;
      variance = factor.garch.omega + factor.garch.alpha * shock * shock + factor.garch.beta * variance;
    }
  }
  return {factor, polis::internal::fit_assets(returns, mean, regime)};
}

}  // namespace polis::market
