// Plain statistics of a sample: mean, standard deviation, standard error, quantiles.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <polis/core/error.hpp>

namespace polis::stats {

/// Error: fewer than `least` values.
inline void require_values(std::span<const double> values, std::size_t least, const char* statistic) {
  if (values.size() >= least) return;
  throw Error("found " + std::to_string(values.size()) + " values", statistic,
              "at least " + std::to_string(least));
}

/// Arithmetic mean of at least one value.
inline double mean(std::span<const double> values) {
  require_values(values, 1, "mean");
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Unbiased variance (n - 1) of at least two values.
inline double variance(std::span<const double> values) {
  require_values(values, 2, "variance");
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return squares / static_cast<double>(values.size() - 1);
}

/// Standard deviation (n - 1) of at least two values.
inline double standard_deviation(std::span<const double> values) { return std::sqrt(variance(values)); }

/// Standard error of the mean of at least two independent values.
inline double standard_error(std::span<const double> values) {
  return std::sqrt(variance(values) / static_cast<double>(values.size()));
}

/// Quantile of values in ascending order, linear between neighbours (type 7 of Hyndman and Fan 1996, the
/// default of NumPy and R). `share` is from 0 (the least) to 1 (the greatest).
inline double quantile_of_sorted(std::span<const double> sorted, double share) {
  require_values(sorted, 1, "quantile");
  const double position = std::clamp(share, 0., 1.) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Quantile of values in any order, as quantile_of_sorted.
inline double quantile(std::span<const double> values, double share) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return quantile_of_sorted(sorted, share);
}

inline double median(std::span<const double> values) { return quantile(values, .5); }

}  // namespace polis::stats
