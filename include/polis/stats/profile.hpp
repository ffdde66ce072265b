// Performance profiles: which share of all runs scores above a threshold, for every threshold (Dolan and More
// 2002; as score distributions in Agarwal et al. 2021). A profile shows the whole distribution: its median is
// where it crosses .5, the area under it from 0 is the mean, and of two algorithms the one whose profile lies
// above everywhere is better at any share of runs.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <polis/stats/bootstrap.hpp>
#include <polis/stats/scores.hpp>

namespace polis::stats {

/// Shares with pointwise intervals, one a threshold.
struct Profile {
  std::vector<double> thresholds;
  std::vector<Estimate> shares;
};

/// The share of `values` above `threshold`.
inline double share_above(std::span<const double> values, double threshold) {
  require_values(values, 1, "share above a threshold");
  std::size_t above = 0;
  for (const double value : values) above += value > threshold ? 1 : 0;
  return static_cast<double>(above) / static_cast<double>(values.size());
}

/// The run-score distribution: the share of all runs of all tasks above each threshold. rliable's settings.
inline Profile performance_profile(const Scores& scores, std::vector<double> thresholds,
                                   const Bootstrap& settings = {.replicates = 2000}) {
  const auto shares = [&thresholds](const Scores& of, std::span<double> curve) {
    for (std::size_t i = 0; i < curve.size(); ++i) curve[i] = share_above(of.all(), thresholds[i]);
  };
  auto estimates = bootstrap_curve(scores, thresholds.size(), shares, settings);
  return {std::move(thresholds), std::move(estimates)};
}

/// The average-score distribution: the share of tasks whose mean score is above each threshold. Biased, and
/// less sure than performance_profile, where there are few tasks.
inline Profile average_score_profile(const Scores& scores, std::vector<double> thresholds,
                                     const Bootstrap& settings = {.replicates = 2000}) {
  const auto shares = [&thresholds](const Scores& of, std::span<double> curve) {
    const std::vector<double> means = task_means(of);
    for (std::size_t i = 0; i < curve.size(); ++i) curve[i] = share_above(means, thresholds[i]);
  };
  auto estimates = bootstrap_curve(scores, thresholds.size(), shares, settings);
  return {std::move(thresholds), std::move(estimates)};
}

}  // namespace polis::stats
