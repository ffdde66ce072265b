// The actor-critic sentence: PPO, A2C, REINFORCE, MAPPO and their kin differ in words, not in code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/on_policy_update.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/nn/schedule.hpp>
#include <polis/normalization/values.hpp>
#include <polis/policy/native.hpp>

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
    Schedule schedule{};                 ///< factor on the learning rate as training goes on
    int steps = defaults.steps;          ///< environment steps of each lane between two updates
    int epochs = defaults.epochs;        ///< passes over the rollout
    int minibatch = defaults.minibatch;  ///< samples of one optimizer step; 0: the whole rollout
    int segment = defaults.segment;      ///< time steps of a recurrent policy's training segment
    int shards = defaults.shards;  ///< parts of a gradient, summed in a fixed tree; not the number of threads
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

namespace internal {

template <class Slots, class E, class Arch, class RoleIndices>
struct MembersOf;
template <class Slots, class E, class Arch, int... R>
struct MembersOf<Slots, E, Arch, std::integer_sequence<int, R...>> {
  using type = std::tuple<FixedArray<OnPolicyUpdate<Slots, E, R, Arch>>...>;
  using Memory = std::tuple<FixedArray<typename OnPolicyUpdate<Slots, E, R, Arch>::Memory>...>;
};

/// The first of some roles, as a list.
template <class RoleIndices>
struct FirstRole;
template <int First, int... Rest>
struct FirstRole<std::integer_sequence<int, First, Rest...>> {
  using type = std::integer_sequence<int, First>;
};

/// The learner of a sentence for the agents of some roles of E: one set of weights for all of them, for each
/// role, or for each agent.
template <class Slots, class E, class Arch, class Handled>
class ActorCriticLearner {
  static constexpr bool shared = std::is_same_v<typename Slots::Sharing, SharedParameters>;
  static constexpr bool separate = std::is_same_v<typename Slots::Sharing, SeparateParameters>;
  using RoleIndices = std::conditional_t<shared, typename FirstRole<Handled>::type, Handled>;
  using Members = MembersOf<Slots, E, Arch, RoleIndices>;

 public:
  using Config = typename Slots::Config;
  using Memory = typename Members::Memory;

  [[gnu::cold]] ActorCriticLearner(const Config& config, std::uint64_t seed)
      : members_(make_members(checked(config), seed, RoleIndices{})) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    for_each([&](auto& agents) { agents.prepare(env, threads); });
  }
  void act(LaneTile<E>& tile) {
    for_each([&](auto& agents) { agents.act(tile); });
  }
  void record(LaneTile<E>& tile) {
    for_each([&](auto& agents) { agents.record(tile); });
  }
  [[nodiscard]] int interval() const { return first().interval(); }
  /// Lanes that begin their episodes alike; see ComparesLanes.
  [[nodiscard]] int group() const
    requires GroupEstimator<typename Slots::Returns>
  {
    return first().group();
  }
  [[nodiscard]] bool due(const Clock& clock) const { return first().due(clock); }
  void update(Services& services) {
    for_each([&](auto& agents) { agents.update(services); });
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const {
    return std::apply([lanes](const auto&... members) { return Memory(memories(members, lanes)...); },
                      members_);
  }
  void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      const auto each = [&](const auto& members, auto& memories) {
        for (std::size_t i = 0; i < members.size(); ++i) members[i].play(tile, memories[i], how);
      };
      (each(std::get<R>(members_), std::get<R>(memory)), ...);
    }(std::make_index_sequence<std::tuple_size_v<Memory>>{});
  }

  /// The sets of weights of the R-th role handled here, in the order of their agents.
  template <int R = 0>
  [[nodiscard]] auto& agents() {
    return std::get<R>(members_);
  }
  template <int R = 0>
  [[nodiscard]] const auto& agents() const {
    return std::get<R>(members_);
  }

  /// Losses and statistics of the last update, averaged over the sets of weights.
  void metrics(auto&& visit) const {
    UpdateStatistics mean;
    for_each([&](const auto& agents) { mean.add(agents.statistics()); });
    mean.visit(visit);
  }

  void archive(auto& a) {
    a.section("actor-critic");
    for_each([&](auto& agents) { a(agents); });
  }

 private:
  [[nodiscard]] const auto& first() const { return std::get<0>(members_).front(); }

  template <int... R>
  [[gnu::cold]] static typename Members::type make_members(const Config& config, std::uint64_t seed,
                                                           std::integer_sequence<int, R...>) {
    return typename Members::type(make_role<R>(config, seed)...);
  }
  /// The sets of weights of role R; with shared parameters, the one of all roles.
  template <int R>
  [[gnu::cold]] static auto make_role(const Config& config, std::uint64_t seed) {
    using Member = OnPolicyUpdate<Slots, E, R, Arch>;
    std::vector<int> agents;
    if constexpr (shared) {
      [&]<int... Each>(std::integer_sequence<int, Each...>) { (add_agents<Each>(agents), ...); }(Handled{});
    } else {
      add_agents<R>(agents);
    }
    if constexpr (separate) {
      return FixedArray<Member>(agents.size(),
                                [&](std::size_t i) { return Member(config, {agents[i]}, seed); });
    } else {
      return FixedArray<Member>(1, [&](std::size_t) { return Member(config, agents, seed); });
    }
  }
  template <int R>
  static void add_agents(std::vector<int>& agents) {
    for (int i = 0; i < RoleOf<E, R>::count; ++i) agents.push_back(first_agent<E, R> + i);
  }
  template <class Member>
  static auto memories(const FixedArray<Member>& members, int lanes) {
    return FixedArray<typename Member::Memory>(members.size(),
                                               [&](std::size_t i) { return members[i].memory(lanes); });
  }

  /// The same settings. Error: a size that would make a rollout, a pass or a minibatch empty.
  [[gnu::cold, gnu::noinline]] static const Config& checked(const Config& config) {
    const auto at_least = [](int least, int value, const char* key) {
      if (value >= least) return;
      throw Error("found " + std::to_string(value), std::string("algorithm.") + key,
                  "at least " + std::to_string(least));
    };
    at_least(1, config.steps, "steps"), at_least(1, config.epochs, "epochs");
    at_least(0, config.minibatch, "minibatch"), at_least(1, config.segment, "segment");
    at_least(1, config.shards, "shards");
    return config;
  }

  template <class F>
  void for_each(F&& f) {
    std::apply([&](auto&... members) { (each(members, f), ...); }, members_);
  }
  template <class F>
  void for_each(F&& f) const {
    std::apply([&](const auto&... members) { (each(members, f), ...); }, members_);
  }
  static void each(auto& members, auto& f) {
    for (auto& agents : members) f(agents);
  }

  typename Members::type members_;
};

}  // namespace internal

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
  using Learner = internal::ActorCriticLearner<Slots, E, Arch, Handled>;
};

}  // namespace polis
