// Cournot competition: its figures, best responses, and learners that find the equilibrium.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/env/hints.hpp>
#include <polis/envs/games/cournot.hpp>

#include "../env/lane.hpp"

namespace test_cournot {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

static_assert(DeviceEnvironment<Cournot<>> && HasState<Cournot<>> && HasMetrics<Cournot<>> &&
              HasCounterfactual<Cournot<>> && HasReferencePolicies<Cournot<3>> &&
              HasOptimalValue<Cournot<3>>);
static_assert(fields_complete<CournotConfig>());

template <int Firms>
Lane<Cournot<Firms>> market(float each) {
  Lane<Cournot<Firms>> lane;
  lane.reset();
  Actions<Cournot<Firms>> actions{};
  for (int i = 0; i < Firms; ++i) actions[i] = {{each}};
  lane.step(actions);
  return lane;
}

/// Profit of each firm where all make the quantity of equilibrium, which no other of theirs improves on.
template <int Firms>
void check_equilibrium(float quantity, double profit, double cartel_profit) {
  const CournotConfig config;
  CHECK(Cournot<Firms>::equilibrium(config) == quantity);
  const auto lane = market<Firms>(quantity);
  CHECK(lane.episode == End::terminated);
  for (int i = 0; i < Firms; ++i) {
    CHECK(static_cast<double>(lane.env.profit[i]) == Approx(profit).epsilon(1e-6));
    CHECK(static_cast<double>(lane.rewards[i]) == Approx(.01 * profit).epsilon(1e-6));
  }
  for (int own = 0; own <= 100; ++own) {
    Lane<Cournot<Firms>> other;
    other.reset();
    Actions<Cournot<Firms>> actions{};
    for (int i = 0; i < Firms; ++i) actions[i] = {{i == 0 ? static_cast<float>(own) : quantity}};
    other.step(actions);
    CHECK(other.rewards[0] <= lane.rewards[0] + 1e-4f);
  }
  const auto cartel = market<Firms>(Cournot<Firms>::cartel(config));
  CHECK(static_cast<double>(cartel.env.profit[0]) == Approx(cartel_profit).epsilon(1e-6));
  CHECK(.01 * cartel_profit == Approx(Cournot<Firms>::optimal_value(cartel.view()).value).epsilon(1e-6));
}

TEST_CASE("envs/cournot: equilibria of one, two and three firms, from which no firm gains by moving") {
  check_equilibrium<1>(45, 2025, 2025);
  check_equilibrium<2>(30, 900, 1012.5);
  check_equilibrium<3>(22.5f, 506.25, 675);
}

TEST_CASE("envs/cournot: best responses of two firms in turn come to the equilibrium") {
  const CournotConfig config{.choke_price = 80, .slope = 2, .cost = 20};
  float first = 0, second = 25;
  for (int round = 0; round < 30; ++round) {
    first = Cournot<2>::best_response(second, config);
    second = Cournot<2>::best_response(first, config);
  }
  CHECK(first == Approx(10).epsilon(1e-5));
  CHECK(second == Approx(10).epsilon(1e-5));
  CHECK(Cournot<2>::equilibrium(config) == 10);
  CHECK(Cournot<2>::best_response(200, config) == 0);
}

TEST_CASE("envs/cournot: the price does not fall below 0, and quantities stay within what can be made") {
  const auto glut = market<2>(150);
  CHECK(glut.env.price == 0);
  CHECK(glut.env.quantity[0] == 100);
  CHECK(glut.env.profit[0] == -1000);
}

TEST_CASE("envs/cournot: the counterfactual is the market of the others alone") {
  Lane<Cournot<3>> lane;
  lane.reset();
  Actions<Cournot<3>> actions{};
  actions[0] = {{10}}, actions[1] = {{20}}, actions[2] = {{50}};
  lane.step(actions);
  for (int absent = 0; absent < 3; ++absent) {
    Lane<Cournot<2>> without;
    without.reset();
    Actions<Cournot<2>> others{};
    for (int i = 0; i < 2; ++i) others[i] = actions[i + (i >= absent ? 1 : 0)];
    without.step(others);
    CHECK(static_cast<double>(lane.env.counterfactual(absent, lane.view())) ==
          Approx(static_cast<double>(without.rewards[0] + without.rewards[1])).epsilon(1e-6));
  }
}

TEST_CASE("envs/cournot: firms see the last period, their own quantity first; the episode has its periods") {
  Lane<Cournot<2, 3>> lane;
  lane.reset();
  Actions<Cournot<2, 3>> actions{};
  actions[0] = {{10}}, actions[1] = {{20}};
  Array<float, 2> seen{{9, 9}};
  lane.env.observe(1, Row{seen.data()});
  CHECK(seen == Array<float, 2>{{0, 0}});
  for (int period = 1; period <= 3; ++period) {
    lane.step(actions);
    CHECK(lane.episode == (period < 3 ? End::none : End::terminated));
  }
  lane.env.observe(1, Row{seen.data()});
  CHECK(seen == Array<float, 2>{{.2f, .1f}});
  double profit = 0;
  lane.env.metrics([&](const std::string& name, double value) {
    if (name == "profit") profit = value;
  });
  CHECK(profit == Approx(60. * 30 / 2));
}

TEST_CASE("envs/cournot: reference policies are the equilibrium and the cartel") {
  Lane<Cournot<2>> lane;
  int known = 0;
  Cournot<2>::references(lane.view(), [&](const std::string& name, const auto& policy) {
    Random random(1, 0, 0, 0, Purpose::action);
    lane.reset();
    lane.step(policy(lane.env, lane.view(), random));
    CHECK(static_cast<double>(lane.env.profit[1]) == Approx(name == "cartel" ? 1012.5 : 900).epsilon(1e-6));
    ++known;
  });
  CHECK(known == 2);
}

}  // namespace test_cournot
