// How sure a figure from few runs is: the percentile interval of a stratified bootstrap, as rliable computes
// it (Agarwal et al. 2021; Efron 1979).
//
// A replicate draws, for every task by itself, as many runs as there are with replacement, and computes the
// statistic of all scores together. So the interval speaks of the runs' randomness; the tasks are taken as
// given.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/random.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

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
};

/// Estimates `statistic(span<const double>)` of all scores. `tasks` holds the scores of each task's runs;
/// tasks may have different numbers of runs. The same seed gives the same interval. Error: a task without a
/// run; no replicate; a confidence that is not between 0 and 1.
template <class Statistic>
Estimate bootstrap(const std::vector<std::vector<double>>& tasks, Statistic&& statistic,
                   const Bootstrap& settings = {}) {
  if (settings.replicates < 1) throw Error("found no replicates", "bootstrap", "at least 1");
  if (!(settings.confidence > 0 && settings.confidence < 1)) {
    throw Error("found a confidence of " + std::to_string(settings.confidence), "bootstrap",
                "between 0 and 1");
  }
  std::vector<double> scores;
  for (const auto& runs : tasks) {
    require_values(runs, 1, "bootstrap");
    scores.insert(scores.end(), runs.begin(), runs.end());
  }
  require_values(scores, 1, "bootstrap");

  Estimate estimate;
  estimate.value = statistic(std::span<const double>(scores));
  std::vector<double> replicates(static_cast<std::size_t>(settings.replicates));
  for (std::size_t replicate = 0; replicate < replicates.size(); ++replicate) {
    Random random(settings.seed, replicate, 0, 0, Purpose::bootstrap);
    std::size_t drawn = 0;
    for (const auto& runs : tasks) {
      const int count = static_cast<int>(runs.size());
      for (int i = 0; i < count; ++i) scores[drawn++] = runs[static_cast<std::size_t>(random.integer(count))];
    }
    replicates[replicate] = statistic(std::span<const double>(scores));
  }
  std::sort(replicates.begin(), replicates.end());
  estimate.low = quantile_of_sorted(replicates, (1 - settings.confidence) / 2);
  estimate.high = quantile_of_sorted(replicates, (1 + settings.confidence) / 2);
  return estimate;
}

/// The interquartile mean of all scores with its interval: the figure to report of an algorithm.
inline Estimate bootstrap_iqm(const std::vector<std::vector<double>>& tasks, const Bootstrap& settings = {}) {
  return bootstrap(tasks, iqm, settings);
}

}  // namespace polis::stats
