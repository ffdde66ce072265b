// The sentence of an actor with a Q-critic: DDPG, TD3, SAC, MADDPG and MASAC differ in words, not in code.
#pragma once

#include <utility>

#include <polis/algorithm/actor_q_update.hpp>
#include <polis/algorithm/replay_learner.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/shaped_learner.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/algorithm/target.hpp>
#include <polis/nn/schedule.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/objective/td_loss.hpp>
#include <polis/policy/native.hpp>

namespace polis {

/// The values of a sentence that are no word's own; as ActorCriticDefaults.
struct ActorQDefaults {
  int n_step = 1;
  int learning_starts = 1'000;
  int update_every = 1;
  int actor_every = 1;
  int batch = 256;
  int shards = 8;
  float discount = .99f;
  float max_gradient_norm = 0.f;
};

/// Where a sentence states none.
struct CommonActorQDefaults {
  using word = word::Defaults;
  static constexpr ActorQDefaults values{};
};

/// The words of an actor-with-Q-critic sentence by slot, and the values that go with them.
template <class... Words>
struct ActorQSlots {
  using Actor = internal::slot<word::Actor, Words...>;
  using Critics = internal::slot<word::Critics, Words...>;
  using Critic = typename internal::LastOfKind<word::Critic, LocalCritic, Words...>::type;
  using Network = internal::slot<word::Network, Words...>;
  using Activation = internal::slot<word::Activation, Words...>;
  using Initialization = internal::slot<word::Initialization, Words...>;
  using Objective = internal::slot<word::Objective, Words...>;
  using Buffer = internal::slot<word::Buffer, Words...>;
  using Exploration = internal::slot<word::Exploration, Words...>;
  using Target = internal::slot<word::Target, Words...>;
  using Optimizer = internal::slot<word::Optimizer, Words...>;
  using Sharing = typename internal::LastOfKind<word::Sharing, PerRoleParameters, Words...>::type;
  using ObservationNormalization =
      typename internal::LastOfKind<word::ObservationNormalization, RawObservations, Words...>::type;
  using AgentIds = typename internal::LastOfKind<word::AgentIds, NoAgentIds, Words...>::type;
  using Shaping = typename internal::LastOfKind<word::Shaping, NoShaping, Words...>::type;
  /// The agents of a team learn from joint transitions, each from its own reward.
  static constexpr bool joint = !std::is_same_v<Critic, LocalCritic>, each_reward = joint;
  static constexpr bool learns_by_masks = true;
  static constexpr const char* family = "actor with q-critic";
  static constexpr ActorQDefaults defaults =
      internal::LastOfKind<word::Defaults, CommonActorQDefaults, Words...>::type::values;

  /// Floats of the state that the critic sees; 0 where it sees none.
  template <class E>
  static constexpr int state_words() {
    if constexpr (Critic::needs_state) {
      return E::State::words;
    } else {
      return 0;
    }
  }
  /// One set of weights, with what it remembers and learns.
  template <class E, int R, int Width, class Arch>
  using Member = internal::ActorQUpdate<ActorQSlots, E, R, Width, Arch>;

  /// How much of everything. Steps are the environment's, of all lanes together.
  struct Config {
    typename Objective::Config objective{};
    typename Optimizer::Config optimizer{};        ///< of the critics
    typename Optimizer::Config actor_optimizer{};  ///< of the actor and its temperature
    typename Initialization::Config initialization{};
    typename ObservationNormalization::Config observations{};
    typename Buffer::Config buffer{};
    typename Actor::Config actor{};
    typename Exploration::Config exploration{};
    typename Target::Config target{};
    typename Shaping::Config shaping{};
    Schedule schedule{};                             ///< factor on the learning rates as training goes on
    float discount = defaults.discount;              ///< of one decision
    int n_step = defaults.n_step;                    ///< decisions whose rewards a target sums
    int learning_starts = defaults.learning_starts;  ///< steps of random actions before the first update
    int update_every = defaults.update_every;        ///< steps for each update of the critics
    int actor_every = defaults.actor_every;  ///< updates of the critics for each of the actor and the targets
    int batch = defaults.batch;              ///< transitions of an update
    int shards = defaults.shards;            ///< parts of a gradient; not the number of threads
    float max_gradient_norm = defaults.max_gradient_norm;  ///< 0: gradients are not clipped

    static void fields(auto& self, auto&& visit) {
      visit("objective", self.objective);
      visit("optimizer", self.optimizer);
      visit("actor_optimizer", self.actor_optimizer);
      visit("initialization", self.initialization);
      visit("observations", self.observations);
      visit("buffer", self.buffer);
      visit("actor", self.actor);
      visit("exploration", self.exploration);
      visit("target", self.target);
      visit("shaping", self.shaping);
      visit("schedule", self.schedule);
      visit("discount", self.discount);
      visit("n_step", self.n_step);
      visit("learning_starts", self.learning_starts);
      visit("update_every", self.update_every);
      visit("actor_every", self.actor_every);
      visit("batch", self.batch);
      visit("shards", self.shards);
      visit("max_gradient_norm", self.max_gradient_norm);
    }
  };
};

/// An algorithm of an actor with a Q-critic, made of words. `With<...>` re-composes it by naming what
/// changes, in any order: `TD3::With<OrnsteinUhlenbeck, PrioritizedReplay>`.
template <class... Words>
struct ActorQ : ActorQSlots<Words...> {
  using word = word::Algorithm;
  using Slots = ActorQSlots<Words...>;
  using WordList = internal::List<Words...>;
  using Sentence = ActorQ;

  template <class... New>
  using With = typename internal::Rewrite<polis::ActorQ, internal::List<Words...>, New...>::type;

  /// Learns for the agents of the roles `Handled` of E: all of them, unless several algorithms share them
  /// out.
  template <class E, class Arch, class Handled = std::make_integer_sequence<int, role_count<E>>>
  using Learner = internal::Shaped<internal::ReplayLearner<Slots, E, Arch, Handled>, Slots, E, Handled>;
};

}  // namespace polis
