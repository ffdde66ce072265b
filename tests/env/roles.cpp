// Roles: how agents are numbered, and how a joint action is read by number and by tag.
#include <doctest/doctest.h>

#include <concepts>
#include <type_traits>

#include <polis/env/roles.hpp>

namespace test_roles {

using namespace polis;

struct Buyer {};
struct Seller {};
struct Regulator {};

/// Three roles with spaces of their own. Roles need no more of an environment than its list.
struct Market {
  using Roles = polis::Roles<Role<Buyer, 3, Box<4>, Discrete<5>>, Role<Seller, 2, Box<2>, Box<2>>,
                             Role<Regulator, 1, Discrete<2>, Tuple<Discrete<2>, Box<1>>>>;
};

struct Team {
  static constexpr int agents = 4;
  using Observation = Box<2>;
  using Action = MultiDiscrete<2, 3>;
};

struct WithoutAction {
  static constexpr int agents = 4;
  using Observation = Box<2>;
};
struct ActionIsNoSpace : WithoutAction {
  using Action = int;
};

/// Where an environment names its roles, they count.
struct Both : Team {
  using Roles = polis::Roles<Role<Seller, 2, Box<2>, Box<2>>>;
};

template <class E>
concept HasRoles = requires { typename RolesOf<E>; };
static_assert(HasRoles<Market> && HasRoles<Team> && HasRoles<Both>);
static_assert(!HasRoles<WithoutAction> && !HasRoles<ActionIsNoSpace> && !HasRoles<int>);

static_assert(role_count<Market> == 3 && agent_count<Market> == 6);
static_assert(first_agent<Market, 0> == 0 && first_agent<Market, 1> == 3 && first_agent<Market, 2> == 5);
static_assert(role_index<Market, Buyer> == 0 && role_index<Market, Seller> == 1 &&
              role_index<Market, Regulator> == 2);
static_assert(role_index<Market, Agent> == role_count<Market>);
static_assert(std::same_as<RoleOf<Market, 1>::Tag, Seller> && RoleOf<Market, 1>::count == 2);
static_assert(std::same_as<RoleOf<Market, 2>::Observation, Discrete<2>>);

static_assert(role_count<Team> == 1 && agent_count<Team> == 4 && first_agent<Team, 0> == 0);
static_assert(std::same_as<RoleOf<Team, 0>::Tag, Agent> && role_index<Team, Agent> == 0);
static_assert(role_count<Both> == 1 && agent_count<Both> == 2);

template <class E>
concept IndexedByAgent = requires(Actions<E> actions) { actions[0]; };
static_assert(IndexedByAgent<Team> && !IndexedByAgent<Market>);
static_assert(std::is_trivially_copyable_v<Actions<Market>>);
static_assert(std::same_as<decltype(Actions<Market>{}.of(Buyer{})[0]), int&>);
static_assert(std::same_as<decltype(Actions<Market>{}.of(Seller{})[0]), Array<float, 2>&>);

TEST_CASE("env/roles: a joint action is read and written by role") {
  Actions<Market> actions{};
  for (int i = 0; i < 3; ++i) actions.of(Buyer{})[i] = i + 1;
  for (int i = 0; i < 2; ++i) actions.of(Seller{})[i] = {{static_cast<float>(i), -1.f}};
  actions.of(Regulator{})[0].get<1>()[0] = .5f;

  const Actions<Market>& read = actions;
  CHECK(read.of(Buyer{}) == Array<int, 3>{{1, 2, 3}});
  CHECK(read.of(Seller{})[0] == Array<float, 2>{{0, -1}});
  CHECK(read.of(Seller{})[1] == Array<float, 2>{{1, -1}});
  CHECK(read.of(Regulator{})[0].get<0>() == 0);
  CHECK(read.of(Regulator{})[0].get<1>()[0] == .5f);
}

TEST_CASE("env/roles: with one role the number of the agent is enough") {
  Actions<Team> actions{};
  actions[2] = {{1, 2}};
  const Actions<Team>& read = actions;
  CHECK(read[2] == Array<int, 2>{{1, 2}});
  CHECK(read.of(Agent{})[2] == Array<int, 2>{{1, 2}});
  CHECK(read[1] == Array<int, 2>{{0, 0}});
}

TEST_CASE("env/roles: roles whose actions are alike do not share them") {
  struct Twins {
    using Roles = polis::Roles<Role<Buyer, 2, Box<1>, Discrete<3>>, Role<Seller, 2, Box<1>, Discrete<3>>>;
  };
  Actions<Twins> actions{};
  actions.of(Buyer{})[1] = 1;
  actions.of(Seller{})[1] = 2;
  CHECK(actions.of(Buyer{})[1] == 1);
  CHECK(actions.of(Seller{})[1] == 2);
}

}  // namespace test_roles
