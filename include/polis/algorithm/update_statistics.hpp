// What one update of an on-policy learner came to.
#pragma once

namespace polis {

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
