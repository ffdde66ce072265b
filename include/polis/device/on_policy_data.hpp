// What the kernels of an on-policy learner work on: pointers into one device's memory, sizes and settings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <polis/algorithm/actor_critic_learner.hpp>
#include <polis/algorithm/loss_scratch.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/buffer/rollout.hpp>
#include <polis/curriculum/curriculum.hpp>
#include <polis/device/lanes.hpp>
#include <polis/device/network.hpp>
#include <polis/env/lane.hpp>
#include <polis/nn/clip.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/normalization/rewards.hpp>
#include <polis/objective/objective.hpp>

namespace polis::internal {

/// Sums over the samples of one update or of a part of it.
struct DeviceSums {
  double policy = 0, value = 0, entropy = 0, kl = 0, clipped = 0;
  // Of the first epoch, or of the last one where each has estimates of its own:
  double count = 0, returns = 0, squares = 0, errors = 0, error_squares = 0;
  double batch_kl = 0;  // the mean KL of each minibatch, summed
  static constexpr int numbers = 11;
};

/// What kernels report to the host at the end of an iteration.
struct DeviceStatus {
  enum Failure : int { none, gradient, no_legal_action };
  static constexpr double nothing = -1e18;
  int episodes = 0;  ///< that ended in the collection
  int failure = none;
  int refusals = 0;                       ///< times that no action was legal
  int lane = 0, agent = 0;                ///< where, for the first of them
  int units = 0;                          ///< samples to learn from
  double all_units = 0;                   ///< those of all ranks; negative where one's collection has failed
  int stopped = 0;                        ///< whether the policy has moved too far for another epoch
  int steps = 0;                          ///< of the optimizer
  double gradient_norm = 0, samples = 0;  ///< summed over steps
  double kl_before = 0;                   ///< `sums.batch_kl` of the epochs before
  DeviceSums sums;
};

/// What the host tells the kernels of one iteration.
template <class Sampler>
struct DeviceProgress {
  std::uint64_t batch_step;  ///< at which the collection begins
  std::uint64_t update;      ///< its number
  float learning_rate;
  Sampler tasks;
  bool learns_observations;  ///< whether the rollout's observations count for their statistics
};

/// Types and sizes that follow from a sentence and an environment.
template <class Slots, class Env, class CurriculumSampler>
struct OnPolicyDevice {
  using E = Env;
  using Words = Slots;
  using Sampler = CurriculumSampler;
  using Learner = OnPolicyUpdate<Words, E, 0, Simd>;
  using Parts = typename Learner::Parts;
  using Policy = typename Learner::Policy;
  using Observation = typename Learner::Observation;
  using Distribution = typename Policy::DistributionType;
  using ActorNetwork = typename Policy::ActorNetwork;
  using CriticNetwork = typename Policy::CriticNetwork;
  using Actor = BlockMlp<ActorNetwork>;
  using Critic = BlockMlp<CriticNetwork>;
  using Objective = typename Words::Objective;
  using Returns = typename Words::Returns;
  using Optimizer = typename Words::Optimizer;

  /// Sets of weights, and agents that have one in common: all of them, or each its own.
  static constexpr bool separate = std::is_same_v<typename Words::Sharing, SeparateParameters>;
  static constexpr int sets = separate ? agent_count<E> : 1;
  static constexpr int agents = agent_count<E> / sets;
  static constexpr int mask_size = Learner::mask_size, words = Policy::words;
  static constexpr bool central = Learner::central;
  /// Whether a decision may wait for its rewards when a rollout ends; it is then carried over in slot 0.
  static constexpr bool waits = Learner::waits;
  static constexpr int first_slot = waits ? 1 : 0;
  static constexpr bool normalizes_observations =
      !std::is_same_v<typename Words::ObservationNormalization, RawObservations>;
  static constexpr bool scales_rewards = !std::is_same_v<typename Words::RewardNormalization, RawRewards>;
  static constexpr bool normalizes_values = Learner::normalizes_values;
  using ValueScale = typename Words::ValueNormalization::State;
  /// Whether returns are estimated anew before an epoch, by the weights of then.
  static constexpr bool estimates_anew = recomputes<Returns>;
  static constexpr int free_weights = Distribution::weights;
  static constexpr int free_at = ActorNetwork::parameters + CriticNetwork::parameters;
  static constexpr int parameters = free_at + free_weights;
  static constexpr int samples_of_chunk = 1024;  // of which a block lists those to learn from
  static constexpr int parts_of_sums = 8;        // blocks that sum the advantages of one minibatch
};

/// Passed to kernels by value.
template <class Device>
struct OnPolicyData : DeviceLanes<typename Device::E> {
  using E = typename Device::E;
  using DeviceLanes<E>::lanes, DeviceLanes<E>::lane_count, DeviceLanes<E>::steps;

