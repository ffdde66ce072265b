// What a Trainer does beside training: when it evaluates and saves, and why it came to an end.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace polis {

/// Periodic greedy evaluation, and when it ends the training. Zeros switch off.
struct EvaluationPlan {
  std::uint64_t every = 0;  ///< environment steps between two evaluations
  int episodes = 100;
  int patience = 0;  ///< stop after this many evaluations without a better mean return
  double target = std::numeric_limits<double>::infinity();  ///< stop when the mean return reaches it
  static void fields(auto& self, auto&& visit) {
    visit("every", self.every);
    visit("episodes", self.episodes);
    visit("patience", self.patience);
    visit("target", self.target);
  }
};

/// Why a call of `train` came back.
enum class TrainingEnd { finished, interrupted, patience_exhausted, target_reached };

/// How the periodic evaluations of a run went so far.
class EvaluationRecord {
 public:
  explicit EvaluationRecord(const EvaluationPlan& plan) : next_(plan.every) {}

  [[nodiscard]] bool due(const EvaluationPlan& plan, std::uint64_t steps) const {
    return plan.every > 0 && steps >= next_;
  }
  /// Takes note of an evaluation's mean return; whether it is the best so far.
  bool add(const EvaluationPlan& plan, std::uint64_t steps, double mean) {
    while (next_ <= steps) next_ += plan.every;
    const bool better = mean > best_;
    if (better) best_ = mean;
    without_better_ = better ? 0 : without_better_ + 1;
    return better;
  }
  /// Whether the plan ends the training after an evaluation of this mean.
  [[nodiscard]] TrainingEnd end(const EvaluationPlan& plan, double mean) const {
    if (mean >= plan.target) return TrainingEnd::target_reached;
    const bool patient = plan.patience == 0 || without_better_ < plan.patience;
    return patient ? TrainingEnd::finished : TrainingEnd::patience_exhausted;
  }
  void archive(auto& a) { a(best_, without_better_, next_); }

 private:
  double best_ = -std::numeric_limits<double>::infinity();
  int without_better_ = 0;
  std::uint64_t next_;
};

/// Where and how often a run is saved. Empty path: never. The best evaluated state goes to `path` + ".best",
/// to be played: training on from there is refused where a replay is kept in a file of its own (Mapped).
struct CheckpointPlan {
  std::string path;
  double seconds = 30;  ///< between two checkpoints; one is written at the end in any case
  static void fields(auto& self, auto&& visit) {
    visit("path", self.path);
    visit("seconds", self.seconds);
  }
};

}  // namespace polis
