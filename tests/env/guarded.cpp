// Guarded: what a rule forbids is not done, and every intervention is counted and paid for.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/env/guarded.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/time_limit.hpp>

#include "lane.hpp"

namespace test_guarded {

using namespace polis;
using polis_test::Lane;

struct Gear : Box<1> {
  static constexpr float low = -1, high = 1;
};

/// Two cars on a line, one of which waits every third step; each is paid for where it stands, and out beyond
/// the edge at 10.
template <RewardStructure structure>
struct Cars {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using State = Box<2>;
  using Action = Gear;
  static constexpr RewardStructure rewards = structure;
  float at[2] = {};
  int steps = 0;

  POLIS_HD void reset(auto&) { *this = {}; }
  POLIS_HD void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < 2; ++i) {
      if (acting(i)) at[i] += 3 * actions[i][0];
    }
    for (int i = 0; i < 2; ++i) {
      ctx.reward(i) = structure == RewardStructure::shared ? at[0] + at[1] : at[i];
      if (at[i] > 10) ctx.terminate(i);
    }
    ++steps;
  }
  POLIS_HD void observe(int agent, Row out) const { out[0] = at[agent]; }
  POLIS_HD void state(Row out) const { out[0] = at[0], out[1] = at[1]; }
  POLIS_HD bool acting(int agent) const { return agent == 0 || steps % 3 != 2; }
  POLIS_HD float counterfactual(int agent) const { return at[1 - agent]; }
  void reward_components(int agent, auto&& visit) const { visit("place", at[agent]); }
  void metrics(auto&& visit) const { visit("steps", static_cast<double>(steps)); }
};
using Own = Cars<RewardStructure::general_sum>;
using Team = Cars<RewardStructure::shared>;

/// The first car keeps below 5, the second may do as it likes.
struct Brakes {
  template <class Car>
  POLIS_HD static bool allows(const Car& cars, int agent, const Array<float, 1>& action, const View<Car>&) {
    return agent == 1 || cars.at[0] + 3 * action[0] <= 5;
  }
  template <class Car>
  POLIS_HD static Array<float, 1> instead(const Car&, int, const Array<float, 1>&, const View<Car>&) {
    return {{-.5f}};
  }
};
struct NoRule {};

static_assert(SafetyRule<Brakes, Own> && !SafetyRule<NoRule, Own>);
using Safe = Guarded<Own, Brakes>;
static_assert(DeviceEnvironment<Safe> && HasState<Safe> && HasTurns<Safe> && HasMetrics<Safe> &&
              HasCounterfactual<Safe> && HasRewardComponents<Safe>);
static_assert(HasMetrics<TimeLimit<Safe, 9>>);

template <class E>
Actions<E> drive(float first, float second) {
  Actions<E> actions{};
  actions[0] = {{first}}, actions[1] = {{second}};
  return actions;
}

TEST_CASE("env/guarded: what the rule forbids is replaced, what it allows goes through, both are counted") {
  Lane<Safe> lane;
  lane.reset();
  lane.step(drive<Safe>(1, 1));
  CHECK((lane.env.env().at[0] == 3 && lane.env.env().at[1] == 3));
  lane.step(drive<Safe>(1, 1));  // to 6: not allowed
  CHECK((lane.env.env().at[0] == 1.5f && lane.env.env().at[1] == 6));
  lane.step(drive<Safe>(1, 1));  // the second car waits
  CHECK((lane.env.env().at[0] == 4.5f && lane.env.env().at[1] == 6));
  lane.step(drive<Safe>(1, 1));
  lane.step(drive<Safe>(1, 1));  // the second car is out at 12
  CHECK(lane.ends[1] == End::terminated);
  lane.step(drive<Safe>(1, 1));
  CHECK(lane.env.interventions(0) == 3);  // at 3, at 4.5, and at 3 again
  CHECK(lane.env.interventions(1) == 0);
  std::vector<std::string> names;
  std::vector<double> values;
  lane.env.metrics([&](const char* name, double value) { names.push_back(name), values.push_back(value); });
  CHECK(names == std::vector<std::string>{"steps", "interventions", "intervention_share"});
  CHECK(values[1] == 3);
  CHECK(values[2] == doctest::Approx(3. / 10));  // six decisions of the first car, four of the second
  lane.reset();
  CHECK(lane.env.interventions(0) == 0);
}

TEST_CASE("env/guarded: an intervention has its price, a team's is paid by all of it") {
  Lane<Guarded<Own, Brakes, 250>> own;
  Lane<Guarded<Team, Brakes, 250>> team;
  own.reset(), team.reset();
  for (int step = 0; step < 2; ++step) {
    own.step(drive<Guarded<Own, Brakes, 250>>(1, 1));
    team.step(drive<Guarded<Team, Brakes, 250>>(1, 1));
  }
  CHECK(own.rewards == Array<float, 2>{{1.5f - .25f, 6}});
  CHECK(team.rewards[0] == 7.5f - .25f);
  CHECK(team.rewards[1] == 7.5f - .25f);
  CHECK(own.env.counterfactual(0, own.view()) == 6);
  CHECK(own.env.counterfactual(1, own.view()) == 1.5f - .25f);
  double sum = 0;
  own.env.reward_components(0, [&](const char*, float value) { sum += static_cast<double>(value); });
  CHECK(sum == static_cast<double>(own.rewards[0]));
}

TEST_CASE("env/guarded: no play whatever breaks the rule") {
  MultiAgentEnv<TimeLimit<Safe, 40>> env(8, 5);
  env.reset();
  int interventions = 0;
  for (std::uint32_t step = 0; step < 400; ++step) {
    for (int lane = 0; lane < env.lanes(); ++lane) {
      Random random(3, step, static_cast<std::uint32_t>(lane), 0, Purpose::action);
      Actions<TimeLimit<Safe, 40>> actions{};
      actions[0] = {{random.uniform(-.5f, 1)}}, actions[1] = {{random.uniform(-1, 1)}};
      env.advance(lane, actions);
      CHECK(env.lane(lane).env().env().at[0] <= 5);
      if (env.over(lane)) interventions += env.lane(lane).env().interventions(0);
      env.renew(lane, env.default_tasks());
    }
  }
  CHECK(interventions > 100);
}

}  // namespace test_guarded
