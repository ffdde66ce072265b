// How sure a figure from few runs is: the percentile interval of a stratified bootstrap, as rliable computes
// it (Agarwal et al. 2021; Efron 1979).
//
// A replicate draws, for every task by itself, as many runs as there are with replacement, and computes the
// statistic of what was drawn. So the interval speaks of the runs' randomness; the tasks are taken as given,
// unless they are resampled too. One task makes it the plain percentile bootstrap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/random.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/scores.hpp>

namespace polis::stats {

/// A figure and the interval it lies in.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct Bootstrap {
  int replicates = 50'000;
  double confidence = .95;
  std::uint64_t seed = 0;
  /// Draw the tasks with replacement too: how far the figure would hold for other tasks of this kind.
  bool resample_tasks = false;
};

namespace internal {

/// Error: settings out of their range.
inline void check(const Bootstrap& settings) {
  if (settings.replicates < 1) throw Error("found no replicates", "bootstrap", "at least 1");
  if (settings.confidence > 0 && settings.confidence < 1) return;
  throw Error("found a confidence of " + std::to_string(settings.confidence), "bootstrap", "between 0 and 1");
}

/// One replicate of `from`, in the memory of `into`.
inline void resample(const Scores& from, bool tasks, Random& random, Scores& into) {
  into.clear();
  for (std::size_t t = 0; t < from.tasks(); ++t) {
    const auto chosen = tasks ? static_cast<std::size_t>(random.integer(static_cast<int>(from.tasks()))) : t;
    const auto runs = from.task(chosen);
    const int count = static_cast<int>(runs.size());
    for (int i = 0; i < count; ++i) into.add_score(runs[static_cast<std::size_t>(random.integer(count))]);
    into.end_task();
  }
}

/// The interval of `replicates`, in any order.
inline Estimate interval(double value, std::vector<double>& replicates, double confidence) {
  std::sort(replicates.begin(), replicates.end());
  return {value, quantile_of_sorted(replicates, (1 - confidence) / 2),
          quantile_of_sorted(replicates, (1 + confidence) / 2)};
}

/// A statistic of scores, or of all of them as one list.
template <class Statistic>
double apply(Statistic& statistic, const Scores& scores) {
  if constexpr (std::is_invocable_r_v<double, Statistic&, std::span<const double>>) {
    return statistic(scores.all());
  } else {
    return statistic(scores);
  }
}

}  // namespace internal

/// Estimates `statistic(Scores)`, or `statistic(span<const double>)` of all scores together. The same seed
/// gives the same interval. Error: a task without a run; settings out of their range.
template <class Statistic>
Estimate bootstrap(const Scores& scores, Statistic&& statistic, const Bootstrap& settings = {}) {
  internal::check(settings);
  scores.require_runs("bootstrap");
  std::vector<double> replicates(static_cast<std::size_t>(settings.replicates));
  Scores drawn;
  for (std::size_t replicate = 0; replicate < replicates.size(); ++replicate) {
    Random random(settings.seed, replicate, 0, 0, Purpose::bootstrap);
    internal::resample(scores, settings.resample_tasks, random, drawn);
    replicates[replicate] = internal::apply(statistic, drawn);
  }
  return internal::interval(internal::apply(statistic, scores), replicates, settings.confidence);
}

/// Estimates `statistic(x, y)` of two algorithms, whose runs are drawn independently; tasks stay as they are.
template <class Statistic>
Estimate bootstrap(const Scores& x, const Scores& y, Statistic&& statistic, const Bootstrap& settings = {}) {
  internal::check(settings);
  if (settings.resample_tasks) {
    throw Error("found resample_tasks", "bootstrap of two algorithms", "tasks that stay as they are");
  }
  x.require_runs("bootstrap"), y.require_runs("bootstrap");
  std::vector<double> replicates(static_cast<std::size_t>(settings.replicates));
  Scores drawn_x, drawn_y;
  for (std::size_t replicate = 0; replicate < replicates.size(); ++replicate) {
    Random for_x(settings.seed, replicate, 0, 0, Purpose::bootstrap);
    Random for_y(settings.seed, replicate, 0, 1, Purpose::bootstrap);
    internal::resample(x, false, for_x, drawn_x);
    internal::resample(y, false, for_y, drawn_y);
    replicates[replicate] = statistic(drawn_x, drawn_y);
  }
  return internal::interval(statistic(x, y), replicates, settings.confidence);
}

/// Estimates a curve point by point: `statistic(Scores, span<double> curve)` writes its `points` values.
template <class Statistic>
std::vector<Estimate> bootstrap_curve(const Scores& scores, std::size_t points, Statistic&& statistic,
                                      const Bootstrap& settings = {}) {
  internal::check(settings);
  scores.require_runs("bootstrap");
  const auto count = static_cast<std::size_t>(settings.replicates);
  std::vector<double> curve(points), replicates(points * count);  // [point][replicate]
  Scores drawn;
  for (std::size_t replicate = 0; replicate < count; ++replicate) {
    Random random(settings.seed, replicate, 0, 0, Purpose::bootstrap);
    internal::resample(scores, settings.resample_tasks, random, drawn);
    statistic(drawn, std::span<double>(curve));
    for (std::size_t p = 0; p < points; ++p) replicates[p * count + replicate] = curve[p];
  }
  statistic(scores, std::span<double>(curve));
  std::vector<Estimate> estimates(points);
  std::vector<double> of_point(count);
  for (std::size_t p = 0; p < points; ++p) {
    std::copy_n(replicates.data() + p * count, count, of_point.data());
    estimates[p] = internal::interval(curve[p], of_point, settings.confidence);
  }
  return estimates;
}

/// The interquartile mean of all scores with its interval: the figure to report of an algorithm.
inline Estimate bootstrap_iqm(const Scores& scores, const Bootstrap& settings = {}) {
  return bootstrap(scores, aggregate_iqm, settings);
}

}  // namespace polis::stats
