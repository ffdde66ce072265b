// The losses of one minibatch: tiles of samples on each thread, sums in each shard.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <polis/core/aligned.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/objective/objective.hpp>

namespace polis::internal {

/// Sums over the samples of one shard.
struct LossSums {
  double policy = 0, value = 0, entropy = 0, kl = 0, clipped = 0, divergence = 0;
  double prediction = 0, accuracy = 0, predicted = 0;  // of a model of opponents; samples with any to predict

  void add(const LossSums& s) {
    policy += s.policy, value += s.value, entropy += s.entropy, kl += s.kl, clipped += s.clipped;
    divergence += s.divergence;
    prediction += s.prediction, accuracy += s.accuracy, predicted += s.predicted;
  }
};

/// Tiles that a shard gathers its samples into, [step][64] each, and what evaluating them gives.
struct LossScratch {
  float *old_log_probs, *advantages, *returns, *old_values, *decided, *starts;
  float *log_prob, *entropy, *value, *d_log_prob, *d_entropy, *d_value;
  float* active;                     // those of `decided` that act: `decided` itself where all do
  float* baseline;                   // of a counterfactual critic, else null
  float *divergence, *d_divergence;  // from a magnet, else null
  // Of a model of opponents, else null: what the others do, [step][words][64], and whether any of them acts.
  float *others, *anyone, *prediction, *accuracy, *d_prediction;
  FloatArena memory;

  /// `idle`: some samples are the critic's alone. `other_words`: of actions that a model of opponents
  /// predicts.
  [[gnu::cold]] explicit LossScratch(int steps = 1, bool idle = false, bool baselines = false,
                                     bool divergences = false, int other_words = 0) {
    const std::size_t predicted = other_words > 0 ? static_cast<std::size_t>(steps) * tile_rows : 0;
    const std::size_t n = static_cast<std::size_t>(steps) * tile_rows;
    memory = FloatArena({{&old_log_probs, n},
                         {&advantages, n},
                         {&returns, n},
                         {&old_values, n},
                         {&decided, n},
                         {&starts, n},
                         {&log_prob, n},
                         {&entropy, n},
                         {&value, n},
                         {&d_log_prob, n},
                         {&d_entropy, n},
                         {&d_value, n},
                         {&active, idle ? n : 0},
                         {&baseline, baselines ? n : 0},
                         {&divergence, divergences ? n : 0},
                         {&d_divergence, divergences ? n : 0},
                         {&others, predicted * static_cast<std::size_t>(other_words)},
                         {&anyone, predicted},
                         {&prediction, predicted},
                         {&accuracy, predicted},
                         {&d_prediction, predicted}});
    if (!idle) active = decided;
    if (!baselines) baseline = nullptr;
    if (!divergences) divergence = d_divergence = nullptr;
    if (other_words == 0) others = anyone = prediction = accuracy = d_prediction = nullptr;
  }
};

/// Of the samples of a minibatch: how many the value's loss is over and how many the policy's, and of the
/// latter's advantages the sum and that of their squares.
struct AdvantageSums {
  static constexpr std::size_t numbers = 4;
  double valued = 0, count = 0, sum = 0, squares = 0;
};

/// How the advantages of a minibatch are normalised, and over how many samples losses are averaged.
struct AdvantageScale {
  double samples = 0;  ///< of the policy's loss
  double valued = 0;   ///< of the value's
  float mean = 0, inverse_deviation = 1;

  /// To mean 0 and deviation 1, given the sums of the advantages and of their squares.
  POLIS_HD void normalize(double sum, double squares) {
    if (samples <= 1) return;
    const double average = sum / samples;
    const double variance = std::max(0., (squares - sum * average) / (samples - 1));
    mean = static_cast<float>(average);
    inverse_deviation = static_cast<float>(1. / (std::sqrt(variance) + 1e-8));
  }
};

/// What each sample's losses count for.
struct LossWeights {
  float policy, entropy, value;
};

/// The objective's loss and derivatives of every gathered sample. Those that hold no decision get zeros.
template <class Arch, class Objective>
void add_losses(const typename Objective::Config& config, const LossWeights& weights, int steps,
                LossScratch& l, LossSums& sums) {
  using T = Batch<Arch>;
  const T zero(0.f);
  T policy(0.f), value(0.f), entropy(0.f), kl(0.f), clipped(0.f);
  for (int i = 0; i < steps * tile_rows; i += batch_width<T>) {
    const auto at = [i](const float* tile) { return Load<T>::load(tile + i); };
    const auto valued = at(l.decided) != zero, acted = at(l.active) != zero;
    const PolicyLoss<T> p =
        Objective::template policy_loss<T>(config, {at(l.log_prob), at(l.old_log_probs), at(l.advantages)});
    const ValueLoss<T> v =
        Objective::template value_loss<T>(config, at(l.value), at(l.old_values), at(l.returns));
    Load<T>::store(l.d_log_prob + i, math::select(acted, p.d_log_prob * T(weights.policy), zero));
    Load<T>::store(l.d_entropy + i, math::select(acted, T(-weights.entropy), zero));
    Load<T>::store(l.d_value + i, math::select(valued, v.d_value * T(weights.value), zero));
    policy = policy + math::select(acted, p.loss, zero), value = value + math::select(valued, v.loss, zero);
    entropy = entropy + math::select(acted, at(l.entropy), zero), kl = kl + math::select(acted, p.kl, zero);
    clipped = clipped + math::select(acted, p.clipped, zero);
  }
  sums.policy += static_cast<double>(horizontal_sum(policy));
  sums.value += static_cast<double>(horizontal_sum(value));
  sums.entropy += static_cast<double>(horizontal_sum(entropy));
  sums.kl += static_cast<double>(horizontal_sum(kl));
  sums.clipped += static_cast<double>(horizontal_sum(clipped));
}

/// The derivatives of a minibatch's predictions of what the others do, each of which counts this much, and
/// their sums over the samples in which any of them acts.
template <class Arch>
void add_predictions(float weight, int steps, LossScratch& l, LossSums& sums) {
  using T = Batch<Arch>;
  const T zero(0.f);
  T loss(0.f), accuracy(0.f), count(0.f);
  for (int i = 0; i < steps * tile_rows; i += batch_width<T>) {
    const auto at = [i](const float* tile) { return Load<T>::load(tile + i); };
    const auto counts = at(l.active) * at(l.anyone) != zero;
    Load<T>::store(l.d_prediction + i, math::select(counts, T(weight), zero));
    loss = loss + math::select(counts, at(l.prediction), zero);
    accuracy = accuracy + math::select(counts, at(l.accuracy), zero);
    count = count + math::select(counts, T(1.f), zero);
  }
  sums.prediction += static_cast<double>(horizontal_sum(loss));
  sums.accuracy += static_cast<double>(horizontal_sum(accuracy));
  sums.predicted += static_cast<double>(horizontal_sum(count));
}

}  // namespace polis::internal
