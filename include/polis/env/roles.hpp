// Agents and roles: which agents an environment has, and the spaces of each.
//
// Agents are numbered 0 to agent_count<E>-1. They fall into roles: a role is a tag type with a number of
// agents and their spaces. An environment whose agents are alike needs no tag: it states `agents`,
// `Observation` and `Action`.
#pragma once

#include <concepts>
#include <type_traits>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// One role: `Count` agents that see `ObservationSpace` and act in `ActionSpace`. `Tag` is any type of the
/// user's.
template <class TagType, int Count, Space ObservationSpace, Space ActionSpace>
struct Role {
  static_assert(Count > 0);
  using Tag = TagType;
  using Observation = ObservationSpace;
  using Action = ActionSpace;
  static constexpr int count = Count;
};

/// The roles of an environment, in the order in which its agents are numbered.
template <class... R>
struct Roles {
  static constexpr int size = sizeof...(R);
  static constexpr int agents = (R::count + ... + 0);
};

/// The tag of the one role of an environment that names none.
struct Agent {};

namespace internal {

template <class E>
concept NamesItsRoles = requires { typename E::Roles; };

template <class E>
concept HasOneRole = requires {
  { E::agents } -> std::convertible_to<int>;
  requires Space<typename E::Observation>;
  requires Space<typename E::Action>;
};

template <class E>
struct RolesOf {};
template <NamesItsRoles E>
struct RolesOf<E> {
  using type = typename E::Roles;
};
template <HasOneRole E>
  requires(!NamesItsRoles<E>)
struct RolesOf<E> {
  using type = Roles<Role<Agent, E::agents, typename E::Observation, typename E::Action>>;
};

template <int I, class List>
struct RoleAt;
template <int I, class First, class... Rest>
struct RoleAt<I, Roles<First, Rest...>> : RoleAt<I - 1, Roles<Rest...>> {};
template <class First, class... Rest>
struct RoleAt<0, Roles<First, Rest...>> {
  using type = First;
};

template <int I, class List>
constexpr int agents_before() {
  if constexpr (I == 0) {
    return 0;
  } else {
    return RoleAt<I - 1, List>::type::count + agents_before<I - 1, List>();
  }
}

template <class Tag, class List>
struct RoleIndex;
template <class Tag, class First, class... Rest>
struct RoleIndex<Tag, Roles<First, Rest...>> {
  static constexpr int value =
      std::is_same_v<Tag, typename First::Tag> ? 0 : 1 + RoleIndex<Tag, Roles<Rest...>>::value;
};
template <class Tag>
struct RoleIndex<Tag, Roles<>> {
  static constexpr int value = 0;
};

}  // namespace internal

template <class E>
using RolesOf = typename internal::RolesOf<E>::type;

template <class E>
inline constexpr int role_count = RolesOf<E>::size;

template <class E>
inline constexpr int agent_count = RolesOf<E>::agents;

/// The I-th role of E, and the number of its first agent.
template <class E, int I>
using RoleOf = typename internal::RoleAt<I, RolesOf<E>>::type;

template <class E, int I>
inline constexpr int first_agent = internal::agents_before<I, RolesOf<E>>();

/// The position of the role with this tag; role_count<E> when there is none.
template <class E, class Tag>
inline constexpr int role_index = internal::RoleIndex<Tag, RolesOf<E>>::value;

namespace internal {

template <class R>
struct RoleActions {
  Array<typename R::Action::Element, R::count> values;
};

template <class List>
struct ActionsOf;
template <class... R>
struct ActionsOf<Roles<R...>> : RoleActions<R>... {};

}  // namespace internal

/// The joint action of one lane. `actions[i]` is agent i's where all agents share one role;
/// `actions.of(Tag{})[i]` is that of the i-th agent of a role.
template <class E>
struct Actions : internal::ActionsOf<RolesOf<E>> {
  template <class Tag>
  POLIS_HD constexpr auto& of(Tag) {
    return static_cast<internal::RoleActions<RoleOf<E, role_index<E, Tag>>>&>(*this).values;
  }
  template <class Tag>
  POLIS_HD constexpr const auto& of(Tag) const {
    return static_cast<const internal::RoleActions<RoleOf<E, role_index<E, Tag>>>&>(*this).values;
  }
  POLIS_HD constexpr auto& operator[](int agent)
    requires(role_count<E> == 1)
  {
    return of(typename RoleOf<E, 0>::Tag{})[agent];
  }
  POLIS_HD constexpr const auto& operator[](int agent) const
    requires(role_count<E> == 1)
  {
    return of(typename RoleOf<E, 0>::Tag{})[agent];
  }
};

}  // namespace polis
