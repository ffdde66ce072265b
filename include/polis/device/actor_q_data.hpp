// What the kernels of an actor with Q-critics work on: pointers into one device's memory, sizes and settings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <polis/algorithm/actor_q.hpp>
#include <polis/device/network.hpp>
#include <polis/device/replay_data.hpp>

namespace polis::internal {

/// What updates came to: sums over their samples, each weighed as in the loss.
struct ActorQSums {
  double critic_loss = 0, value = 0, actor_loss = 0, entropy = 0;
  static constexpr int numbers = 4;
};

struct ActorQStatus : ReplayStatus {
  int bad_critics = 0, bad_actor = 0;  ///< whether a gradient was not finite
  int actor_updates = 0;
  double critic_norm = 0, actor_norm = 0;  ///< of gradients, summed over updates
  ActorQSums sums;
};

template <class Sampler>
struct ActorQProgress : ReplayProgress<Sampler> {
  int random_steps;  ///< of the collection, that are uniformly random: learning has not started
  float critic_rate, actor_rate;
};

template <class Device>
struct ActorQData;

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
  using Acting = Actor;
  using Data = ActorQData<ActorQDevice>;

  static constexpr int agents = agent_count<E>, width = 1;  // agents of a unit
  static constexpr int flags = 0, state_words = 0;
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
struct ActorQData : ReplayData<Device> {
  float* noise;  // [unit][noise_memory]
  DeviceWeights actor, critics;
  float *target_actor, *target_critics;
  ActorQSums *critic_sums, *actor_sums;  // [blocks], of this iteration
  ActorQStatus* status;
  const ActorQProgress<typename Device::Sampler>* progress;

  int actor_every;
  typename Device::Objective::Config objective;
  typename Device::Head::Config head;
  typename Device::Exploration::Config exploration;
  typename Device::Words::Target::Config target;
  typename Device::Optimizer::Config optimizer, actor_optimizer;
  float max_gradient_norm, target_entropy;

  [[nodiscard]] POLIS_HD bool learns(int update) const {
    return update < progress->owed && this->ends[this->units() - 1] > 0 && !status->bad_critics &&
           !status->bad_actor;
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

  // What StoreKernel asks of a learner.
  [[nodiscard]] POLIS_HD const float* acting_weights() const { return actor.values; }
  POLIS_HD void forget(int row) const {
    for (int k = 0; k < Device::noise_memory; ++k) noise[row * Device::noise_memory + k] = 0;
  }
  POLIS_HD void choose(In<float> outputs, const float* /*mask*/, int step, int row, float* action) const {
    constexpr int draws = Device::Networks::draws;
    const auto uniforms =
        this->template exploring<draws>(progress->batch_step + static_cast<std::uint64_t>(step), row);
    if (step < progress->random_steps) {
      for (int k = 0; k < Device::words; ++k) action[k] = 2 * uniforms[k] - 1;
      return;
    }
    Device::Head::template sample<float>(head, outputs, {}, In<float>{uniforms.data()}, Out<float>{action});
    Device::Exploration::template perturb<Device::words>(
        exploration, In<float>{uniforms.data() + Device::Head::noise}, noise + row * Device::noise_memory,
        Out<float>{action});
  }
};

}  // namespace polis::internal
