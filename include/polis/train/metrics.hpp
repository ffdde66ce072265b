// The metrics stream of a run: rows of named figures, and the sinks that take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>

namespace polis {

/// What a run is, told to every sink before its first row.
struct RunInfo {
  std::string composition;  ///< the trainer's type by its resolved words
  std::string settings;     ///< lines of key=value
  std::uint64_t seed = 0;
  std::uint64_t planned = 0;  ///< environment steps
  std::uint64_t resumed_at = 0;
  int lanes = 0;
  int threads = 0;
};

/// Figures at one moment of a run. Training rows all have the same names, evaluation rows too.
struct MetricsRow {
  enum class Kind { training, evaluation };

  Kind kind = Kind::training;
  std::uint64_t step = 0;  ///< environment steps so far
  std::uint64_t planned = 0;
  double seconds = 0;  ///< of training, over all runs of this checkpoint
  std::vector<std::pair<std::string, double>> values;
  std::vector<double> episode_returns{};  ///< of an evaluation, one an episode

  [[gnu::cold, gnu::noinline]] void add(std::string_view name, double value) {
    values.emplace_back(name, value);
  }
  /// The figure of this name; NaN when there is none.
  [[nodiscard]] double operator[](std::string_view name) const {
    for (const auto& [key, value] : values) {
      if (key == name) return value;
    }
    return std::numeric_limits<double>::quiet_NaN();
  }
};

/// Figures by name, in the order of the alphabet.
class Figures {
 public:
  /// The figure of this name; a new one begins at 0.
  [[gnu::cold, gnu::noinline]] double& operator[](std::string_view name) {
    for (auto& [key, value] : entries_) {
      if (key == name) return value;
    }
    entries_.emplace_back(name, 0.);
    std::size_t at = entries_.size() - 1;
    for (; at > 0 && name < entries_[at - 1].first; --at) std::swap(entries_[at - 1], entries_[at]);
    return entries_[at].second;
  }
  /// Error: there is none of this name.
  [[nodiscard]] double at(std::string_view name) const {
    for (const auto& [key, value] : entries_) {
      if (key == name) return value;
    }
    throw Error("no such figure", std::string(name));
  }
  [[nodiscard]] auto begin() { return entries_.begin(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() { return entries_.end(); }
  [[nodiscard]] auto end() const { return entries_.end(); }

 private:
  std::vector<std::pair<std::string, double>> entries_;
};

/// Takes a run's metrics. Sinks stand beside the training, not inside it: they run between updates.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  virtual void open(const RunInfo&) {}
  virtual void row(const MetricsRow&) = 0;
  /// A line for the reader: a checkpoint was written, training stopped early.
  virtual void message(std::string_view) {}
  virtual void close() {}
};

}  // namespace polis
