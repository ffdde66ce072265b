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

/// Why a call of `train` came back.
enum class TrainingEnd { finished, interrupted, patience_exhausted, target_reached };

}  // namespace polis
