// The bar problem: what nights are worth, what each agent adds, and the best arrangement.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <polis/core/random.hpp>
#include <polis/env/hints.hpp>
#include <polis/envs/games/congestion.hpp>
#include <polis/space/enumerable.hpp>

#include "../env/lane.hpp"

namespace test_congestion {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

using Bar = Congestion<>;
static_assert(DeviceEnvironment<Bar> && HasState<Bar> && HasMetrics<Bar> && HasCounterfactual<Bar> &&
              HasReferencePolicies<Bar> && HasOptimalValue<Bar>);
static_assert(EnumerableSpace<Bar::Observation>);

template <class E>
Actions<E> random_choices(std::uint32_t number) {
  Random random(5, number, 0, 0, Purpose::action);
  Actions<E> actions{};
  for (int i = 0; i < E::agents; ++i) actions[i] = random.integer(E::nights);
  return actions;
}

template <class E>
double total(const Lane<E>& lane) {
  double sum = 0;
  for (const float reward : lane.rewards) sum += static_cast<double>(reward);
  return sum;
}

TEST_CASE("envs/congestion: the rewards of all are the worth of the nights, x exp(-x / 6) each") {
  Lane<Bar> lane;
  for (std::uint32_t week = 0; week < 20; ++week) {
    lane.reset();
    const auto actions = random_choices<Bar>(week);
    lane.step(actions);
    int people[7] = {};
    for (int i = 0; i < 100; ++i) ++people[actions[i]];
    double worth = 0;
    for (const int x : people) worth += x * std::exp(-x / 6.);
    CHECK(lane.episode == End::terminated);
    CHECK(total(lane) == Approx(worth).epsilon(1e-6));
    CHECK(static_cast<double>(lane.env.welfare()) == Approx(worth).epsilon(1e-6));
    for (int i = 0; i < 100; ++i) {
      CHECK(static_cast<double>(lane.rewards[i]) == Approx(std::exp(-people[actions[i]] / 6.)).epsilon(1e-6));
    }
  }
}

TEST_CASE("envs/congestion: the counterfactual is the welfare of the same week played without the agent") {
  using Small = Congestion<9, 3, 2>;
  Lane<Small> lane;
  for (std::uint32_t week = 0; week < 20; ++week) {
    lane.reset();
    const auto actions = random_choices<Small>(week);
    lane.step(actions);
    for (int absent = 0; absent < 9; ++absent) {
      Lane<Congestion<8, 3, 2>> without;
      without.reset();
      Actions<Congestion<8, 3, 2>> others{};
      for (int i = 0; i < 8; ++i) others[i] = actions[i + (i >= absent ? 1 : 0)];
      without.step(others);
      CHECK(static_cast<double>(lane.env.counterfactual(absent)) == Approx(total(without)).epsilon(1e-6));
    }
  }
}

/// The best welfare of all ways to send `people` to this night and those after it.
double best_of_all(int people, int night) {
  const auto worth = [](int x) { return x * std::exp(-x / 2.); };
  if (night == 2) return worth(people);
  double best = 0;
  for (int here = 0; here <= people; ++here) {
    best = std::max(best, worth(here) + best_of_all(people - here, night + 1));
  }
  return best;
}

TEST_CASE(
    "envs/congestion: the best arrangement is that of an enumeration; of 100 agents it is worth 13.2452") {
  using Small = Congestion<9, 3, 2>;
  CHECK(Small::best_arrangement().welfare == Approx(best_of_all(9, 0)).epsilon(1e-6));
  const auto best = Bar::best_arrangement();
  int sixes = 0, crowds = 0;
  for (const int people : best.attendance) sixes += people == 6, crowds += people == 64;
  CHECK(sixes == 6);
  CHECK(crowds == 1);
  CHECK(best.welfare == Approx(36 * std::exp(-1.) + 64 * std::exp(-64 / 6.)).epsilon(1e-6));
  CHECK(best.welfare == Approx(13.245152).epsilon(1e-6));
}

TEST_CASE("envs/congestion: reference policies earn what is known of them, and random play 9.4230") {
  Lane<Bar> lane;
  double even = 0, crowded = 0;
  Bar::references(lane.view(), [&](const std::string& name, const auto& policy) {
    Random random(1, 0, 0, 0, Purpose::action);
    lane.reset();
    lane.step(policy(lane.env, lane.view(), random));
    (name == "even" ? even : crowded) = total(lane);
  });
  CHECK(even == Approx(2 * 15 * std::exp(-15 / 6.) + 5 * 14 * std::exp(-14 / 6.)).epsilon(1e-6));
  CHECK(crowded == Approx(100 * Bar::optimal_value(lane.view()).value).epsilon(1e-6));
  double sum = 0, squares = 0;
  const int weeks = 4000;
  for (int week = 0; week < weeks; ++week) {
    lane.reset();
    lane.step(random_choices<Bar>(static_cast<std::uint32_t>(week)));
    sum += total(lane), squares += total(lane) * total(lane);
  }
  const double mean = sum / weeks, error = std::sqrt((squares / weeks - mean * mean) / weeks);
  CHECK(std::abs(mean - 9.423007) < 3 * error);
  CHECK(error < .02);
}

TEST_CASE("envs/congestion: in the even arrangement nobody gains by leaving") {
  for (const int from : {14, 15}) {
    for (const int to : {14, 15}) CHECK(Bar::enjoyment(to + 1) < Bar::enjoyment(from) + 1e-7f);
  }
}

}  // namespace test_congestion
