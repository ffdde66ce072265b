// The Q-learning sentence: DQN, IQL, VDN and QMIX differ in words, not in code.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/q_update.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/algorithm/target.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
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
  float max_gradient_norm = 10.f;
  bool double_q = true;
};

/// Where a sentence states none.
struct CommonQLearningDefaults {
  using word = word::Defaults;
  static constexpr QLearningDefaults values{};
};

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
  static constexpr QLearningDefaults defaults =
      internal::LastOfKind<word::Defaults, CommonQLearningDefaults, Words...>::type::values;

  /// How much of everything. Steps are the environment's, of all lanes together.
  struct Config {
    typename Objective::Config objective{};
    typename Optimizer::Config optimizer{};
    typename Initialization::Config initialization{};
    typename ObservationNormalization::Config observations{};
    typename Buffer::Config buffer{};
    typename Exploration::Config exploration{};
    typename Target::Config target{};
    Schedule schedule{};                             ///< factor on the learning rate as training goes on
    float discount = defaults.discount;              ///< of one decision
    int n_step = defaults.n_step;                    ///< decisions whose rewards a target sums
    int learning_starts = defaults.learning_starts;  ///< steps before the first update
    int update_every = defaults.update_every;        ///< steps for each update
    int batch = defaults.batch;                      ///< transitions of an update
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
      visit("schedule", self.schedule);
      visit("discount", self.discount);
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

namespace internal {

/// Agents with one set of weights, and their roles: all that are handled, one role's, or one agent.
template <class Slots, class E, class Handled>
struct QTeams;
template <class Slots, class E, int First, int... Rest>
struct QTeams<Slots, E, std::integer_sequence<int, First, Rest...>> {
  static constexpr bool shared = std::is_same_v<typename Slots::Sharing, SharedParameters>;
  static constexpr bool separate = std::is_same_v<typename Slots::Sharing, SeparateParameters>;
  using RoleIndices = std::conditional_t<shared, std::integer_sequence<int, First>,
                                         std::integer_sequence<int, First, Rest...>>;
  /// Agents of a unit: one, or the team whose values are mixed.
  template <int R>
  static constexpr int width() {
    if constexpr (!Slots::Mixer::joint) {
      return 1;
    } else {
      return shared ? (RoleOf<E, First>::count + ... + RoleOf<E, Rest>::count) : RoleOf<E, R>::count;
    }
  }
};

template <class Slots, class E, class Arch, class Teams, class RoleIndices>
struct QMembers;
template <class Slots, class E, class Arch, class Teams, int... R>
struct QMembers<Slots, E, Arch, Teams, std::integer_sequence<int, R...>> {
  template <int Role>
  using Member = QUpdate<Slots, E, Role, Teams::template width<Role>(), Arch>;
  using type = std::tuple<FixedArray<Member<R>>...>;
  using Memory = std::tuple<FixedArray<typename Member<R>::Memory>...>;
};

/// The learner of a sentence for the agents of some roles of E.
template <class Slots, class E, class Arch, class Handled>
class QLearningLearner {
  using Teams = QTeams<Slots, E, Handled>;
  using RoleIndices = typename Teams::RoleIndices;
  using Members = QMembers<Slots, E, Arch, Teams, RoleIndices>;

 public:
  using Config = typename Slots::Config;
  using Memory = typename Members::Memory;

  [[gnu::cold]] QLearningLearner(const Config& config, std::uint64_t seed)
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
  [[nodiscard]] int interval() const { return std::get<0>(members_).front().interval(); }
  [[nodiscard]] bool due(const Clock& clock) const { return std::get<0>(members_).front().due(clock); }
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
  [[gnu::cold]] void metrics(auto&& visit) const {
    QStatistics mean;
    double count = 0;
    const auto each = [&](const auto& members) {
      for (const auto& agents : members) {
        const QStatistics& s = agents.statistics();
        ++count;
        mean.loss += (s.loss - mean.loss) / count, mean.value += (s.value - mean.value) / count;
        mean.gradient_norm += (s.gradient_norm - mean.gradient_norm) / count;
        mean.learning_rate = s.learning_rate, mean.exploration = s.exploration;
      }
    };
    std::apply([&](const auto&... members) { (each(members), ...); }, members_);
    mean.visit(visit);
  }

  [[gnu::cold]] void archive(auto& a) {
    a.section("q-learning");
    for_each([&](auto& agents) { a(agents); });
  }

 private:
  template <int... R>
  [[gnu::cold]] static typename Members::type make_members(const Config& config, std::uint64_t seed,
                                                           std::integer_sequence<int, R...>) {
    return typename Members::type(make_role<R>(config, seed)...);
  }
  template <int R>
  [[gnu::cold]] static auto make_role(const Config& config, std::uint64_t seed) {
    using Member = typename Members::template Member<R>;
    std::vector<int> agents;
    if constexpr (Teams::shared) {
      [&]<int... Each>(std::integer_sequence<int, Each...>) { (add_agents<Each>(agents), ...); }(Handled{});
    } else {
      add_agents<R>(agents);
    }
    if constexpr (Teams::separate) {
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

  /// The same settings. Error: a size that would make a sample or an interval empty.
  [[gnu::cold, gnu::noinline]] static const Config& checked(const Config& config) {
    const auto at_least = [](int least, int value, const char* key) {
      if (value >= least) return;
      throw Error("found " + std::to_string(value), std::string("algorithm.") + key,
                  "at least " + std::to_string(least));
    };
    at_least(1, config.n_step, "n_step"), at_least(0, config.learning_starts, "learning_starts");
    at_least(1, config.update_every, "update_every"), at_least(1, config.batch, "batch");
    at_least(1, config.shards, "shards"), at_least(1, config.buffer.capacity, "buffer.capacity");
    if constexpr (requires { config.target.every; }) at_least(1, config.target.every, "target.every");
    return config;
  }

  template <class F>
  void for_each(F&& f) {
    const auto each = [&f](auto& members) {
      for (auto& agents : members) f(agents);
    };
    std::apply([&](auto&... members) { (each(members), ...); }, members_);
  }

  typename Members::type members_;
};

}  // namespace internal

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
  using Learner = internal::QLearningLearner<Slots, E, Arch, Handled>;
};

}  // namespace polis
