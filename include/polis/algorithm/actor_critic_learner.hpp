// The learner of the actor-critic sentence: its sets of weights, each learning from the rollouts of its
// agents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/on_policy_update.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>

namespace polis::internal {

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
    prepare(env, threads, {0, env.lanes()});
  }
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    for_each([&](auto& agents) { agents.prepare(env, threads, lanes); });
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
    const UpdateStatistics mean = statistics();
    mean.visit(visit);
    if constexpr (Slots::Magnet::attracts) visit("magnet_divergence", mean.divergence);
  }
  [[nodiscard]] UpdateStatistics statistics() const {
    UpdateStatistics mean;
    for_each([&](const auto& agents) { mean.add(agents.statistics()); });
    return mean;
  }

  /// As OnPolicyUpdate's, for every set of weights.
  void share(ActorCriticLearner& common, std::mutex& mutex) {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      const auto each = [&](auto& members, auto& theirs) {
        for (std::size_t i = 0; i < members.size(); ++i) members[i].share(theirs[i], mutex);
      };
      (each(std::get<R>(members_), std::get<R>(common.members_)), ...);
    }(std::make_index_sequence<std::tuple_size_v<Memory>>{});
  }
  void catch_up() {
    for_each([](auto& agents) { agents.catch_up(); });
  }

  /// Saves or restores the policies alone.
  void archive_policy(auto& a) {
    a.section("actor-critic policy");
    for_each([&](auto& agents) { agents.archive_policy(a); });
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

}  // namespace polis::internal
