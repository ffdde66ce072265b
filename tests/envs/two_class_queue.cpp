// Scheduling: what is known of priorities and of waiting, and that the queue behaves so.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/allocation/two_class_queue.hpp>

#include "../env/lane.hpp"

namespace test_two_class_queue {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using Queue = TwoClassQueue<>;

static_assert(DeviceEnvironment<Queue> && HasReferencePolicies<Queue> && HasOptimalValue<Queue> &&
              HasMetrics<Queue> && fields_complete<Queue::Config>());

TEST_CASE("envs/two_class_queue: the known figures") {
  CHECK(erlang_c(3, 2) == Approx(.4444).epsilon(1e-3));
  CHECK(erlang_c(3, 2) == Approx(4. / 9));
  CHECK(erlang_c(1, .7) == Approx(.7));
  CHECK(mean_in_system(3, 2, 1) == Approx(2 + 8. / 9));
  CHECK(mean_in_system(1, .5, 1) == Approx(1));
  const QueueRates rates{{{.25, .3}}, {{1, .6}}, {{1, 3}}};
  CHECK(rates.c_mu_first() == 1);
  CHECK(priority_cost(rates, 1, 1) == Approx(5.66667).epsilon(1e-5));
  CHECK(priority_cost(rates, 1, 0) == Approx(7.53333).epsilon(1e-5));
  CHECK(Queue::optimal_value(Lane<Queue>{}.view()).value == Approx(-5.66667).epsilon(1e-5));
  CHECK(std::isnan(TwoClassQueue<2>::optimal_value(Lane<TwoClassQueue<2>>{}.view()).value));
  CHECK(std::isinf(priority_cost({{{.5, .5}}, {{1, .6}}, {{1, 3}}}, 1, 0)));
  // Where both classes take equally long, the two formulas agree, and costs do not depend on the order if
  // they are equal.
  const QueueRates alike{{{.2, .5}}, {{1, 1}}, {{2, 2}}};
  CHECK(priority_cost(alike, 1, 0) == Approx(2 * .7 / .3));
  CHECK(priority_cost(alike, 1, 1) == Approx(2 * .7 / .3));
  const QueueRates nearly{{{.2, .5}}, {{1, 1 + 1e-9}}, {{2, 5}}}, same{{{.2, .5}}, {{1, 1}}, {{2, 5}}};
  CHECK(priority_cost(nearly, 1, 0) == Approx(priority_cost(same, 1, 0)));
}

struct Simulated {
  double cost, error;
  std::map<std::string, double> figures;
};
template <class E, class Policy>
Simulated simulate(Lane<E> lane, const Policy& policy, int batches) {
  constexpr int length = 20'000;
  lane.config.steps = std::numeric_limits<int>::max();
  lane.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  std::vector<double> means;
  for (int batch = 0; batch <= batches; ++batch) {
    double total = 0;
    for (int i = 0; i < length; ++i) {
      lane.step(policy(lane.env, lane.view(), random));
      total -= static_cast<double>(lane.rewards[0]) / length;
    }
    if (batch > 0) means.push_back(total);
  }
  Simulated result{0, 0, {}};
  double squares = 0;
  for (const double x : means) result.cost += x / batches;
  for (const double x : means) squares += (x - result.cost) * (x - result.cost);
  result.error = std::sqrt(squares / (batches - 1) / batches);
  lane.env.metrics([&](const char* name, double value) { result.figures[name] = value; });
  return result;
}

TEST_CASE("envs/two_class_queue: the c-mu rule costs what is known, the reversed order more") {
  std::map<std::string, Simulated> results;
  for_each_reference<Queue>(Lane<Queue>{}.view(), [&](const char* name, const auto& policy) {
    results[name] = simulate(Lane<Queue>{}, policy, 200);
  });
  REQUIRE(results.size() == 3);
  Simulated &best = results["c_mu"], &worst = results["reversed"], &longest = results["longest_queue"];
  CHECK(std::abs(best.cost - 5.66667) < 4 * best.error);
  CHECK(std::abs(worst.cost - 7.53333) < 4 * worst.error);
  CHECK(best.error < .06);
  CHECK(worst.error < .12);
  CHECK(longest.cost > best.cost + 3 * best.error);
  CHECK(longest.cost < worst.cost);
  CHECK(std::abs(best.figures["jobs_second"] - 1) < .03);
  CHECK(best.figures["delayed"] == Approx(.75).epsilon(.02));  // the server is busy so often
  CHECK(best.figures["cost"] == Approx(best.cost).epsilon(.02));
}

TEST_CASE("envs/two_class_queue: in M/M/3 customers wait as often as Erlang's formula says") {
  using Three = TwoClassQueue<3>;
  Lane<Three> lane;
  lane.config = {.arrival_first = 2, .arrival_second = 0, .service_first = 1, .service_second = 1};
  Simulated result = simulate(lane, Three::Priority{0}, 100);
  CHECK(std::abs(result.figures["delayed"] - 4. / 9) < .01);
  CHECK(std::abs(result.cost - (2 + 8. / 9)) < 4 * result.error);
  CHECK(result.error < .05);
  // Two classes with one service rate: who goes first waits as if it were alone.
  lane.config = {.arrival_first = 1, .arrival_second = 1, .service_first = 1, .service_second = 1};
  Simulated both = simulate(lane, Three::Priority{1}, 100);
  CHECK(std::abs(both.cost + Three::optimal_value(lane.view()).value) < 4 * both.error);
  CHECK(both.figures["jobs_second"] == Approx(mean_in_system(3, 1, 1)).epsilon(.03));
}

TEST_CASE("envs/two_class_queue: what is seen can be counted, and an episode is cut off") {
  Lane<Queue> lane;
  lane.config.steps = 3;
  lane.reset();
  float seen[2];
  for (int a = 0; a < 40; ++a) {
    lane.env.jobs = {{a, 2 * a}};
    lane.env.observe(0, Row{seen});
    CHECK(Queue::Observation::index(In<float>{seen}) == std::min(a, 19) * 20 + std::min(2 * a, 19));
  }
  lane.reset();
  lane.step({});
  CHECK(lane.rewards[0] == 0.f);
  lane.env.jobs = {{1, 2}};
  lane.step({});
  CHECK(lane.rewards[0] == -7.f);
  CHECK(lane.episode == End::none);
  lane.step({});
  CHECK(lane.episode == End::truncated);
}

}  // namespace test_two_class_queue
