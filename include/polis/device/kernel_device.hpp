// What a device makes of a composition: which parts its kernels can run, and the loop that runs them.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/algorithm/actor_critic.hpp>
#include <polis/curriculum/curriculum.hpp>
#include <polis/device/actor_q_loop.hpp>
#include <polis/device/on_policy_loop.hpp>
#include <polis/device/q_loop.hpp>
#include <polis/device/ranked_runtime.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/normalization/rewards.hpp>

namespace polis::internal {

/// Whether kernels can step an environment: its state, settings and tasks are copied as bytes, and its data
/// array by array (DeviceDataset).
template <class E>
inline constexpr bool kernels_step =
    DeviceEnvironment<E> && std::is_trivially_copyable_v<polis::ConfigOf<E>> &&
    std::is_trivially_copyable_v<polis::TaskOf<E>> && std::is_trivially_copyable_v<Actions<E>> &&
    DeviceDataset<polis::DatasetOf<E>> && role_count<E> == 1;

/// Whether an optimizer steps every weight by itself, by no more than two numbers kept of it.
template <class Optimizer>
inline constexpr bool kernels_step_along =
    requires(const typename Optimizer::Config& config, Optimizer& optimizer, float& value) {
      Optimizer::step(config, 1., value, value)(value, value, value, value);
      optimizer.first_moments(), optimizer.second_moments();
    };

/// Whether kernels can train a sentence: an actor and a critic that are perceptrons, of one agent's
/// observations or the whole state; estimates made row by row; an optimizer that they step along.
template <class Slots>
inline constexpr bool kernels_train_words = false;
template <class Slots>
  requires requires {
    typename Slots::Returns;
    typename Slots::Magnet;
    typename Slots::Actors;
  }
inline constexpr bool kernels_train_words<Slots> =
    std::is_same_v<typename Slots::Policy, NativePolicy> && RowEstimator<typename Slots::Returns> &&
    !complete_episodes<typename Slots::Returns> && uses_values<typename Slots::Returns> &&
    !Slots::Critic::counterfactual && !values_team<typename Slots::Critic> &&
    std::is_trivially_copyable_v<typename Slots::ValueNormalization::State> && !Slots::Magnet::attracts &&
    !Slots::OpponentModel::models && !Slots::Actors::asynchronous &&
    std::is_same_v<typename Slots::Shaping, NoShaping> && kernels_step_along<typename Slots::Optimizer>;

/// Bytes of a kernel's parameters; those of a collection grow with the sets of weights.
inline constexpr std::size_t kernel_parameters = 32'764;

/// Whether actor and critic are perceptrons of which a tile of rows fits into shared memory.
template <class Slots, class E, class Member = OnPolicyUpdate<Slots, E, 0, Simd>>
constexpr bool kernels_have_room() {
  if constexpr (has_block_passes<typename Member::Policy::ActorNetwork> &&
                has_block_passes<typename Member::Policy::CriticNetwork>) {
    using Device = OnPolicyDevice<Slots, E, StageSampler>;
    return GradientKernel<Device>::shared <= shared_floats &&
           sizeof(CollectKernel<Device>) <= kernel_parameters;
  } else {
    return false;
  }
}

template <class Slots, class E>
inline constexpr bool kernels_train = false;
template <class Slots, class E>
  requires kernels_train_words<Slots> && Environment<E>
inline constexpr bool kernels_train<Slots, E> =
    !OnPolicyUpdate<Slots, E, 0, Simd>::idle && kernels_have_room<Slots, E>();

/// Whether kernels can keep what a sentence learns from: a uniform replay in memory, of one set of weights
/// and of observations and rewards as they are.
template <class Slots>
inline constexpr bool kernels_keep_replay =
    std::is_same_v<typename Slots::Buffer, Replay> &&
    !std::is_same_v<typename Slots::Sharing, SeparateParameters> &&
    std::is_same_v<typename Slots::ObservationNormalization, RawObservations> &&
    std::is_same_v<typename Slots::Shaping, NoShaping>;

/// Whether kernels can train a sentence of an actor with Q-critics: one set of weights, perceptrons, a Box of
/// actions of which samples are taken, critics that see what the actor sees, a uniform replay in memory.
template <class Slots, class E>
inline constexpr bool kernels_train_actor_q = false;
template <class Slots, class E>
  requires(requires {
            typename Slots::Critics;
            typename Slots::Exploration;
          } && Environment<E>)
inline constexpr bool kernels_train_actor_q<Slots, E> = [] {
  if constexpr (!Slots::joint && !Slots::Critic::needs_state && kernels_keep_replay<Slots> &&
                RoleOf<E, 0>::Action::kind == SpaceKind::box) {
    using Device = ActorQDevice<Slots, E, StageSampler>;
    if constexpr (!Device::Head::expected && has_block_passes<typename Device::ActorNetwork> &&
                  has_block_passes<typename Device::CriticNetwork> &&
                  kernels_step_along<typename Slots::Optimizer>) {
      return ActorQTile<Device>::shared <= shared_floats;
    } else {
      return false;
    }
  } else {
    return false;
  }
}();

/// Whether kernels can train a Q-learning sentence: one set of weights, a perceptron, a mixer with passes of
/// its own, a uniform replay in memory.
template <class Slots, class E>
inline constexpr bool kernels_train_q = false;
template <class Slots, class E>
  requires(requires {
            typename Slots::Mixer;
            typename Slots::Average;
          } && Environment<E>)
inline constexpr bool kernels_train_q<Slots, E> = [] {
  if constexpr (!Slots::Average::averages && role_count<E> == 1 && agent_count<E> <= tile_rows &&
                kernels_keep_replay<Slots>) {
    using Device = QDevice<Slots, E, StageSampler>;
    if constexpr (has_block_passes<typename Device::QNetwork> &&
                  has_block_mixer<typename Device::Networks::Mixer> &&
                  kernels_step_along<typename Slots::Optimizer>) {
      return QGradientKernel<Device>::shared <= shared_floats;
    } else {
      return false;
    }
  } else {
    return false;
  }
}();

template <class Algorithm>
struct SlotsOf {
  using type = void;
};
template <class Algorithm>
  requires requires { typename Algorithm::Slots; }
struct SlotsOf<Algorithm> {
  using type = typename Algorithm::Slots;
};

/// What kernels are made of, and what launches them.
template <class Slots, class E, class Sampler>
struct KernelsOf {
  using type = OnPolicyDevice<Slots, E, Sampler>;
  template <class Runtime>
  using Loop = OnPolicyLoop<Runtime, type>;
};
template <class Slots, class E, class Sampler>
  requires kernels_train_actor_q<Slots, E>
struct KernelsOf<Slots, E, Sampler> {
  using type = ActorQDevice<Slots, E, Sampler>;
  template <class Runtime>
  using Loop = ActorQLoop<Runtime, type>;
};
template <class Slots, class E, class Sampler>
  requires kernels_train_q<Slots, E>
struct KernelsOf<Slots, E, Sampler> {
  using type = QDevice<Slots, E, Sampler>;
  template <class Runtime>
  using Loop = QLoop<Runtime, type>;
};
template <class Algorithm, class E, class Curriculum>
using KernelsFor = KernelsOf<typename Algorithm::Slots, E,
                             decltype(std::declval<const typename Curriculum::State&>().sampler())>;
template <class Algorithm, class E, class Curriculum>
using DeviceOfSentence = typename KernelsFor<Algorithm, E, Curriculum>::type;

template <class Runtime, class Ranks>
struct RuntimeOfRanks {
  using type = Runtime;
};
template <class Runtime, class Ranks>
  requires Ranks::distributed
struct RuntimeOfRanks<Runtime, Ranks> {
  using type = RankedRuntime<Runtime, Ranks>;
};
template <class Runtime, class Ranks>
using RuntimeOf = typename RuntimeOfRanks<Runtime, Ranks>::type;

/// A device on which `Runtime` launches kernels.
template <class Runtime>
struct KernelDevice {
  using Arch = Simd;  ///< of what stays on the host: evaluation
  static constexpr bool offloads = true;
  template <class E>
  static constexpr bool steps = kernels_step<E>;
  template <class Algorithm, class E>
  static constexpr bool trains = kernels_train<typename SlotsOf<Algorithm>::type, E> ||
                                 kernels_train_actor_q<typename SlotsOf<Algorithm>::type, E> ||
                                 kernels_train_q<typename SlotsOf<Algorithm>::type, E>;
  template <class Curriculum>
  static constexpr bool draws = HasSampler<typename Curriculum::State>;
  template <class Ranks>
  static constexpr bool sums_over = true;
  template <class Algorithm, class E, class Curriculum, class Ranks>
  using Loop = typename KernelsFor<Algorithm, E, Curriculum>::template Loop<RuntimeOf<Runtime, Ranks>>;
};

}  // namespace polis::internal
