// What one update of an on-policy learner came to.
#pragma once

#include <algorithm>

namespace polis {

namespace internal {

/// Sums over samples of returns and of what a critic's values were off by.
struct VarianceSums {
  double count = 0, total = 0, squares = 0, error = 0, error_squares = 0;

  void add(double value, double predicted) {
    const double e = value - predicted;
    ++count, total += value, squares += value * value, error += e, error_squares += e * e;
  }
  /// 1 - Var(return - value) / Var(return): 1 is a perfect critic, 0 a constant one.
  [[nodiscard]] double explained() const {
    const double variance = squares - total * total / std::max(1., count);
    return variance > 0 ? 1. - (error_squares - error * error / count) / variance : 0.;
  }
};

}  // namespace internal

/// What an update came to: means over its samples.
struct UpdateStatistics {
  double policy_loss = 0, value_loss = 0, entropy = 0, kl = 0, clipped = 0;
  double gradient_norm = 0, learning_rate = 0, explained_variance = 0;
  double divergence = 0;  ///< from a magnet
  double samples = 0;     ///< how many samples the means are over
  /// Of a model of opponents: cross-entropy and accuracy of its predictions, and how many these are over.
  double opponent_loss = 0, opponent_accuracy = 0, predicted = 0;
  int updates = 0;  ///< how many updates were added

  void add(const UpdateStatistics& other) {
    const double total = updates + other.updates;
    if (total == 0) return;
    const auto merge = [&](double& ours, double theirs) {
      ours = (ours * updates + theirs * other.updates) / total;
    };
    merge(policy_loss, other.policy_loss), merge(value_loss, other.value_loss), merge(entropy, other.entropy);
    merge(kl, other.kl), merge(clipped, other.clipped), merge(gradient_norm, other.gradient_norm);
    merge(divergence, other.divergence);
    merge(learning_rate, other.learning_rate), merge(explained_variance, other.explained_variance);
    samples += other.samples;
    const double predictions = predicted + other.predicted;
    if (predictions > 0) {
      const double share = other.predicted / predictions;
      opponent_loss += share * (other.opponent_loss - opponent_loss);
      opponent_accuracy += share * (other.opponent_accuracy - opponent_accuracy);
      predicted = predictions;
    }
    updates += other.updates;
  }
  void visit(auto&& f) const {
    f("policy_loss", policy_loss), f("value_loss", value_loss), f("entropy", entropy),
        f("approximate_kl", kl);
    f("clip_fraction", clipped), f("gradient_norm", gradient_norm), f("learning_rate", learning_rate);
    f("explained_variance", explained_variance);
  }
  void visit_opponents(auto&& f) const {
    f("opponent_loss", opponent_loss), f("opponent_accuracy", opponent_accuracy);
  }
};

}  // namespace polis
