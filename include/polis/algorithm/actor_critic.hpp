// The actor-critic sentence: PPO, A2C, REINFORCE, MAPPO and their kin differ in words, not in code.
#pragma once

#include <utility>

#include <polis/algorithm/actor_critic_learner.hpp>
#include <polis/algorithm/magnet.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/shaped_learner.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/nn/schedule.hpp>
#include <polis/normalization/values.hpp>
#include <polis/policy/native.hpp>
#include <polis/policy/opponent_model.hpp>

namespace polis {

// ---- What is learnt from agents that do not act
// ----------------------------------------------------------------------------------------

/// Nothing: a decision's transition spans to the next one, and the rewards between belong to it.
struct DecisionsAlone {
  using word = word::ActiveMasks;
  static constexpr bool keeps_idle = false;
};
/// MAPPO's way (Yu et al. 2022, section 5 and appendix): every step of a living agent is a step of its
/// returns. Where it does not act, the critic sees zeros and who the agent is (death masking), and only the
/// critic learns: policy loss, entropy and the normalisation of advantages count the steps it acted in.
struct ActiveMasks {
  using word = word::ActiveMasks;
  static constexpr bool keeps_idle = true;
};

// ---- How actors and the learner keep step
// ----------------------------------------------------------------------------------------------------

/// All lanes advance by the same weights; when their rollouts are full, one update learns from all of them.
struct SynchronousActors {
  using word = word::Actors;
  static constexpr bool asynchronous = false;
  struct Config {
    static constexpr void fields(auto&, auto&&) {}
  };
  template <class Slots, class E, class Arch, class Handled>
  using Learner = internal::ActorCriticLearner<Slots, E, Arch, Handled>;
};

/// The values of a sentence that are no word's own. An algorithm whose paper has other ones states them as a
/// word, so that they stay its own however it is re-composed:
///
///     struct ManyEpochs {
///       using word = word::Defaults;
///       static constexpr ActorCriticDefaults values{.epochs = 10};
///     };
///     using Mine = PPO::With<ManyEpochs>;
struct ActorCriticDefaults {
  int steps = 128;
  int epochs = 4;
  int minibatch = 1024;
  int segment = 32;
  int shards = 8;
  float value_coefficient = .5f;
  float entropy_coefficient = .01f;
  float max_gradient_norm = .5f;
  float target_kl = 0.f;
  bool normalize_advantages = true;
};

/// Where a sentence states none.
struct CommonDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{};
};

/// The words of an actor-critic sentence by slot, and the values that go with them.
template <class... Words>
struct ActorCriticSlots {
  using Policy = internal::slot<word::Policy, Words...>;
  using Network = internal::slot<word::Network, Words...>;
  using Activation = internal::slot<word::Activation, Words...>;
  using Initialization = internal::slot<word::Initialization, Words...>;
  using Distribution = internal::slot<word::Distribution, Words...>;
  using Objective = internal::slot<word::Objective, Words...>;
  using Returns = internal::slot<word::Returns, Words...>;
  using Buffer = internal::slot<word::Buffer, Words...>;
  using Optimizer = internal::slot<word::Optimizer, Words...>;
  using Critic = internal::slot<word::Critic, Words...>;
  using Sharing = internal::slot<word::Sharing, Words...>;
  using ObservationNormalization = internal::slot<word::ObservationNormalization, Words...>;
  using RewardNormalization = internal::slot<word::RewardNormalization, Words...>;
  using ValueNormalization =
      typename internal::LastOfKind<word::ValueNormalization, RawValues, Words...>::type;
  using AgentIds = typename internal::LastOfKind<word::AgentIds, NoAgentIds, Words...>::type;
  using ActiveMasks = typename internal::LastOfKind<word::ActiveMasks, DecisionsAlone, Words...>::type;
  using Actors = typename internal::LastOfKind<word::Actors, SynchronousActors, Words...>::type;
  using Magnet = typename internal::LastOfKind<word::Magnet, NoMagnet, Words...>::type;
  using OpponentModel = typename internal::LastOfKind<word::OpponentModel, NoOpponentModel, Words...>::type;
  using Shaping = typename internal::LastOfKind<word::Shaping, NoShaping, Words...>::type;
  static constexpr ActorCriticDefaults defaults =
      internal::LastOfKind<word::Defaults, CommonDefaults, Words...>::type::values;

