// The learners from a replay as the trainer drives them: one set of weights for all of a team's agents, for
// each role, or for each agent.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>

namespace polis::internal {

/// Agents with one set of weights, and their roles: all that are handled, one role's, or one agent.
template <class Slots, class E, class Handled>
struct ReplayTeams;
template <class Slots, class E, int First, int... Rest>
struct ReplayTeams<Slots, E, std::integer_sequence<int, First, Rest...>> {
  static constexpr bool shared = std::is_same_v<typename Slots::Sharing, SharedParameters>;
  static constexpr bool separate = std::is_same_v<typename Slots::Sharing, SeparateParameters>;
  using RoleIndices = std::conditional_t<shared, std::integer_sequence<int, First>,
                                         std::integer_sequence<int, First, Rest...>>;
  /// Agents of a unit: one, or the team that learns from joint transitions.
  template <int R>
  static constexpr int width() {
    if constexpr (!Slots::joint) {
      return 1;
    } else {
      return shared ? (RoleOf<E, First>::count + ... + RoleOf<E, Rest>::count) : RoleOf<E, R>::count;
    }
  }
};

template <class Slots, class E, class Arch, class Teams, class RoleIndices>
struct ReplayMembers;
template <class Slots, class E, class Arch, class Teams, int... R>
struct ReplayMembers<Slots, E, Arch, Teams, std::integer_sequence<int, R...>> {
  template <int Role>
  using Member = typename Slots::template Member<E, Role, Teams::template width<Role>(), Arch>;
  using type = std::tuple<FixedArray<Member<R>>...>;
  using Memory = std::tuple<FixedArray<typename Member<R>::Memory>...>;
};

/// The learner of a sentence for the agents of some roles of E.
template <class Slots, class E, class Arch, class Handled>
class ReplayLearner {
  using Teams = ReplayTeams<Slots, E, Handled>;
  using RoleIndices = typename Teams::RoleIndices;
  using Members = ReplayMembers<Slots, E, Arch, Teams, RoleIndices>;

 public:
  using Config = typename Slots::Config;
  using Memory = typename Members::Memory;

  [[gnu::cold]] ReplayLearner(const Config& config, std::uint64_t seed)
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
    auto mean = std::remove_cvref_t<decltype(std::get<0>(members_).front().statistics())>();
    double count = 0;
    const auto each = [&](const auto& members) {
      for (const auto& agents : members) mean.average(agents.statistics(), ++count);
    };
    std::apply([&](const auto&... members) { (each(members), ...); }, members_);
    mean.visit(visit);
  }

  /// Saves or restores the policies alone.
  [[gnu::cold]] void archive_policy(auto& a) {
    a.section("policy from a replay");
    for_each([&](auto& agents) { agents.archive_policy(a); });
  }
  [[gnu::cold]] void archive(auto& a) {
    a.section(Slots::family);
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
    if constexpr (requires { config.buffer.longest; }) {
      at_least(1, config.buffer.longest, "buffer.longest");
      const float lambda = config.buffer.lambda;
      if (!(lambda >= 0 && lambda <= 1)) {
        throw Error("found " + std::to_string(lambda), "algorithm.buffer.lambda", "0 to 1");
      }
      if (config.n_step != 1) {
        throw Error("found " + std::to_string(config.n_step), "algorithm.n_step",
                    "1 with Episodes, whose targets reach further by buffer.lambda");
      }
    }
    if constexpr (requires { config.target.every; }) at_least(1, config.target.every, "target.every");
    if constexpr (requires { config.average.anticipatory; }) {
      at_least(1, config.average.capacity, "average.capacity");
      at_least(1, config.average.batch, "average.batch");
      if (!(config.average.anticipatory >= 0 && config.average.anticipatory <= 1)) {
        throw Error("found " + std::to_string(config.average.anticipatory), "algorithm.average.anticipatory",
                    "a probability, 0 to 1");
      }
    }
    if constexpr (requires { config.actor_every; }) at_least(1, config.actor_every, "actor_every");
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

}  // namespace polis::internal
