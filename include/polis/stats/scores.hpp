// The final scores of one algorithm: a matrix of runs x tasks, and the figures that sum it up (Agarwal et al.
// 2021, "Deep reinforcement learning at the edge of the statistical precipice"; the names are rliable's).
//
// Scores of different tasks are only comparable once they are on one scale: 0 for random play, 1 for a
// reference such as a human or an optimum.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

namespace polis::stats {

/// Scores by task: `{{scores of the first task's runs}, {the second's}, ...}`. Tasks usually have equally
/// many runs, but need not.
class Scores {
 public:
  Scores() = default;
  Scores(const std::vector<std::vector<double>>& tasks) {  // a list of lists is what scores are
    for (const auto& runs : tasks) add_task(runs);
  }
  Scores(std::initializer_list<std::vector<double>> tasks) {
    for (const auto& runs : tasks) add_task(runs);
  }

  /// Appends a task with the scores of its runs.
  void add_task(std::span<const double> runs) {
    values_.insert(values_.end(), runs.begin(), runs.end());
    ends_.push_back(values_.size());
  }

  [[nodiscard]] std::size_t tasks() const { return ends_.size(); }
  /// All scores, one task after the other.
  [[nodiscard]] std::span<const double> all() const { return values_; }
  /// The scores of one task's runs.
  [[nodiscard]] std::span<const double> task(std::size_t task) const {
    const std::size_t begin = task == 0 ? 0 : ends_[task - 1];
    return all().subspan(begin, ends_[task] - begin);
  }

  /// Error: there is no score, or a task without any.
  void require_runs(const char* statistic) const {
    require_values(values_, 1, statistic);
    for (std::size_t t = 0; t < tasks(); ++t) require_values(task(t), 1, statistic);
  }

  /// Forgets all scores and keeps their memory.
  void clear() { values_.clear(), ends_.clear(); }
  void add_score(double score) { values_.push_back(score); }
  /// The scores added since the last task are a task.
  void end_task() { ends_.push_back(values_.size()); }

 private:
  std::vector<double> values_;
  std::vector<std::size_t> ends_;  // [task]: where its scores end in values_
};

/// The mean score of each task.
inline std::vector<double> task_means(const Scores& scores) {
  std::vector<double> means(scores.tasks());
  for (std::size_t t = 0; t < means.size(); ++t) means[t] = mean(scores.task(t));
  return means;
}

/// Mean of the tasks' means: one task of huge scores outweighs all others.
inline double aggregate_mean(const Scores& scores) { return mean(task_means(scores)); }

/// Median of the tasks' means: nearly half of the tasks could score nothing and it would not show.
inline double aggregate_median(const Scores& scores) { return median(task_means(scores)); }

/// Interquartile mean of all runs of all tasks: the figure to report.
inline double aggregate_iqm(const Scores& scores) { return iqm(scores.all()); }

/// By how much the scores fall short of `gamma` on average; what exceeds it does not count. Lower is better.
inline double optimality_gap(const Scores& scores, double gamma = 1) {
  require_values(scores.all(), 1, "optimality gap");
  double gap = 0;
  for (const double score : scores.all()) gap += gamma - std::min(score, gamma);
  return gap / static_cast<double>(scores.all().size());
}

}  // namespace polis::stats
