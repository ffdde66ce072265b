// Measures of the stylised facts of returns (Cont 2001).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace polis_test {

inline double correlation(const std::vector<double>& a, const std::vector<double>& b, std::size_t lag) {
  const std::size_t n = a.size() - lag;
  double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t t = 0; t < n; ++t) mean_a += a[t] / double(n), mean_b += b[t + lag] / double(n);
  for (std::size_t t = 0; t < n; ++t) {
    const double x = a[t] - mean_a, y = b[t + lag] - mean_b;
    ab += x * y, aa += x * x, bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

inline std::vector<double> transformed(std::vector<double> values, double (*f)(double)) {
  std::transform(values.begin(), values.end(), values.begin(), f);
  return values;
}

inline double kurtosis(const std::vector<double>& values, std::size_t block = 1) {
  std::vector<double> sums(values.size() / block);
  for (std::size_t i = 0; i < sums.size() * block; ++i) sums[i / block] += values[i];
  double mean = 0, second = 0, fourth = 0;
  for (const double x : sums) mean += x / double(sums.size());
  for (const double x : sums) second += std::pow(x - mean, 2), fourth += std::pow(x - mean, 4);
  return double(sums.size()) * fourth / (second * second);
}

/// Volatility clusters: |r| is still correlated with itself 20 bars on, beyond 4 standard errors.
inline bool clusters(const std::vector<double>& returns) {
  const auto size = transformed(returns, [](double r) { return std::abs(r); });
  return correlation(size, size, 20) > 4 / std::sqrt(double(returns.size()));
}

/// Hill's estimator of the tail index of |r|, on the largest 5%.
inline double tail_index(const std::vector<double>& returns) {
  auto size = transformed(returns, [](double r) { return std::abs(r); });
  std::sort(size.rbegin(), size.rend());
  const std::size_t tail = size.size() / 20;
  double sum = 0;
  for (std::size_t i = 0; i < tail; ++i) sum += std::log(size[i] / size[tail]);
  return double(tail) / sum;
}

}  // namespace polis_test