  int agent_offset;      // the first agent of this set of weights
  RolloutViews rollout;  // rows: lane * agents of the set + agent of the set
  DeviceWeights weights;
  float* packed;                // [blocks][packed floats], where they do not fit into shared memory
  DeviceSums* sums;             // [blocks], over all minibatches so far
  int *units, *order;           // [slots * rows]: samples to learn from, and in the order of an epoch
  int* pending;                 // [rows]: the slot of the decision that waits for its rewards, or -1
  int* chunk_units;             // [chunks]: how many of them are in each chunk, then where they begin
  double* shares;               // [blocks][...], of sums for statistics
  double* observation_moments;  // count, mean[features], squares[features]
  float* observation_scale;     // mean[features], 1 / deviation[features]
  double *reward_moments, *running_returns;  // count, mean, squares; [rows]
  typename Device::ValueScale* values;
  AdvantageSums* advantages;  // [minibatches][parts_of_sums], of all ranks
  float* ratios;              // [slots * rows], of decisions, where estimates ask for them
  DeviceStatus* status;
  const DeviceProgress<typename Device::Sampler>* progress;

  int rank = 0, ranks = 1;
  typename Device::Objective::Config objective;
  typename Device::Returns::Config returns;
  typename Device::Optimizer::Config optimizer;
  typename Device::Words::ObservationNormalization::Config observations;
  typename Device::Words::RewardNormalization::Config rewards;
  float value_coefficient, entropy_coefficient, max_gradient_norm, target_kl;
  int minibatch;  // of all ranks
  bool normalize_advantages;

  [[nodiscard]] POLIS_HD int rows() const { return lane_count * Device::agents; }
  [[nodiscard]] POLIS_HD int agent_of(int row) const { return agent_offset + row % Device::agents; }
  [[nodiscard]] POLIS_HD static constexpr int first_slot() { return Device::first_slot; }
  [[nodiscard]] POLIS_HD int slots() const { return steps + Device::first_slot; }
  /// Whether the agent of a row decides at the next step.
  [[nodiscard]] POLIS_HD bool decides(int row) const {
    return this->agent_decides(row / Device::agents, agent_of(row));
  }
  /// Whether a sample is a decision whose rewards are all in.
  [[nodiscard]] POLIS_HD bool learnt(int sample) const {
    if (!rollout.decided.data[sample]) return false;
    return !Device::waits || pending[sample % rows()] != sample / rows();
  }
  /// Minibatches of an epoch: every rank divides its own samples into as many parts.
  [[nodiscard]] POLIS_HD int minibatches() const {
    if (status->all_units <= 0) return 1;  // as it is where a rank has failed
    const int samples = static_cast<int>(status->all_units), each = minibatch == 0 ? samples : minibatch;
    const int count = each > 0 ? (samples + each / 2) / each : 1;
    return count > 1 ? count : 1;
  }
  /// Whether there is, and is to be, anything to learn: what all ranks say alike.
  [[nodiscard]] POLIS_HD bool goes_on() const {
    return status->all_units > 0 && !status->stopped && status->failure == DeviceStatus::none;
  }
  /// Whether minibatch `number` is to be learnt from, alike too.
  [[nodiscard]] POLIS_HD bool learns_from(int number) const { return number < minibatches() && goes_on(); }
  /// This rank's samples of it, as places in `order`.
  struct Range {
    int from, to;
  };
  [[nodiscard]] POLIS_HD Range own_samples_of(int number) const {
    if (!learns_from(number)) return {0, 0};
    const long long count = status->units;
    const int batches = minibatches();
    return {static_cast<int>(count * number / batches), static_cast<int>(count * (number + 1) / batches)};
  }
  /// Those, and how many samples of it all ranks have: none if it is not to be learnt from.
  struct Minibatch {
    Range own;
    int samples;
  };
  [[nodiscard]] POLIS_HD Minibatch samples_of(int number) const {
    const Range own = own_samples_of(number);
    if (ranks == 1 || !learns_from(number)) return {own, own.to - own.from};
    double samples = 0;
    for (int i = 0; i < Device::parts_of_sums; ++i)
      samples += advantages[number * Device::parts_of_sums + i].count;
    return {own, static_cast<int>(samples)};
  }
};

/// The sets of weights of a learner, with the same lanes.
template <class Device>
using OnPolicySets = Array<OnPolicyData<Device>, Device::sets>;

/// Network inputs of an observation, normalised where the sentence says so.
template <class Device>
POLIS_HD void place_observation(const OnPolicyData<Device>& d, const float* words, int agent, float* tile) {
  using Observation = typename Device::Observation;
  place_features<Observation, Device::Parts::ids>(words, agent, tile);
  if constexpr (Device::normalizes_observations) {
    for (int f = 0; f < Observation::words; ++f) {
      float& x = tile[f * tile_pitch];
      x = (x - d.observation_scale[f]) * d.observation_scale[Observation::words + f];
      x = math::clamp(x, -d.observations.clip, d.observations.clip);
    }
  }
}
/// What one of the networks sees of a sample of the rollout.
template <bool critic, class Device>
POLIS_HD void place_sample(const OnPolicyData<Device>& d, int sample, float* tile) {
  const auto at = static_cast<std::ptrdiff_t>(sample);
  const int agent = d.agent_of(sample);
  if constexpr (critic && Device::central) {
    using State = typename Device::E::State;
    place_features<State, Device::Parts::ids>(d.rollout.states.data + at * State::words, agent, tile);
  } else {
    place_observation(d, d.rollout.observations.data + at * Device::Observation::words, agent, tile);
  }
}
/// The value that an output of the critic stands for.
template <class Device>
POLIS_HD float value_of(const OnPolicyData<Device>& d, float output) {
  if constexpr (Device::normalizes_values) {
    return d.values->value(output);
  } else {
    return output;
  }
}

}  // namespace polis::internal
