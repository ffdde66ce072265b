// OR-Gym's InvManagement: a period by hand, units that are neither made nor lost on the way, and the returns
// that are known of simple policies.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/supply_chain/inv_management.hpp>

#include "../env/lane.hpp"

namespace test_inv_management {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

using V0 = InvManagementV0;
using V1 = InvManagementV1;

static_assert(DeviceEnvironment<V0> && HasState<V0> && HasMetrics<V0> && HasReferencePolicies<V0> &&
              !HasOptimalValue<V0>);
static_assert(V0::Observation::words == 15 && V0::State::words == 38 && V0::agents == 3);
static_assert(fields_complete<V0::Config>());

/// The rules once more, with the whole history of orders.
struct Ledger {
  bool backlog;
  std::vector<std::vector<double>> ordered;
  double stock[3] = {100, 100, 200}, owed = 0;

  double play(const double (&asked)[3], double demand) {
    const int lead_time[] = {3, 5, 10}, t = static_cast<int>(ordered.size());
    const double capacity[] = {100, 90, 80}, holding[] = {.15, .1, .05};
    const double price[] = {2, 1.5, 1, .75}, cost[] = {1.5, 1, .75, .5};
    std::vector<double> order(3);
    for (std::size_t i = 0; i < 3; ++i) {
      order[i] = std::clamp(std::floor(asked[i]), 0., capacity[i]);
      if (i < 2) order[i] = std::min(order[i], stock[i + 1]);
    }
    for (std::size_t i = 0; i < 3; ++i) {
      if (t >= lead_time[i]) stock[i] += ordered[static_cast<std::size_t>(t - lead_time[i])][i];
    }
    ordered.push_back(order);
    const double wanted = demand + owed, sold = std::min(wanted, stock[0]);
    const double sales[] = {sold, order[0], order[1], order[2]};
    const double bought[] = {order[0], order[1], order[2], order[2]};
    double profit = -.1 * (wanted - sold);
    for (int i = 0; i < 4; ++i) profit += price[i] * sales[i] - cost[i] * bought[i];
    for (int i = 0; i < 3; ++i) {
      stock[i] -= sales[i];
      profit -= holding[i] * stock[i];
    }
    owed = backlog ? wanted - sold : 0;
    return std::pow(.97, t) * profit;
  }
};

TEST_CASE_TEMPLATE("envs/inv_management: follows its rules, with a price for every stock", E, V0, V1) {
  Lane<E> lane;
  Random random(7, 0, 0, 0, Purpose::test);
  bool missed = false;
  for (int episode = 0; episode < 20; ++episode) {
    lane.reset();
    Ledger ledger{std::is_same_v<E, V0>, {}};
    double before = 0, made = 0;
    for (int t = 0; t < 30; ++t) {
      Actions<E> actions{};
      double asked[3];
      for (int i = 0; i < 3; ++i) {
        actions[i][0] = random.uniform(0, episode % 2 == 0 ? 100 : 25);
        asked[i] = static_cast<double>(actions[i][0]);
      }
      lane.step(actions);
      const double demand = lane.env.service.demand - before;
      before = lane.env.service.demand;
      const double profit = ledger.play(asked, demand);
      made += ledger.ordered.back()[2];
      double units = 0;
      for (int i = 0; i < 3; ++i) {
        REQUIRE(lane.rewards[i] == Approx(profit).epsilon(1e-4));
        REQUIRE(static_cast<double>(lane.env.stock[i]) == ledger.stock[i]);
        units += ledger.stock[i];
        for (const float shipment : lane.env.arriving[i]) units += static_cast<double>(shipment);
      }
      REQUIRE(static_cast<double>(lane.env.owed) == ledger.owed);
      // All units were there at first or came from the plant; what was served late is no part of `served`.
      if (std::is_same_v<E, V1>) REQUIRE(400 + made == units + lane.env.service.served);
      if (std::is_same_v<E, V0>) REQUIRE(400 + made == units + before - ledger.owed);
      missed = missed || lane.env.service.served < before;
      REQUIRE(lane.episode == (t == 29 ? End::terminated : End::none));
    }
  }
  CHECK(missed);
}

TEST_CASE("envs/inv_management: what is seen") {
  Lane<V0> lane;
  lane.reset();
  Actions<V0> actions{};
  for (int t = 0; t < 12; ++t) {
    for (int i = 0; i < 3; ++i) actions[i][0] = static_cast<float>(10 * i + t);
    lane.step(actions);
  }
  float state[38], seen[15];
  lane.env.state(Row{state});
  for (int i = 0; i < 3; ++i) {
    lane.env.observe(i, Row{seen});
    CHECK(seen[0] == Approx(static_cast<double>(lane.env.stock[i]) / 100));
    CHECK(seen[1] == Approx(1 - 12 / 30.));
    const int lead_time = V0::lead_times[i];
    for (int k = 0; k < 10; ++k) {  // ordered at 12 + k - lead_time
      CHECK(seen[2 + k] == Approx(k < lead_time ? (10 * i + 12 + k - lead_time) / 100. : 0.));
    }
    for (int k = 0; k < 12; ++k) CHECK(state[12 * i + k] == seen[k]);
    CHECK(seen[12] == Approx(i < 2 ? static_cast<double>(lane.env.stock[i + 1]) / 100 : 0.));
    CHECK(seen[14] == Approx(static_cast<double>(lane.env.echelon_position(i)) / 100 / (i + 1)));
  }
  CHECK(state[36] == Approx(static_cast<double>(lane.env.owed) / 100));
}

struct Returns {
  double mean, deviation, error;
};
template <class E, class Policy>
Returns play(const Policy& policy, int episodes) {
  Lane<E> lane;
  Random random(7, 0, 0, 0, Purpose::test);
  double sum = 0, squares = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    lane.number = static_cast<std::uint32_t>(episode);
    lane.reset();
    double total = 0;
    for (int t = 0; t < E::periods; ++t) {
      lane.step(policy(lane.env, lane.view(), random));
      total += static_cast<double>(lane.rewards[0]);
    }
    sum += total, squares += total * total;
  }
  const double mean = sum / episodes, deviation = std::sqrt(squares / episodes - mean * mean);
  return {mean, deviation, deviation / std::sqrt(episodes)};
}

