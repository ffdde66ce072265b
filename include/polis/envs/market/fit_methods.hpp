// What fits of processes by maximum likelihood share: densities and moments, Nelder and Mead's simplex, and
// Baum and Welch's algorithm for regimes. The fits themselves are in fit.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <polis/envs/market/generator.hpp>

namespace polis::internal::fitting {

inline double normal_log_density(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return -.5 * (z * z + std::log(2 * std::numbers::pi)) - std::log(deviation);
}
inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

struct SampleMoments {
  double mean = 0, deviation = 0;
};
inline SampleMoments sample_moments(std::span<const double> values) {
  double mean = 0, squares = 0;
  for (const double x : values) mean += x / static_cast<double>(values.size());
  for (const double x : values) squares += (x - mean) * (x - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

/// The least value that Nelder and Mead's simplex (1965) finds from `start`, with their reflection 1,
/// expansion 2, contraction and shrinkage 1/2; begun anew from where it ends until that brings nothing.
template <std::size_t N, class F>
std::array<double, N> minimise(const F& f, const std::array<double, N>& start, double step) {
  using Point = std::array<double, N>;
  const auto along = [](const Point& from, const Point& to, double t) {
    Point p;
    for (std::size_t k = 0; k < N; ++k) p[k] = from[k] + t * (to[k] - from[k]);
    return p;
  };
  Point best = start;
  double least = f(best);
  for (int round = 0; round < 6; ++round) {
    std::array<Point, N + 1> x;
    std::array<double, N + 1> y;
    for (std::size_t i = 0; i <= N; ++i) {
      x[i] = best;
      if (i > 0) x[i][i - 1] += step;
      y[i] = f(x[i]);
    }
    for (int iteration = 0; iteration < 400 * static_cast<int>(N); ++iteration) {
      std::array<std::size_t, N + 1> order;
      for (std::size_t i = 0; i <= N; ++i) order[i] = i;
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return y[a] < y[b]; });
      const std::size_t low = order[0], high = order[N], second = order[N - 1];
      if (y[high] - y[low] < 1e-9 * (1 + std::abs(y[low]))) break;
      Point centre{};
      for (std::size_t i = 0; i <= N; ++i) {
        for (std::size_t k = 0; k < N && i != high; ++k) centre[k] += x[i][k] / static_cast<double>(N);
      }
      const auto take = [&](const Point& p, double value) { x[high] = p, y[high] = value; };
      const Point reflected = along(x[high], centre, 2);
      const double value = f(reflected);
      if (value < y[low]) {
        const Point expanded = along(x[high], centre, 3);
        const double further = f(expanded);
        further < value ? take(expanded, further) : take(reflected, value);
      } else if (value < y[second]) {
        take(reflected, value);
      } else {
        const bool outside = value < y[high];
        const Point contracted = along(x[high], centre, outside ? 1.5 : .5);
        const double nearer = f(contracted);
        if (nearer < std::min(value, y[high])) {
          take(contracted, nearer);
        } else {
          for (std::size_t i = 0; i <= N; ++i) {
            if (i != low) x[i] = along(x[low], x[i], .5), y[i] = f(x[i]);
          }
        }
      }
    }
    const auto at = static_cast<std::size_t>(std::min_element(y.begin(), y.end()) - y.begin());
    const bool better = y[at] < least - 1e-7 * (1 + std::abs(least));
    if (y[at] < least) best = x[at], least = y[at];
    if (!better && round > 0) break;
    step *= .5;
  }
  return best;
}

/// Hamilton's filter and, backward, the smoother; and the parameters that these shares make likeliest.
template <int N>
class RegimeFit {
 public:
  explicit RegimeFit(std::span<const double> returns) : returns_(returns) {
    const SampleMoments m = sample_moments(returns);
    for (int k = 0; k < N; ++k) {  // the calmest regime first
      process_.mean[k] = static_cast<float>(m.mean);
      process_.deviation[k] =
          static_cast<float>(m.deviation * std::pow(2., N > 1 ? 2. * k / (N - 1) - 1 : 0.));
      for (int j = 0; j < N; ++j) process_.transition[k][j] = N == 1 ? 1.f : j == k ? .95f : .05f / (N - 1);
    }
  }
  RegimeSwitching<N> maximise() {
    double before = filter();
    for (int iteration = 0; iteration < 2000; ++iteration) {
      reestimate();
      const double now = filter();
      if (now - before < 1e-8 * (1 + std::abs(now)) && iteration > 20) break;
      before = now;
    }
    return sorted();
  }
  static double log_likelihood(const RegimeSwitching<N>& process, std::span<const double> returns) {
    RegimeFit fit(returns);
    fit.process_ = process;
    return fit.filter();
  }

