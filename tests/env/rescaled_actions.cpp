// RescaledActions maps [-1, 1] to the bounds of a Box, wherever in an action it stands.
#include <doctest/doctest.h>

#include <concepts>

#include <polis/env/multi_agent_env.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/envs/classic/pendulum.hpp>

#include "lane.hpp"

namespace test_rescaled_actions {

using namespace polis;
using polis_test::Lane;

struct Bid : Box<2> {
  static constexpr Array<float, 2> low{{0, -3}}, high{{10, -1}};
};
struct Level : Box<1> {
  static constexpr float low = -2, high = 2;
};

struct Trader {};
struct Broker {};
struct Idle {};

/// Remembers what was done in it.
struct Exchange {
  using Order = Tuple<Discrete<3>, Bid, Box<1>, Tuple<Level, Simplex<2>>>;
  using Roles = polis::Roles<Role<Trader, 2, Box<1>, Order>, Role<Broker, 1, Box<1>, Level>,
                             Role<Idle, 1, Box<1>, MultiDiscrete<2, 3>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  Actions<Exchange> done{};

  void reset(auto&) { done = {}; }
  void step(const Actions<Exchange>& actions, auto&) { done = actions; }
  void observe(int, Row out) const { out[0] = 0; }
};

struct Unbounded : Exchange {
  using Roles = polis::Roles<Role<Idle, 1, Box<1>, Tuple<Box<3>, Discrete<3>>>>;
};
static_assert(HasBoundedActions<Exchange> && !HasBoundedActions<Unbounded>);

using Unit = RescaledActions<Exchange>;
static_assert(Environment<Unit> && DeviceEnvironment<Unit>);
static_assert(std::same_as<RoleOf<Unit, 0>::Action,
                           Tuple<Discrete<3>, UnitBox<2>, Box<1>, Tuple<UnitBox<1>, Simplex<2>>>>);
static_assert(std::same_as<RoleOf<Unit, 1>::Action, UnitBox<1>> &&
              std::same_as<RoleOf<Unit, 2>::Action, MultiDiscrete<2, 3>>);
static_assert(BoundedSpace<UnitBox<2>> && UnitBox<2>::low == -1 && UnitBox<2>::high == 1);

TEST_CASE("env/rescaled_actions: boxes with bounds are mapped, also within tuples; all else stays") {
  Lane<Unit> lane;
  lane.reset();
  Actions<Unit> actions{};
  auto& order = actions.of(Trader{})[1];
  order.get<0>() = 2;
  order.get<1>() = {{.5f, -.5f}};
  order.get<2>() = {{123.f}};
  order.get<3>().get<0>() = {{.25f}};
  order.get<3>().get<1>() = {{.25f, .75f}};
  actions.of(Broker{})[0][0] = -.75f;
  actions.of(Idle{})[0] = {{1, 2}};
  lane.step(actions);

  const Actions<Exchange>& done = lane.env.env().done;
  const auto& ordered = done.of(Trader{})[1];
  CHECK(ordered.get<0>() == 2);
  CHECK(ordered.get<1>() == Array<float, 2>{{7.5f, -2.5f}});
  CHECK(ordered.get<2>()[0] == 123.f);
  CHECK(ordered.get<3>().get<0>()[0] == .5f);
  CHECK(ordered.get<3>().get<1>() == Array<float, 2>{{.25f, .75f}});
  CHECK(done.of(Trader{})[0].get<1>() == Array<float, 2>{{5, -2}});
  CHECK(done.of(Broker{})[0][0] == -1.5f);
  CHECK(done.of(Idle{})[0] == Array<int, 2>{{1, 2}});
}

TEST_CASE("env/rescaled_actions: the ends are the bounds exactly, and nothing is beyond them") {
  Lane<Unit> lane;
  Actions<Unit> actions{};
  for (const float end : {1.f, 7.f}) {
    for (const float side : {-1.f, 1.f}) {
      actions.of(Trader{})[0].get<1>() = {{side * end, side * end}};
      lane.step(actions);
      const Array<float, 2> bound = side < 0 ? Bid::low : Bid::high;
      CHECK(lane.env.env().done.of(Trader{})[0].get<1>() == bound);
    }
  }
}

TEST_CASE("env/rescaled_actions: a rescaled pendulum is the normalized one") {
  MultiAgentEnv<RescaledActions<Pendulum>> rescaled(4, 3);
  MultiAgentEnv<NormalizedPendulum> normalized(4, 3);
  rescaled.reset();
  normalized.reset();
  for (int step = 0; step < 50; ++step) {
    for (int lane = 0; lane < 4; ++lane) {
      Random random(5, static_cast<std::uint64_t>(step), static_cast<std::uint32_t>(lane), 0, Purpose::test);
      const float torque = random.uniform(-1.5f, 1.5f);
      Actions<RescaledActions<Pendulum>> first{};
      Actions<NormalizedPendulum> second{};
      rescaled.set_action(first, 0, In<float>{&torque});
      normalized.set_action(second, 0, In<float>{&torque});
      rescaled.advance(lane, first);
      normalized.advance(lane, second);
      REQUIRE(rescaled.reward(lane, 0) == doctest::Approx(normalized.reward(lane, 0)).epsilon(1e-5));
    }
  }
}

}  // namespace test_rescaled_actions