TEST_CASE("envs/inv_management: simple policies earn what is known of them, over 20,000 episodes") {
  constexpr int episodes = 20'000;
  const auto check = []<class E>(E, std::vector<double> known) {
    std::size_t at = 0;
    std::vector<std::string> names;
    for_each_reference<E>(Lane<E>{}.view(), [&](const char* name, const auto& policy) {
      const Returns result = play<E>(policy, episodes);
      CAPTURE(name);
      // The figures are means of simulations too, rounded to a tenth.
      CHECK(std::abs(result.mean - known.at(at++)) < 4 * result.error + .1);
      CHECK(result.mean < static_cast<double>(E::perfect_information));
      names.emplace_back(name);
    });
    CHECK(names == std::vector<std::string>{"no_orders", "base_stock"});
  };
  check(V0{}, {-590.0, 409.9});
  check(V1{}, {-271.4, 407.0});
  CHECK(play<V0>(V0::EchelonBaseStock{{{91, 212, 416}}}, episodes).deviation == Approx(33.4).epsilon(.02));
  CHECK(play<V0>(V0::EchelonBaseStock{{{-1e6f, -1e6f, -1e6f}}}, episodes).deviation ==
        Approx(21.5).epsilon(.02));
  const Returns owed = play<V0>(V0::EchelonBaseStock{{{0, 0, 0}}}, episodes);
  CHECK(std::abs(owed.mean - 41.4) < 4 * owed.error + .1);
}

}  // namespace test_inv_management