 private:
  using Shares = std::array<double, N>;
  [[nodiscard]] double move(std::size_t from, std::size_t to) const {
    return static_cast<double>(process_.transition[static_cast<int>(from)][static_cast<int>(to)]);
  }
  /// filtered_[t] = P(regime at t | returns up to t), predicted_[t] given those before; the log-likelihood.
  double filter() {
    filtered_.resize(returns_.size()), predicted_.resize(returns_.size());
    const auto stationary = process_.stationary();
    double sum = 0;
    for (std::size_t t = 0; t < returns_.size(); ++t) {
      double total = 0;
      for (std::size_t k = 0; k < N; ++k) {
        double chance = 0;
        if (t == 0) {
          chance = static_cast<double>(stationary[static_cast<int>(k)]);
        } else {
          for (std::size_t j = 0; j < N; ++j) chance += filtered_[t - 1][j] * move(j, k);
        }
        predicted_[t][k] = chance;
        const int at = static_cast<int>(k);
        filtered_[t][k] =
            chance * std::exp(normal_log_density(returns_[t], static_cast<double>(process_.mean[at]),
                                                 static_cast<double>(process_.deviation[at])));
        total += filtered_[t][k];
      }
      total = std::max(total, 1e-300);
      for (double& share : filtered_[t]) share /= total;
      sum += std::log(total);
    }
    return sum;
  }
  void reestimate() {
    std::vector<Shares> smoothed(filtered_);
    std::array<Shares, N> moves{};
    for (std::size_t t = returns_.size() - 1; t-- > 0;) {
      for (std::size_t j = 0; j < N; ++j) {
        double share = 0;
        for (std::size_t k = 0; k < N; ++k) {
          const double joint =
              filtered_[t][j] * move(j, k) * smoothed[t + 1][k] / std::max(predicted_[t + 1][k], 1e-300);
          moves[j][k] += joint, share += joint;
        }
        smoothed[t][j] = share;
      }
    }
    for (std::size_t k = 0; k < N; ++k) {
      double weight = 1e-12, sum = 0, squares = 0, left = 1e-300;
      for (std::size_t t = 0; t < returns_.size(); ++t)
        weight += smoothed[t][k], sum += smoothed[t][k] * returns_[t];
      const double mean = sum / weight;
      for (std::size_t t = 0; t < returns_.size(); ++t) {
        squares += smoothed[t][k] * (returns_[t] - mean) * (returns_[t] - mean);
      }
      for (std::size_t j = 0; j < N; ++j) left += moves[k][j];
      const int at = static_cast<int>(k);
      process_.mean[at] = static_cast<float>(mean);
      process_.deviation[at] = static_cast<float>(std::sqrt(std::max(squares / weight, 1e-12)));
      for (std::size_t j = 0; j < N; ++j) {
        process_.transition[at][static_cast<int>(j)] = static_cast<float>(moves[k][j] / left);
      }
    }
  }
  [[nodiscard]] RegimeSwitching<N> sorted() const {
    std::array<int, N> order;
    for (std::size_t k = 0; k < N; ++k) order[k] = static_cast<int>(k);
    std::sort(order.begin(), order.end(),
              [this](int a, int b) { return process_.deviation[a] < process_.deviation[b]; });
    RegimeSwitching<N> result;
    for (int k = 0; k < N; ++k) {
      const int from = order[static_cast<std::size_t>(k)];
      result.mean[k] = process_.mean[from], result.deviation[k] = process_.deviation[from];
      for (int j = 0; j < N; ++j) {
        result.transition[k][j] = process_.transition[from][order[static_cast<std::size_t>(j)]];
      }
    }
    return result;
  }

  std::span<const double> returns_;
  RegimeSwitching<N> process_;
  std::vector<Shares> filtered_, predicted_;
};

}  // namespace polis::internal::fitting
