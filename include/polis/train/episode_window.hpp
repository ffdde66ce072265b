// The last episodes of a training run, for its progress line.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <polis/env/multi_agent_env.hpp>

namespace polis {

/// Means over the last 100 episodes.
class EpisodeWindow {
 public:
  void add(const Episode& episode) {
    Entry& entry = entries_[static_cast<std::size_t>(count_ % entries_.size())];
    entry = {episode.total, static_cast<double>(episode.length), static_cast<double>(episode.success)};
    ++count_;
  }
  /// Episodes since the training began.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Mean return over the window; NaN before the first episode ended.
  [[nodiscard]] double mean_return() const { return mean(&Entry::total); }

  void metrics(auto&& visit) const {
    visit("episodes", static_cast<double>(count_));
    visit("return", mean(&Entry::total));
    visit("length", mean(&Entry::length));
    visit("success", mean(&Entry::success));
  }
  void archive(auto& a) { a(entries_, count_); }

 private:
  struct Entry {
    double total = 0, length = 0, success = 0;
  };
  [[nodiscard]] double mean(double Entry::* member) const {
    const auto filled = static_cast<std::size_t>(std::min<std::uint64_t>(count_, entries_.size()));
    if (filled == 0) return std::numeric_limits<double>::quiet_NaN();
    double sum = 0;
    for (std::size_t i = 0; i < filled; ++i) sum += entries_[i].*member;
    return sum / static_cast<double>(filled);
  }

  std::array<Entry, 100> entries_{};
  std::uint64_t count_ = 0;
};

}  // namespace polis
