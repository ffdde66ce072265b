// The metrics stream of a run: rows of named figures, and the sinks that take them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

  void add(std::string_view name, double value) { values.emplace_back(name, value); }
  /// The figure of this name; NaN when there is none.
  [[nodiscard]] double operator[](std::string_view name) const {
    for (const auto& [key, value] : values) {
      if (key == name) return value;
    }
    return std::numeric_limits<double>::quiet_NaN();
  }
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
