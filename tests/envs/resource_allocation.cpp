// Shared resources: the order of events against a second account of it, what rules grant, what is the best
// there is, and how needs, priorities and capacities move.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/allocation/resource_allocation.hpp>

#include "../env/lane.hpp"

namespace test_resource_allocation {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

using Proportional = ResourceAllocation;
using MaxMin = BasicResourceAllocation<AllocationSpec{.rule = AllocationRule::max_min}>;
using ByPriority = BasicResourceAllocation<AllocationSpec{.rule = AllocationRule::priority}>;
using One = BasicResourceAllocation<AllocationSpec{.agents = 3, .resources = 1}>;
using Twenty = BasicResourceAllocation<AllocationSpec{.agents = 20, .resources = 3}>;

static_assert(DeviceEnvironment<ResourceAllocation> && HasState<ResourceAllocation> &&
              HasMetrics<ResourceAllocation> && HasStages<ResourceAllocation> &&
              StatesSuccess<ResourceAllocation> && HasTurns<ResourceAllocation>);
static_assert(HasReferencePolicies<ResourceAllocation> && HasOptimalValue<ResourceAllocation>);
static_assert(fields_complete<ResourceAllocation::Config>() && fields_complete<ResourceAllocation::Task>());

template <class E>
Actions<E> any_requests(Random& random) {
  Actions<E> actions{};
  for (int i = 0; i < E::agents; ++i) {
    for (int k = 0; k < E::resources; ++k) actions[i][k] = random.uniform(0.f, 2.f);
  }
  return actions;
}

TEST_CASE_TEMPLATE("envs/resource_allocation: periods are paid as their rules say", E, Proportional, MaxMin,
                   ByPriority, Twenty) {
  Lane<E> lane;
  lane.config.periods = 200;
  lane.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  double efficiency_sum = 0, fairness_sum = 0;
  for (int t = 0; t < 200; ++t) {
    REQUIRE(lane.episode == End::none);
    const E before = lane.env;
    const auto actions = any_requests<E>(random);
    lane.step(actions);
    double met[E::agents] = {};
    for (int k = 0; k < E::resources; ++k) {
      double asked = 0, given = 0;
      const auto capacity = static_cast<double>(before.capacity[k]);
      for (int i = 0; i < E::agents; ++i) {
        const auto request = static_cast<double>(actions[i][k]);
        const auto grant = static_cast<double>(lane.env.granted[k][i]);
        asked += request, given += grant;
        REQUIRE(grant <= request + 1e-5);
        met[i] += std::min(1., grant / static_cast<double>(before.needs[k][i])) / E::resources;
      }
      REQUIRE(given == Approx(std::min(asked, capacity)));
      REQUIRE(lane.env.asked[k] == Approx(asked / capacity));
    }
    double weighted = 0, weight = 0, total = 0, differences = 0;
    for (int i = 0; i < E::agents; ++i) {
      REQUIRE(lane.env.satisfaction[i] == Approx(met[i]).epsilon(1e-4));
      weighted += static_cast<double>(before.priority[i]) * met[i];
      weight += static_cast<double>(before.priority[i]);
      total += met[i];
      for (const double other : met) differences += std::abs(met[i] - other);
    }
    const double fairness = 1 - differences / (2 * E::agents * total);
    efficiency_sum += weighted / weight, fairness_sum += fairness;
    for (const float reward : lane.rewards) {
      REQUIRE(reward == Approx(.7 * weighted / weight + .3 * fairness).epsilon(1e-4));
    }
    REQUIRE(weighted / weight <= static_cast<double>(before.best_efficiency()) + 1e-5);
  }
  CHECK(lane.episode == End::truncated);
  std::map<std::string, double> figures;
  lane.env.metrics([&](const char* name, double value) { figures[name] = value; });
  CHECK(figures["efficiency"] == Approx(efficiency_sum / 200).epsilon(1e-4));
  CHECK(figures["fairness"] == Approx(fairness_sum / 200).epsilon(1e-4));
  CHECK(figures["waste"] > .01);
  CHECK(figures["waste"] < .5);
}

TEST_CASE("envs/resource_allocation: what the rules grant") {
  const Proportional::Amounts asked{{1, 2, 2, 3}}, priority{{1, 2, 3, 2}};
  CHECK(Proportional::resolve(asked, priority, 4, 4) == Proportional::Amounts{{.5f, 1, 1, 1.5f}});
  CHECK(MaxMin::resolve(asked, priority, 4, 4) == Proportional::Amounts{{1, 1, 1, 1}});
  CHECK(MaxMin::resolve(asked, priority, 6, 4)[3] == Approx(5. / 3));
  CHECK(ByPriority::resolve(asked, priority, 5, 4) == Proportional::Amounts{{0, 2, 2, 1}});
  CHECK(ByPriority::resolve(asked, priority, 9, 4) == asked);
  CHECK(Proportional::resolve(asked, priority, 9, 4) == asked);
}

/// The mean reward, efficiency and fairness of a policy over many periods.
template <class E, class Policy>
std::map<std::string, double> play(Lane<E> lane, const Policy& policy) {
  lane.config.periods = 2000;
  Random random(7, 0, 0, 0, Purpose::test);
  double total = 0;
  lane.reset();
  while (lane.episode == End::none) {
    lane.step(policy(lane.env, lane.view(), random));
    total += static_cast<double>(lane.rewards[0]) / lane.config.periods;
  }
  std::map<std::string, double> figures{{"reward", total}};
  lane.env.metrics([&](const char* name, double value) { figures[name] = value; });
  return figures;
}

TEST_CASE("envs/resource_allocation: reference policies are what they are called") {
  std::map<std::string, std::map<std::string, double>> results;
  Lane<ResourceAllocation> lane;
  for_each_reference<ResourceAllocation>(
      lane.view(), [&](const char* name, const auto& policy) { results[name] = play(lane, policy); });
  REQUIRE(results.size() == 7);
  for (const auto& [name, figures] : results) {
    // No plan wastes anything but the one that does not look at needs; none is as efficient as `efficient` or
    // as fair as `proportional`, which meets the same part of all needs.
    if (name != "equal") CHECK(figures.at("waste") < 1e-5);
    CHECK(figures.at("fairness") <= results["proportional"].at("fairness") + 1e-6);
    if (name != "efficient") CHECK(figures.at("efficiency") < results["efficient"].at("efficiency"));
    CHECK(figures.at("reward") ==
          Approx(.7 * figures.at("efficiency") + .3 * figures.at("fairness")).epsilon(1e-4));
  }
  CHECK(results["proportional"].at("fairness") == Approx(1));
  CHECK(results["priority"].at("efficiency") > results["alpha_fair"].at("efficiency"));
  CHECK(results["equal"].at("waste") > .05);
  CHECK(results["alpha_fair"].at("efficiency") > results["max_min"].at("efficiency"));
  // Under the proportional rule to request one's needs is to be granted the same part of them.
  CHECK(results["truthful"].at("reward") == Approx(results["proportional"].at("reward")).epsilon(1e-5));
}

TEST_CASE("envs/resource_allocation: where there is enough, the truth earns the optimum") {
  Lane<ResourceAllocation> lane;
  CHECK(std::isnan(ResourceAllocation::optimal_value(lane.view()).value));
  lane.task = {.agents = 3, .scarce = false, .moving = true, .failures = false};
  const OptimalValue optimum = ResourceAllocation::optimal_value(lane.view());
  CHECK(optimum.of == OptimalValue::Of::step);
  CHECK(optimum.value == Approx(1));
  using Planned = ResourceAllocation::Planned;
  CHECK(play(lane, Planned{ResourceAllocation::Division::truthful})["reward"] == Approx(1));
}

TEST_CASE("envs/resource_allocation: the best efficiency is that of the best of many divisions") {
  Lane<One> lane;
  lane.config.efficiency = 1, lane.config.fairness = 0;
  for (int trial = 0; trial < 20; ++trial) {
    lane.reset();
    const One start = lane.env;
    float best = 0;
    for (int cell = 0; cell < 31 * 31 * 31; ++cell) {
      const float parts[] = {static_cast<float>(cell % 31) / 30, static_cast<float>(cell / 31 % 31) / 30,
                             static_cast<float>(cell / 961) / 30};
      float total = 0, weighted = 0, weight = 0;
      for (int i = 0; i < 3; ++i) {
        total += parts[i] * start.needs[0][i];
        weighted += parts[i] * start.priority[i];
        weight += start.priority[i];
      }
      if (total <= start.capacity[0]) best = std::max(best, weighted / weight);
    }
    CHECK(start.best_efficiency() >= best - 1e-5f);
    CHECK(start.best_efficiency() < best + .05f);
  }
}

TEST_CASE("envs/resource_allocation: needs, priorities and capacities move as the settings say") {
  Lane<ResourceAllocation> lane;
  lane.config.periods = std::numeric_limits<int>::max();
  lane.reset();
  int down = 0, failures = 0, repairs = 0, shifts = 0;
  double need = 0, drift = 0;
  constexpr int periods = 50'000;
  for (int t = 0; t < periods; ++t) {
    const ResourceAllocation before = lane.env;
    lane.step({});
    for (int k = 0; k < 2; ++k) {
      down += before.down[k] ? 1 : 0;
      failures += !before.down[k] && lane.env.down[k] ? 1 : 0;
      repairs += before.down[k] && !lane.env.down[k] ? 1 : 0;
      REQUIRE(lane.env.capacity[k] == Approx(lane.env.down[k] ? 1.6 : 3.2));
      for (int i = 0; i < 4; ++i) {
        const float x = before.needs[k][i];
        REQUIRE(x >= .25f);
        REQUIRE(x <= 2.f);
        need += static_cast<double>(x) / (8. * periods);
        drift += static_cast<double>((lane.env.needs[k][i] - x) * (1 - x)) / (8. * periods);
      }
    }
    for (int i = 0; i < 4; ++i) shifts += before.priority[i] != lane.env.priority[i] ? 1 : 0;
  }
  const double whole = 2. * periods - down;
  CHECK(failures / whole == Approx(.05).epsilon(.05));
  CHECK(static_cast<double>(repairs) / down == Approx(.25).epsilon(.05));
  CHECK(down / (2. * periods) == Approx(.05 / .3).epsilon(.05));
  CHECK(shifts / (4. * periods) == Approx(.05 * 2 / 3).epsilon(.05));
  CHECK(need == Approx(1).epsilon(.02));
  CHECK(drift > 0);  // back to the mean
  // Or nothing moves.
  lane.task = {.agents = 4, .scarce = true, .moving = false, .failures = false};
  lane.reset();
  const ResourceAllocation start = lane.env;
  for (int t = 0; t < 100; ++t) lane.step({});
  CHECK(lane.env.needs == start.needs);
  CHECK(lane.env.priority == start.priority);
  CHECK(lane.env.capacity == start.capacity);
}

TEST_CASE("envs/resource_allocation: stages have more agents, less of everything, and more that moves") {
  Random random(7, 0, 0, 0, Purpose::test);
  const Twenty::Task expected[] = {
      {2, false, false, false}, {5, true, false, false}, {10, true, true, false}, {20, true, true, true}};
  REQUIRE(Twenty::stages({}, {}) == 4);
  for (int stage = 0; stage < 4; ++stage) {
    Lane<Twenty> lane;
    lane.task = Twenty::task(stage, {}, {}, random);
    CHECK(lane.task.agents == expected[stage].agents);
    CHECK(lane.task.scarce == expected[stage].scarce);
    CHECK(lane.task.moving == expected[stage].moving);
    CHECK(lane.task.failures == expected[stage].failures);
    lane.reset();
    lane.step(any_requests<Twenty>(random));
    for (int i = 0; i < 20; ++i) {
      CHECK(lane.env.acting(i) == (i < lane.task.agents));
      CHECK((lane.env.granted[0][i] > 0) == (i < lane.task.agents));
    }
  }
}

TEST_CASE("envs/resource_allocation: what is seen") {
  Lane<ResourceAllocation> lane;
  Random random(7, 0, 0, 0, Purpose::test);
  lane.reset();
  lane.step(any_requests<ResourceAllocation>(random));
  float seen[10], state[18];
  lane.env.state(Row{state});
  for (int i = 0; i < 4; ++i) {
    lane.env.observe(i, Row{seen});
    for (int k = 0; k < 2; ++k) {
      CHECK(seen[k] == lane.env.needs[k][i]);
      CHECK(seen[2 + k] == lane.env.granted[k][i]);
      CHECK(seen[4 + k] == lane.env.capacity[k] / 4);
      CHECK(seen[6 + k] == lane.env.asked[k]);
      CHECK(state[4 * i + k] == seen[k]);
      CHECK(state[16 + k] == seen[4 + k]);
    }
    CHECK(seen[8] == lane.env.priority[i] / 3);
    CHECK(seen[9] == lane.env.satisfaction[i]);
    CHECK(state[4 * i + 3] == seen[9]);
  }
}

}  // namespace test_resource_allocation
