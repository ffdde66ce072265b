// Running mean and variance, merged batch by batch (Chan, Golub and LeVeque 1983), in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace polis {

/// Sums over samples, of those alone who hold them: nobody else has the same statistics.
struct OwnSums {
  void operator()(std::span<double>) const {}
};

/// Mean and variance of several features over everything added so far.
class RunningMoments {
 public:
  explicit RunningMoments(int features = 0)
      : mean_(static_cast<std::size_t>(features)), squares_(static_cast<std::size_t>(features)) {}
  /// Of `count` observations with these means and population variances, one a feature.
  RunningMoments(double count, std::vector<double> mean, std::vector<double> variance)
      : count_(count), mean_(std::move(mean)), squares_(std::move(variance)) {
    for (double& square : squares_) square *= count;
  }

  [[nodiscard]] double count() const { return count_; }
  [[nodiscard]] double mean(int feature) const { return mean_[static_cast<std::size_t>(feature)]; }
  /// Population variance; 0 before anything was added.
  [[nodiscard]] double variance(int feature) const {
    return count_ > 0 ? squares_[static_cast<std::size_t>(feature)] / count_ : 0.;
  }

  /// Merges `count` observations whose sum and sum of squares, both of their distance from `mean(feature)`,
  /// are given for each feature: distances keep the sums small.
  void merge(double count, const double* distance, const double* squared_distance) {
    if (count <= 0) return;
    const double total = count_ + count;
    for (std::size_t f = 0; f < mean_.size(); ++f) {
      const double shift = distance[f] / count;  // the batch's mean less ours
      squares_[f] += squared_distance[f] - distance[f] * shift + shift * shift * count_ * count / total;
      mean_[f] += shift * count / total;
    }
    count_ = total;
  }

  /// All that is known as numbers: count, mean[features], sum of squared distances from it[features].
  void copy_to(double* to) const {
    *to++ = count_;
    to = std::copy(mean_.begin(), mean_.end(), to);
    std::copy(squares_.begin(), squares_.end(), to);
  }
  void copy_from(const double* from) {
    count_ = *from++;
    std::copy_n(from, mean_.size(), mean_.begin());
    std::copy_n(from + mean_.size(), squares_.size(), squares_.begin());
  }

  void archive(auto& a) { a(count_, mean_, squares_); }

 private:
  double count_ = 0;
  std::vector<double> mean_, squares_;
};

}  // namespace polis
