// Reference policies and optima: who has them, what wrappers hand on, and that they earn what is said of
// them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <polis/env/frame_stack.hpp>
#include <polis/env/reference.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/envs/classic/t_maze.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/envs/games/exact.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/envs/games/two_step_game.hpp>
#include <polis/envs/particle/simple_spread.hpp>

#include "lane.hpp"

namespace test_reference {

using namespace polis;
using polis_test::Lane;

/// Counts to a target; an action is a step of 0 to 4, and the episode pays 1 where it ends on the target.
struct Counter {
  static constexpr int agents = 1;
  struct Action : Box<1> {
    static constexpr float low = 0, high = 4;
  };
  using Observation = Box<1>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  struct Config {
    float target = 10;
  };
  float count = 0;

  void reset(auto&) { count = 0; }
  void step(const auto& actions, auto& ctx) {
    count += actions[0][0];
    if (count >= ctx.config().target) ctx.reward(0) = count == ctx.config().target ? 1.f : 0.f;
    if (count >= ctx.config().target) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = count; }

  static void references(const auto& view, auto&& visit) {
    const float first = view.config().target - 8;  // made once, for the settings
    visit("exact", [first](const Counter& env, const View<Counter>& own, Random&) {
      Actions<Counter> actions{};
      actions[0][0] = env.count == 0 ? first : math::min(4.f, own.config().target - env.count);
      return actions;
    });
    visit("hasty", [](const Counter&, const View<Counter>&, Random& random) {
      Actions<Counter> actions{};
      actions[0][0] = random.uniform(3.f, 4.f);
      return actions;
    });
  }
  static OptimalValue optimal_value(const auto&) { return {1}; }
};

using Stacked = FrameStack<TimeLimit<Counter, 9>, 2>;

static_assert(HasReferencePolicies<Counter> && HasOptimalValue<Counter>);
static_assert(KnowsReferencePolicies<Counter> && KnowsReferencePolicies<Stacked>);
static_assert(!HasReferencePolicies<Stacked> && !HasOptimalValue<Stacked>);
static_assert(!KnowsReferencePolicies<RescaledActions<Counter>>, "its actions mean something else");
static_assert(!KnowsReferencePolicies<TMaze<3>> && HasOptimalValue<TMaze<3>>);
static_assert(HasReferencePolicies<SimpleSpread<>> && !HasOptimalValue<SimpleSpread<>>);
static_assert(HasOptimalValue<ClimbingGame> && !HasOptimalValue<RockPaperScissors>,
              "a zero-sum game has no optimum of the mean");

template <class E, class Policy>
double play(const Policy& policy) {
  Lane<E> lane;
  double total = 0;
  Random random(7, 0, 0, 0, Purpose::test);
  lane.reset();
  while (lane.episode == End::none) {
    lane.step(policy(lane.env, lane.view(), random));
    total += static_cast<double>(lane.rewards[0]);
  }
  return total;
}

template <class E>
void check_counter() {
  std::vector<std::string> names;
  for_each_reference<E>(Lane<E>{}.view(), [&]<class Policy>(const char* name, const Policy& policy) {
    names.emplace_back(name);
    CHECK(play<E>(policy) == (names.back() == "exact" ? 1 : 0));
  });
  CHECK(names == std::vector<std::string>{"exact", "hasty"});
}

TEST_CASE("env/reference: policies play the environment, and its wrappers where actions stay what they are") {
  check_counter<Counter>();
  check_counter<Stacked>();
  int none = 0;
  for_each_reference<TMaze<3>>(Lane<TMaze<3>>{}.view(), [&](const char*, const auto&) { ++none; });
  CHECK(none == 0);
}

TEST_CASE("env/reference: the reference policy of simple_spread is the function of that name") {
  using Spread = SimpleSpread<particle::Revised>;
  Lane<Spread> lane;
  lane.reset();
  int policies = 0;
  for_each_reference<Spread>(lane.view(), [&](const std::string& name, const auto& policy) {
    ++policies;
    CHECK(name == "greedy_assignment");
    for (int step = 0; step < 25; ++step) {
      Random a(7, 0, 0, 0, Purpose::test), b = a;
      const Actions<Spread> actions = policy(lane.env, lane.view(), a);
      const Actions<Spread> expected = greedy_assignment(lane.env, b);
      for (int i = 0; i < 3; ++i) REQUIRE(actions[i] == expected[i]);
      lane.step(actions);
    }
  });
  CHECK(policies == 1);
}

TEST_CASE("env/reference: optima of small games") {
  const auto of = []<class E>(E) { return E::optimal_value(Lane<E>{}.view()).value; };
  CHECK(of(ClimbingGame{}) == 11);
  CHECK(of(MatrixGame<CoordinationPayoffs, 4>{}) == 8);
  CHECK(of(TwoStepGame{}) == 8);
  CHECK(of(CueGame{}) == 3);
  CHECK(of(TMaze<10>{}) == 4);
  CHECK(of(FrozenLake{}) == doctest::Approx(frozen_lake_optimum()).epsilon(1e-9));
  CHECK(of(Blackjack{}) == doctest::Approx(blackjack_optimum()).epsilon(1e-5));
  for_each_reference<FrozenLake>(Lane<FrozenLake>{}.view(), [](const std::string& name, const auto& policy) {
    CHECK(name == "careful");
    const auto greedy = [&](In<float> seen) {
      Lane<FrozenLake> lane;
      Random none;
      lane.env.cell = static_cast<int>(seen[0]);
      return certain<4>(policy(lane.env, lane.view(), none)[0]);
    };
    CHECK(frozen_lake_return(greedy) == doctest::Approx(14. / 17).epsilon(1e-9));
  });
  Lane<TMaze<10>> hurried;
  hurried.config.max_steps = 10;
  CHECK(TMaze<10>::optimal_value(hurried.view()).value == 0);
}

}  // namespace test_reference
