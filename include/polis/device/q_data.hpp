// What the kernels of Q-learning work on: pointers into one device's memory, sizes and settings.
#pragma once

#include <cstdint>
#include <type_traits>

#include <polis/algorithm/q_learning.hpp>
#include <polis/device/mixer.hpp>
#include <polis/device/network.hpp>
#include <polis/device/replay_data.hpp>

namespace polis::internal {

struct QStatus : ReplayStatus {
  int bad = 0;               ///< whether a gradient was not finite
  double gradient_norm = 0;  ///< summed over updates
  QSums sums;
};

template <class Sampler>
struct QProgress : ReplayProgress<Sampler> {
  float learning_rate;
  float explores;  ///< how much, in the collection
};

template <class Device>
struct QData;

/// Types and sizes that follow from a sentence and an environment.
template <class Slots, class Env, class CurriculumSampler>
struct QDevice {
  using E = Env;
  using Words = Slots;
  using Sampler = CurriculumSampler;
  using Role = RoleOf<E, 0>;
  using Observation = typename Role::Observation;
  using Action = typename Role::Action;
  using Exploration = typename Words::Exploration;
  using Optimizer = typename Words::Optimizer;
  using Objective = typename Words::Objective;

  static constexpr int agents = agent_count<E>, width = Words::joint ? agents : 1;  // agents of a unit
  using Learner = QUpdate<Words, E, 0, width, Simd>;
  using Networks = QNetworks<Words, E, 0, width>;
  using QNetwork = typename Networks::Network;
  using Network = BlockMlp<QNetwork>;
  using Mixer = BlockMixer<typename Networks::Mixer>;
  using Acting = Network;
  using Data = QData<QDevice>;

  static constexpr int ids = Words::AgentIds::template features<E>;
  static constexpr int actions = Action::size;
  static constexpr int flags = Learner::masked ? Learner::flags : 0;
  static constexpr int state_words = Learner::state_words;
  static constexpr int mixer_at = QNetwork::parameters;  // in the weights
  static constexpr int parameters = mixer_at + Networks::Mixer::parameters;
};

/// Passed to kernels by value.
template <class Device>
struct QData : ReplayData<Device> {
  DeviceWeights weights;
  float* target;
  QSums* sums;  // [blocks], of this iteration
  QStatus* status;
  const QProgress<typename Device::Sampler>* progress;

  typename Device::Objective::Config objective;
  typename Device::Words::Target::Config following;
  typename Device::Optimizer::Config optimizer;
  float max_gradient_norm, reward_scale;
  bool double_q;

  [[nodiscard]] POLIS_HD bool learns(int update) const {
    return update < progress->owed && this->ends[this->units() - 1] > 0 && !status->bad;
  }
  /// The number of an update of this iteration among all.
  [[nodiscard]] POLIS_HD std::uint64_t number_of(int update) const {
    return progress->update + static_cast<std::uint64_t>(update);
  }

  // What StoreKernel asks of a learner.
  [[nodiscard]] POLIS_HD const float* acting_weights() const { return weights.values; }
  POLIS_HD void forget(int /*row*/) const {}
  POLIS_HD void choose(In<float> outputs, const float* mask, int step, int row, float* action) const {
    using Exploration = typename Device::Exploration;
    const auto uniforms = this->template exploring<Exploration::draws>(
        progress->batch_step + static_cast<std::uint64_t>(step), row);
    const int chosen =
        Exploration::choose(progress->explores, outputs, mask, Device::actions, In<float>{uniforms.data()});
    *action = static_cast<float>(chosen < 0 ? 0 : chosen);  // none is legal: the host hears of it
  }
};

}  // namespace polis::internal
