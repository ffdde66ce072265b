// What the kernels of an actor with Q-critics work on: pointers into one device's memory, sizes and settings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <polis/algorithm/actor_q.hpp>
#include <polis/buffer/replay.hpp>
#include <polis/device/on_policy_data.hpp>
#include <polis/distribution/interval.hpp>

namespace polis::internal {

/// What updates came to: sums over their samples, each weighed as in the loss.
struct ActorQSums {
  double critic_loss = 0, value = 0, actor_loss = 0, entropy = 0;
  static constexpr int numbers = 4;
};

/// What kernels report to the host at the end of an iteration.
struct ActorQStatus {
  int episodes = 0;                    ///< that ended in the collection
  int bad_critics = 0, bad_actor = 0;  ///< whether a gradient was not finite
  int updates = 0, actor_updates = 0;
  double critic_norm = 0, actor_norm = 0;  ///< of gradients, summed over updates
  ActorQSums sums;
};

/// What the host tells the kernels of one iteration.
template <class Sampler>
struct ActorQProgress {
  std::uint64_t batch_step;  ///< at which the collection begins
  std::uint64_t update;      ///< updates of the critics so far
  int owed;                  ///< updates to make
  int random_steps;          ///< of the collection, that are uniformly random: learning has not started
  float critic_rate, actor_rate;
  Sampler tasks;
};

/// Types and sizes that follow from a sentence and an environment.
template <class Slots, class Env, class CurriculumSampler>
struct ActorQDevice {
  using E = Env;
  using Words = Slots;
  using Sampler = CurriculumSampler;
  using Learner = ActorQUpdate<Words, E, 0, 1, Simd>;
  using Observation = typename Learner::Observation;
  using Action = typename Learner::Action;
  using Networks = typename Learner::Networks;
  using Head = typename Learner::Head;
  using Exploration = typename Learner::Exploration;
  using Optimizer = typename Words::Optimizer;
  using Objective = typename Words::Objective;
  using ActorNetwork = typename Networks::Actor;
  using CriticNetwork = typename Networks::OneCritic;
  using Actor = BlockMlp<ActorNetwork>;
  using Critic = BlockMlp<CriticNetwork>;

  static constexpr int agents = agent_count<E>;
  static constexpr int ids = Words::AgentIds::template features<E>;
  static constexpr int words = Action::words, noise_memory = Learner::noise_memory;
  static constexpr int critic_count = Words::Critics::count;
  static constexpr int climbed = Head::cautious ? critic_count : 1;
  static constexpr int critics = critic_count * CriticNetwork::parameters;
  static constexpr int actor = ActorNetwork::parameters + (Head::entropic ? 1 : 0);
  static constexpr int actions_at = Networks::actions_at;
};

/// Passed to kernels by value.
template <class Device>
struct ActorQData {
  using E = typename Device::E;

  Lane<E>* lanes;
  Actions<E>* actions;
  EndedEpisode* ended;  // [lanes * steps], in no order
  ReplayViews replay;   // units: lane * agents + agent
  std::uint64_t* ends;  // [unit]: transitions kept of it and of those before it
  float* noise;         // [unit][noise_memory]
  DeviceWeights actor, critics;
  float *target_actor, *target_critics;
  float* packed;                         // [blocks][...], weights that do not fit into shared memory
  int* ids;                              // [batch]: places of the sample
  ActorQSums *critic_sums, *actor_sums;  // [blocks], of this iteration
  ActorQStatus* status;
  const ActorQProgress<typename Device::Sampler>* progress;

  int lane_count, steps, batch, actor_every;
  LaneStreams streams;
  std::uint64_t seed;
  polis::ConfigOf<E> env;
  polis::DatasetOf<E> data;
  typename Device::Objective::Config objective;
  typename Device::Head::Config head;
  typename Device::Exploration::Config exploration;
  typename Device::Words::Target::Config target;
  typename Device::Optimizer::Config optimizer, actor_optimizer;
  float discount, max_gradient_norm, target_entropy;

  [[nodiscard]] POLIS_HD int rows() const { return lane_count * Device::agents; }
  [[nodiscard]] POLIS_HD LaneStreams streams_of(int lane) const {
    return {streams.seed, streams.lane + static_cast<std::uint32_t>(lane), streams.group};
  }
  [[nodiscard]] POLIS_HD bool learns(int update) const {
    return update < progress->owed && ends[rows() - 1] > 0 && !status->bad_critics && !status->bad_actor;
  }
  /// Whether the actor and the targets have their turn after this update.
  [[nodiscard]] POLIS_HD bool moves_actor(int update) const {
    return learns(update) && (number_of(update) + 1) % static_cast<std::uint64_t>(actor_every) == 0;
  }
  /// The number of an update of this iteration among all.
  [[nodiscard]] POLIS_HD std::uint64_t number_of(int update) const {
    return progress->update + static_cast<std::uint64_t>(update);
  }
  [[nodiscard]] POLIS_HD float temperature() const {
    if constexpr (Device::Head::entropic) {
      return math::exp(actor.values[Device::ActorNetwork::parameters]);
    } else {
      return 0;
    }
  }
};

}  // namespace polis::internal
