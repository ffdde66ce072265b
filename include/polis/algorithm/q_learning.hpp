// The Q-learning sentence: DQN, IQL, VDN and QMIX differ in words, not in code.
#pragma once

#include <utility>

#include <polis/algorithm/average_policy.hpp>
#include <polis/algorithm/q_update.hpp>
#include <polis/algorithm/replay_learner.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/shaped_learner.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/algorithm/target.hpp>
#include <polis/mixer/mixer.hpp>
#include <polis/nn/schedule.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/objective/td_loss.hpp>
#include <polis/policy/native.hpp>

namespace polis {

/// The values of a sentence that are no word's own; as ActorCriticDefaults.
struct QLearningDefaults {
  int n_step = 1;
  int learning_starts = 1'000;
  int update_every = 4;
  int batch = 32;
  int shards = 8;
  float discount = .99f;
  float reward_scale = 1.f;
  float max_gradient_norm = 10.f;
  bool double_q = true;
};

/// Where a sentence states none.
struct CommonQLearningDefaults {
  using word = word::Defaults;
  static constexpr QLearningDefaults values{};
};

namespace internal {

/// One set of weights, with an average policy or without.
template <bool averages, class Slots, class E, int R, int Width, class Arch>
struct QMember {
  using type = QUpdate<Slots, E, R, Width, Arch>;
};
template <class Slots, class E, int R, int Width, class Arch>
struct QMember<true, Slots, E, R, Width, Arch> {
  using type = AverageUpdate<Slots, E, R, Width, Arch>;
};

}  // namespace internal

/// The words of a Q-learning sentence by slot, and the values that go with them.
template <class... Words>
struct QLearningSlots {
  using Network = internal::slot<word::Network, Words...>;
  using Activation = internal::slot<word::Activation, Words...>;
  using Initialization = internal::slot<word::Initialization, Words...>;
  using Objective = internal::slot<word::Objective, Words...>;
  using Mixer = typename internal::LastOfKind<word::Mixer, Independent, Words...>::type;
  using Buffer = internal::slot<word::Buffer, Words...>;
  using Exploration = internal::slot<word::Exploration, Words...>;
  using Target = internal::slot<word::Target, Words...>;
  using Optimizer = internal::slot<word::Optimizer, Words...>;
  using Sharing = typename internal::LastOfKind<word::Sharing, PerRoleParameters, Words...>::type;
  using ObservationNormalization =
      typename internal::LastOfKind<word::ObservationNormalization, RawObservations, Words...>::type;
  using AgentIds = typename internal::LastOfKind<word::AgentIds, NoAgentIds, Words...>::type;
  using Shaping = typename internal::LastOfKind<word::Shaping, NoShaping, Words...>::type;
  using Average = typename internal::LastOfKind<word::Average, NoAverage, Words...>::type;
  /// The agents of a team learn from joint transitions, and from the one reward that they share.
  static constexpr bool joint = Mixer::joint, each_reward = false, learns_by_masks = false;
  static constexpr const char* family = "q-learning";
  static constexpr QLearningDefaults defaults =
      internal::LastOfKind<word::Defaults, CommonQLearningDefaults, Words...>::type::values;

  /// Floats and features of the state that the mixer sees; 0 where it sees none.
  template <class E>
  static constexpr int state_words() {
    if constexpr (Mixer::needs_state) {
      return E::State::words;
    } else {
      return 0;
    }
  }
  template <class E>
  static constexpr int state_features() {
    if constexpr (Mixer::needs_state) {
      return E::State::features;
    } else {
      return 0;
    }
  }
  /// One set of weights, with what it remembers and learns.
  template <class E, int R, int Width, class Arch>
  using Member = typename internal::QMember<Average::averages, QLearningSlots, E, R, Width, Arch>::type;

  /// How much of everything. Steps are the environment's, of all lanes together.
  struct Config {
    typename Objective::Config objective{};
    typename Optimizer::Config optimizer{};
    typename Initialization::Config initialization{};
    typename ObservationNormalization::Config observations{};
    typename Buffer::Config buffer{};
    typename Exploration::Config exploration{};
    typename Target::Config target{};
    typename Average::Config average{};
    typename Shaping::Config shaping{};
    Schedule schedule{};                         ///< factor on the learning rate as training goes on
    float discount = defaults.discount;          ///< of one decision
    float reward_scale = defaults.reward_scale;  ///< factor on rewards before they are learnt from
    int n_step = defaults.n_step;                ///< decisions whose rewards a target sums; with Episodes 1
    int learning_starts = defaults.learning_starts;  ///< steps before the first update
    int update_every = defaults.update_every;        ///< steps for each update; with Episodes, episodes
    int batch = defaults.batch;                      ///< transitions of an update; with Episodes, episodes
    int shards = defaults.shards;                    ///< parts of a gradient; not the number of threads
    float max_gradient_norm = defaults.max_gradient_norm;  ///< 0: gradients are not clipped
    /// The network chooses the next action and the target network values it; otherwise the latter does both.
    bool double_q = defaults.double_q;

    static void fields(auto& self, auto&& visit) {
      visit("objective", self.objective);
      visit("optimizer", self.optimizer);
      visit("initialization", self.initialization);
      visit("observations", self.observations);
      visit("buffer", self.buffer);
      visit("exploration", self.exploration);
      visit("target", self.target);
      visit("average", self.average);
      visit("shaping", self.shaping);
      visit("schedule", self.schedule);
      visit("discount", self.discount);
      visit("reward_scale", self.reward_scale);
      visit("n_step", self.n_step);
      visit("learning_starts", self.learning_starts);
      visit("update_every", self.update_every);
      visit("batch", self.batch);
      visit("shards", self.shards);
      visit("max_gradient_norm", self.max_gradient_norm);
      visit("double_q", self.double_q);
    }
  };
};

/// A Q-learning algorithm, made of words. `With<...>` re-composes it by naming what changes, in any order:
/// `DQN::With<Dueling<Mlp<120, 84>>, SoftTarget>`.
template <class... Words>
struct QLearning : QLearningSlots<Words...> {
  using word = word::Algorithm;
  using Slots = QLearningSlots<Words...>;
  using WordList = internal::List<Words...>;
  using Sentence = QLearning;

  template <class... New>
  using With = typename internal::Rewrite<polis::QLearning, internal::List<Words...>, New...>::type;

  /// Learns for the agents of the roles `Handled` of E: all of them, unless several algorithms share them
  /// out.
  template <class E, class Arch, class Handled = std::make_integer_sequence<int, role_count<E>>>
  using Learner = internal::Shaped<internal::ReplayLearner<Slots, E, Arch, Handled>, Slots, E, Handled>;
};

}  // namespace polis
