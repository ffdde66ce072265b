// The interquartile mean: robust to single runs that failed or shone, and steadier than the median (Agarwal,
// Schwarzer, Castro, Courville and Bellemare, "Deep reinforcement learning at the edge of the statistical
// precipice", 2021).
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <polis/stats/descriptive.hpp>

namespace polis::stats {

/// Mean of the middle half of at least one value: floor(n/4) are dropped on each side, as rliable does
/// (scipy.stats.trim_mean(values, .25)): 1 of 5, 2 of 10.
inline double iqm(std::span<const double> values) {
  require_values(values, 1, "interquartile mean");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t dropped = sorted.size() / 4;
  return mean(std::span<const double>(sorted).subspan(dropped, sorted.size() - 2 * dropped));
}

}  // namespace polis::stats