  /// How much of everything. Sizes count decisions of agents, not steps of the environment, unless said
  /// otherwise.
  struct Config {
    typename Objective::Config objective{};
    typename Returns::Config returns{};
    typename Optimizer::Config optimizer{};
    typename Policy::template Config<Initialization> policy{};
    typename ObservationNormalization::Config observations{};
    typename RewardNormalization::Config rewards{};
    typename ValueNormalization::Config values{};
    typename Actors::Config actors{};
    typename Magnet::Config magnet{};
    typename OpponentModel::Config opponent_model{};
    typename Shaping::Config shaping{};
    Schedule schedule{};                 ///< factor on the learning rate as training goes on
    int steps = defaults.steps;          ///< environment steps of each lane between two updates
    int epochs = defaults.epochs;        ///< passes over the rollout
    int minibatch = defaults.minibatch;  ///< samples of one optimizer step; 0: the whole rollout
    int segment = defaults.segment;      ///< time steps of a recurrent policy's training segment
    /// Parts of a gradient (of all ranks), summed in a fixed tree: at least as many as work on it at a time.
    int shards = defaults.shards;
    float value_coefficient = defaults.value_coefficient;
    float entropy_coefficient = defaults.entropy_coefficient;
    float max_gradient_norm = defaults.max_gradient_norm;  ///< 0: gradients are not clipped
    /// An epoch whose mean approximate KL exceeds it is the last; 0: never.
    float target_kl = defaults.target_kl;
    bool normalize_advantages = defaults.normalize_advantages;  ///< in each minibatch

    static void fields(auto& self, auto&& visit) {
      visit("objective", self.objective);
      visit("returns", self.returns);
      visit("optimizer", self.optimizer);
      visit("policy", self.policy);
      visit("observations", self.observations);
      visit("rewards", self.rewards);
      visit("values", self.values);
      visit("actors", self.actors);
      visit("magnet", self.magnet);
      visit("opponent_model", self.opponent_model);
      visit("shaping", self.shaping);
      visit("schedule", self.schedule);
      visit("steps", self.steps);
      visit("epochs", self.epochs);
      visit("minibatch", self.minibatch);
      visit("segment", self.segment);
      visit("shards", self.shards);
      visit("value_coefficient", self.value_coefficient);
      visit("entropy_coefficient", self.entropy_coefficient);
      visit("max_gradient_norm", self.max_gradient_norm);
      visit("target_kl", self.target_kl);
      visit("normalize_advantages", self.normalize_advantages);
    }
  };
};

/// An actor-critic algorithm, made of words. `With<...>` re-composes it by naming what changes, in any order:
/// `PPO::With<Gru<128>, NormalizeObservations>`. A sentence may get a name, `struct Mine :
/// PPO::With<Gru<128>> {};`, which compilers then print in place of all its words.
template <class... Words>
struct ActorCritic : ActorCriticSlots<Words...> {
  using word = word::Algorithm;
  using Slots = ActorCriticSlots<Words...>;
  using WordList = internal::List<Words...>;
  using Sentence = ActorCritic;

  template <class... New>
  using With = typename internal::Rewrite<polis::ActorCritic, internal::List<Words...>, New...>::type;

  /// Learns for the agents of the roles `Handled` of E: all of them, unless several algorithms share them
  /// out.
  template <class E, class Arch, class Handled = std::make_integer_sequence<int, role_count<E>>>
  using Learner =
      internal::Shaped<typename Slots::Actors::template Learner<Slots, E, Arch, Handled>, Slots, E, Handled>;
};

}  // namespace polis
