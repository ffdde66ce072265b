// FrameStack shows the last observations, oldest first, whatever the roles and spaces.
#include <doctest/doctest.h>

#include <concepts>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/env/frame_stack.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/time_limit.hpp>

#include "lane.hpp"
#include "market.hpp"

namespace test_frame_stack {

using namespace polis;
using namespace polis_test;

/// Two agents by turns who see their number and the time.
struct Turns {
  static constexpr int agents = 2;
  using Observation = Box<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int time = 0;

  void reset(auto&) { time = 10; }
  void step(const auto&, auto&) { ++time; }
  void observe(int agent, Row out) const {
    out[0] = static_cast<float>(agent);
    out[1] = static_cast<float>(time);
  }
  bool acting(int agent) const { return agent == time % 2; }
};

struct Left {};
struct Right {};

/// Roles whose observations are an index and a pair of an index and a number.
struct Mixed {
  using Roles = polis::Roles<Role<Left, 2, Discrete<9>, Discrete<2>>,
                             Role<Right, 1, Tuple<MultiDiscrete<9, 2>, Box<1>>, Discrete<2>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int time = 0;

  void reset(auto&) { time = 0; }
  void step(const auto&, auto&) { ++time; }
  void observe(Left, int index, Row out) const { out[0] = static_cast<float>(time + index); }
  void observe(Right, int, Row out) const {
    out[0] = static_cast<float>(time);
    out[1] = static_cast<float>(time % 2);
    out[2] = .5f;
  }
};

static_assert(std::same_as<Stacked<Box<3>, 4>, Box<12>> && std::same_as<Stacked<Price, 2>, Box<2>>);
static_assert(std::same_as<Stacked<Discrete<5>, 2>, Tuple<Discrete<5>, Discrete<5>>>);
static_assert(Stacked<Tuple<Discrete<5>, Box<1>>, 3>::features == 18);
using Both = FrameStack<Mixed, 2>;
static_assert(std::same_as<RoleOf<Both, 0>::Observation, Tuple<Discrete<9>, Discrete<9>>> &&
              RoleOf<Both, 1>::Observation::words == 6 && RoleOf<Both, 1>::Observation::features == 24);
static_assert(HasTurns<FrameStack<Turns, 3>> && agent_count<Both> == 3);

using Numbers = std::vector<float>;

template <int R, class E>
Numbers seen(const Lane<E>& lane, int index) {
  Numbers numbers(RoleOf<E, R>::Observation::words, -1.f);
  internal::observe<R>(lane.env, index, Row{numbers.data()}, lane.view());
  return numbers;
}

TEST_CASE("env/frame_stack: the oldest frame comes first, and the first one fills the stack") {
  Lane<FrameStack<Turns, 3>> lane;
  for (int episode = 0; episode < 2; ++episode) {
    lane.reset();
    CHECK(seen<0>(lane, 0) == Numbers{0, 10, 0, 10, 0, 10});
    lane.step({});
    CHECK(seen<0>(lane, 1) == Numbers{1, 10, 1, 10, 1, 11});
    lane.step({});
    CHECK(seen<0>(lane, 0) == Numbers{0, 10, 0, 11, 0, 12});
    lane.step({});
    lane.step({});
    CHECK(seen<0>(lane, 1) == Numbers{1, 12, 1, 13, 1, 14});
    CHECK_FALSE(lane.env.acting(1));
    Numbers by_number(6);
    lane.env.observe(1, Row{by_number.data()});
    CHECK(by_number == seen<0>(lane, 1));
  }
}

TEST_CASE("env/frame_stack: a stack of one is the environment itself, and stacks nest") {
  Lane<FrameStack<Turns, 1>> one;
  Lane<FrameStack<FrameStack<Turns, 2>, 2>> nested;
  one.reset();
  nested.reset();
  for (int step = 0; step < 3; ++step) {
    one.step({});
    nested.step({});
  }
  CHECK(seen<0>(one, 1) == Numbers{1, 13});
  CHECK(seen<0>(nested, 0) == Numbers{0, 11, 0, 12, 0, 12, 0, 13});
}

TEST_CASE("env/frame_stack: every role has its stack, also of indices and tuples") {
  Lane<Both> lane;
  lane.reset();
  for (int step = 0; step < 3; ++step) lane.step({});
  CHECK(seen<0>(lane, 0) == Numbers{2, 3});
  CHECK(seen<0>(lane, 1) == Numbers{3, 4});
  CHECK(seen<1>(lane, 0) == Numbers{2, 0, .5f, 3, 1, .5f});
}

TEST_CASE("env/frame_stack: what an observation takes from task and data is stacked as it was seen") {
  const float price = 1;
  Lane<FrameStack<Market, 2>> lane;
  lane.data.prices = &price;
  lane.task.demand = 8;
  lane.reset();
  lane.task.demand = 9;
  lane.step({});
  CHECK(seen<0>(lane, 1) == Numbers{1, 8, 1, 9});
}

TEST_CASE("env/frame_stack: a batch keeps the final stack of an episode and starts the next one anew") {
  using E = FrameStack<TimeLimit<Turns, 2>, 2>;
  MultiAgentEnv<E> batch(3, 1);
  batch.reset();
  const std::vector<Actions<E>> actions(3);
  batch.step(actions);
  batch.step(actions);
  REQUIRE(batch.end(2, 1) == End::truncated);
  const auto last = batch.final_observation(2, 1);
  CHECK(Numbers(last.begin(), last.end()) == Numbers{1, 11, 1, 12});
  Numbers first(4);
  batch.observe(2, 1, Row{first.data()});
  CHECK(first == Numbers{1, 10, 1, 10});
}

TEST_CASE("env/frame_stack: the frames are saved with an environment that archives itself") {
  Lane<FrameStack<Diary, 3>> first, second;
  first.reset();
  for (int step = 0; step < 4; ++step) first.step({});
  ArchiveWriter writer;
  writer(first.env);
  ArchiveReader reader(writer.bytes());
  reader(second.env);
  CHECK(seen<0>(second, 0) == Numbers{2, 3, 4});
  second.step({});
  CHECK(seen<0>(second, 0) == Numbers{3, 4, 5});
}

}  // namespace test_frame_stack
