// The sets of weights of a learner: one for all agents that it handles, for each role, or for each agent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/core/fixed_array.hpp>

namespace polis::internal {

/// The first of some roles, as a list.
template <class RoleIndices>
struct FirstRole;
template <int First, int... Rest>
struct FirstRole<std::integer_sequence<int, First, Rest...>> {
  using type = std::integer_sequence<int, First>;
};

template <class Of, class RoleIndices>
struct MembersOf;
template <class Of, int... R>
struct MembersOf<Of, std::integer_sequence<int, R...>> {
  using type = std::tuple<FixedArray<typename Of::template Member<R>>...>;
  using Memory = std::tuple<FixedArray<typename Of::template Member<R>::Memory>...>;
};

/// What learners do with each of their sets of weights alike. `Of::Member<R>` acts and learns by one set, for
/// agents with the spaces of role R; `Sharing` says which agents have one in common.
template <class Of, class E, class Sharing, class Handled>
class WeightSets {
  static constexpr bool shared = std::is_same_v<Sharing, SharedParameters>;
  static constexpr bool separate = std::is_same_v<Sharing, SeparateParameters>;
  using RoleIndices = std::conditional_t<shared, typename FirstRole<Handled>::type, Handled>;
  using Members = MembersOf<Of, RoleIndices>;

 public:
  using Memory = typename Members::Memory;

  void act(LaneTile<E>& tile) {
    for_each([&](auto& agents) { agents.act(tile); });
  }
  void record(LaneTile<E>& tile) {
    for_each([&](auto& agents) { agents.record(tile); });
  }
  [[nodiscard]] int interval() const { return first().interval(); }
  [[nodiscard]] bool due(const Clock& clock) const { return first().due(clock); }
  template <class C>
  void update(BasicServices<C>& services) {
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

 protected:
  [[gnu::cold]] WeightSets(const auto& config, std::uint64_t seed)
      : members_(make_members(config, seed, RoleIndices{})) {}

  [[nodiscard]] const auto& first() const { return std::get<0>(members_).front(); }

  template <class F>
  void for_each(F&& f) {
    std::apply([&](auto&... members) { (each(members, f), ...); }, members_);
  }
  template <class F>
  void for_each(F&& f) const {
    std::apply([&](const auto&... members) { (each(members, f), ...); }, members_);
  }

  typename Members::type members_;

 private:
  template <int... R>
  [[gnu::cold]] static typename Members::type make_members(const auto& config, std::uint64_t seed,
                                                           std::integer_sequence<int, R...>) {
    return typename Members::type(make_role<R>(config, seed)...);
  }
  /// The sets of weights of role R; with shared parameters, the one of all roles.
  template <int R>
  [[gnu::cold]] static auto make_role(const auto& config, std::uint64_t seed) {
    using Member = typename Of::template Member<R>;
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

  static void each(auto& members, auto& f) {
    for (auto& agents : members) f(agents);
  }
};

}  // namespace polis::internal
