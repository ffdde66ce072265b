// Together: one agent sees, does and earns what a team does.
#include <doctest/doctest.h>

#include <concepts>
#include <vector>

#include <polis/env/frame_stack.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/env/together.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/envs/particle/simple_spread.hpp>

#include "lane.hpp"

namespace test_together {

using namespace polis;
using namespace polis_test;

/// Three agents, of which one leaves when it does 2, and the first has to wait at odd times. Each sees its
/// number, what it did last, and the settings.
struct Crew {
  static constexpr int agents = 3;
  using Observation = Box<3>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  struct Config {
    float bonus = .5f;
    static void fields(auto& self, auto&& visit) { visit("bonus", self.bonus); }
  };
  int time = 0;
  Array<int, 3> did{};

  POLIS_HD void reset(auto&) {
    time = 0;
    did = {};
  }
  POLIS_HD void step(const auto& actions, auto& ctx) {
    ++time;
    for (int i = 0; i < agents; ++i) {
      did[i] = actions[i];
      ctx.reward(i) = static_cast<float>(actions[i]) + ctx.config().bonus;
      if (actions[i] == 2) ctx.terminate(i);
    }
  }
  POLIS_HD void observe(int agent, Row out, const auto& view) const {
    out[0] = static_cast<float>(1 + agent);
    out[1] = static_cast<float>(did[agent]);
    out[2] = view.config().bonus;
  }
  POLIS_HD bool acting(int agent) const { return agent > 0 || time % 2 == 0; }
  POLIS_HD void legal(int agent, Row mask) const {
    if (agent == 1) mask[0] = 0;
  }
};

struct Reach : Box<2> {
  static constexpr Array<float, 2> low{{-1, -2}};
  static constexpr float high = 3;
};
/// Two agents who are paid the sum of what they do.
struct Movers {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using State = Box<1>;
  using Action = Reach;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  float at = 0;

  POLIS_HD void reset(auto& ctx) { at = ctx.random.uniform(); }
  POLIS_HD void step(const auto& actions, auto& ctx) {
    at = actions[0][0] + 10 * actions[0][1] + 100 * actions[1][0] + 1000 * actions[1][1];
    ctx.reward_all(at + ctx.random.uniform());
  }
  POLIS_HD void observe(int, Row out) const { out[0] = at; }
  POLIS_HD void state(Row out) const { out[0] = at; }
};

static_assert(std::same_as<Together<Crew>::Action, MultiDiscrete<3, 3, 3>>);
static_assert(std::same_as<Together<Crew>::Observation, Box<9>> && agent_count<Together<Crew>> == 1);
static_assert(!HasTurns<Together<Crew>> && HasLegalActions<Together<Crew>> && !HasState<Together<Crew>>);
static_assert(Together<Movers>::Action::words == 4 && HasState<Together<Movers>>);
static_assert(Together<Movers>::Action::low[3] == -2 && Together<Movers>::Action::high[3] == 3);
static_assert(DeviceEnvironment<Together<Crew>> && DeviceEnvironment<FrameStack<Together<CueGame>, 2>>);
static_assert(!ActsTogether<Together<Crew>>);

using Numbers = std::vector<float>;

Numbers seen(const auto& lane) {
  Numbers numbers(std::remove_cvref_t<decltype(lane.env)>::Observation::words, -1.f);
  lane.env.observe(0, Row{numbers.data()}, lane.view());
  return numbers;
}

}  // namespace test_together

TEST_CASE("env/together: agents that wait, leave, and are paid on average") {
  using namespace test_together;
  Lane<Together<Crew>> lane;
  lane.reset();
  CHECK(seen(lane) == Numbers{1, 0, .5, 2, 0, .5, 3, 0, .5});
  Numbers mask(9, 1.f);
  lane.env.legal(0, Row{mask.data()});
  CHECK(mask == Numbers{1, 1, 1, 0, 1, 1, 1, 1, 1});
  Actions<Together<Crew>> actions{};
  actions[0] = {{1, 2, 1}};
  lane.step(actions);
  CHECK(lane.rewards[0] == doctest::Approx(5.5 / 3));
  CHECK(lane.episode == End::none);
  CHECK(seen(lane) == Numbers{1, 1, .5, 0, 0, 0, 3, 1, .5});
  mask.assign(9, 1.f);
  lane.env.legal(0, Row{mask.data()});
  CHECK(mask == Numbers{1, 0, 0, 1, 0, 0, 1, 1, 1});  // the first waits, the second is gone
  lane.step(actions);
  CHECK(lane.rewards[0] == doctest::Approx(3. / 3));  // what the second would be paid is nobody's
  CHECK(lane.env.env().did[1] == 0);
  actions[0] = {{2, 0, 2}};
  lane.step(actions);
  CHECK(lane.episode == End::terminated);  // nobody is left
  lane.reset();
  CHECK(seen(lane) == Numbers{1, 0, .5, 2, 0, .5, 3, 0, .5});
}

TEST_CASE("env/together: numbers within bounds, the same random numbers, the ends of E") {
  using namespace test_together;
  Lane<Together<Movers>> lane;
  Lane<Movers> apart;
  lane.reset();
  apart.reset();
  CHECK(seen(lane) == Numbers{apart.env.at, apart.env.at});
  Actions<Together<Movers>> actions{};
  actions[0] = {{1, 2, 3, 2.5}};
  lane.step(actions);
  Actions<Movers> each{};
  each[0] = {{1, 2}}, each[1] = {{3, 2.5}};
  apart.step(each);
  CHECK(lane.env.env().at == 2821);
  CHECK(lane.rewards[0] == apart.rewards[0]);
  float state = 0;
  lane.env.state(Row{&state}, lane.view());
  CHECK(state == 2821);

  Lane<Together<TimeLimit<Movers, 2>>> limited;
  limited.reset();
  limited.step({});
  CHECK(limited.episode == End::none);
  limited.step({});
  CHECK(limited.episode == End::truncated);
}

TEST_CASE("env/together: the same spread, by the team and together") {
  using namespace test_together;
  using Spread = SimpleSpread<particle::Original>;
  Lane<Spread> apart;
  Lane<Together<Spread>> lane;
  apart.reset();
  lane.reset();
  for (int step = 0; step < 10; ++step) {
    Actions<Spread> each{};
    Actions<Together<Spread>> actions{};
    for (int i = 0; i < agent_count<Spread>; ++i) each[i] = actions[0][i] = (step * 3 + i) % 5;
    apart.step(each);
    lane.step(actions);
    CHECK(lane.rewards[0] == doctest::Approx(apart.rewards[0]));
  }
}
