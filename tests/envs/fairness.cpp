// Divisions of what is scarce and how fair they are: the known figures, and that optima are optimal.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/allocation/alpha_fair_sharing.hpp>
#include <polis/envs/allocation/fairness.hpp>

#include "../env/lane.hpp"

namespace test_fairness {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

template <int N>
using Numbers = Array<double, N>;

template <int N>
void check(const Numbers<N>& found, const Numbers<N>& known, double tolerance = 5e-5) {
  for (int i = 0; i < N; ++i) CHECK(std::abs(found[i] - known[i]) < tolerance);
}

/// Numbers in (low, 1).
template <int N>
Numbers<N> any(Random& random, double low = 0) {
  Numbers<N> x{};
  for (double& value : x) value = low + (1 - low) * random.uniform_double();
  return x;
}

TEST_CASE("envs/fairness: Gini and Jain") {
  CHECK(gini(Numbers<5>{{1, 2, 3, 4, 5}}) == Approx(.26667).epsilon(1e-4));
  CHECK(gini(Numbers<5>{{4, 2, 5, 1, 3}}) == Approx(4. / 15));
  CHECK(gini(Numbers<4>{{0, 0, 0, 1}}) == Approx(.75));
  CHECK(gini(Numbers<3>{}) == 0);
  CHECK(gini(Numbers<5>{{4, 2, 1, 3, 99}}, 4) == Approx(.25));
  CHECK(jain(Numbers<5>{{1, 2, 3, 4, 5}}) == Approx(9. / 11));
  CHECK(jain(Numbers<4>{{0, 0, 0, 1}}) == Approx(.25));
  CHECK(jain(Numbers<3>{}) == 1);
  // Gini is half the mean difference of all pairs over the mean.
  Random random(7, 0, 0, 0, Purpose::test);
  for (int trial = 0; trial < 50; ++trial) {
    const auto x = any<6>(random);
    double differences = 0, mean = 0;
    for (const double a : x) {
      mean += a / 6;
      for (const double b : x) differences += std::abs(a - b) / 36;
    }
    CHECK(gini(x) == Approx(differences / (2 * mean)));
  }
}

TEST_CASE("envs/fairness: alpha-fair divisions") {
  const Numbers<3> w{{1, 1, 1}}, a{{1, 2, 4}};
  check(alpha_fair(w, a, 10., .5), {{1.4286, 2.8571, 5.7143}}, 1e-4);
  const Numbers<3> equal = alpha_fair(w, a, 10., 1.);
  check(equal, {{10. / 3, 10. / 3, 10. / 3}});
  double sum = 0;
  Numbers<3> utilities{};
  for (int i = 0; i < 3; ++i) sum += utilities[i] = a[i] * equal[i];
  CHECK(sum == Approx(23.33).epsilon(1e-3));
  CHECK(gini(utilities) == Approx(.286).epsilon(2e-3));
  check(max_min_effect(a, 10.), {{5.714, 2.857, 1.429}}, 1e-3);
  check(alpha_fair(w, a, 10., 1000.), max_min_effect(a, 10.), .02);
  check(alpha_fair(w, a, 10., 0.), {{0, 0, 10}});
  // No small shift between two users does better.
  Random random(7, 0, 0, 0, Purpose::test);
  for (const double alpha : {.3, .5, 1., 2., 5.}) {
    const auto weights = any<3>(random, .1), effects = any<3>(random, .1);
    const auto total = [&](const Numbers<3>& x) {
      double value = 0;
      for (int i = 0; i < 3; ++i) value += weights[i] * alpha_fair_utility(effects[i] * x[i], alpha);
      return value;
    };
    const auto best = alpha_fair(weights, effects, 10., alpha);
    CHECK(best[0] + best[1] + best[2] == Approx(10));
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        if (i == j) continue;
        auto other = best;
        other[i] += .01 * best[j], other[j] -= .01 * best[j];
        CHECK(total(other) < total(best));
      }
    }
  }
}

TEST_CASE("envs/fairness: max-min with demands, by parts and by priority") {
  check(max_min(Numbers<4>{{2, 2.6, 4, 5}}, 10.), {{2, 2.6, 2.7, 2.7}});
  check(max_min(Numbers<4>{{5, 4, 2.6, 2}}, 10.), {{2.7, 2.7, 2.6, 2}});
  check(max_min(Numbers<3>{{1, 2, 3}}, 10.), {{1, 2, 3}});
  check(max_min(Numbers<3>{{4, 9, 9}}, {{1, 2, 0}}, 9.), {{3, 6, 0}});
  check(max_min(Numbers<3>{{1, 9, 9}}, {{1, 2, 1}}, 9.), {{1, 16. / 3, 8. / 3}});
  check(proportional(Numbers<3>{{4, 8, 12}}, 12.), {{2, 4, 6}});
  check(proportional(Numbers<3>{{1, 2, 3}}, 12.), {{1, 2, 3}});
  check(by_priority(Numbers<4>{{4, 4, 4, 4}}, {{1, 3, 2, 3}}, 10.), {{0, 4, 2, 4}});
  // Max-min: who gets less than it asked for gets as much as anybody.
  Random random(7, 0, 0, 0, Purpose::test);
  for (int trial = 0; trial < 100; ++trial) {
    const auto demands = any<6>(random);
    const double capacity = 4 * random.uniform_double();
    const auto x = max_min(demands, capacity);
    double total = 0, asked = 0, most = 0;
    for (int i = 0; i < 6; ++i) total += x[i], asked += demands[i], most = std::max(most, x[i]);
    CHECK(total == Approx(std::min(capacity, asked)));
    for (int i = 0; i < 6; ++i) CHECK((x[i] == Approx(demands[i]) || x[i] == Approx(most)));
  }
}

TEST_CASE("envs/fairness: water-filling and dominant resource fairness") {
  CHECK(water_level(Numbers<3>{{1, 4, 9}}, 6.) == Approx(5.5));
  CHECK(water_level(Numbers<3>{{9, 1, 4}}, 2.) == Approx(3));
  CHECK(water_level(Numbers<3>{{1, 4, 9}}, 19.) == Approx(11));
  using Needs = Array<Array<double, 2>, 2>;
  const auto tasks = dominant_resource_fair(Needs{{{{1, 4}}, {{3, 1}}}}, Numbers<2>{{9, 18}});
  check(tasks, {{3, 2}});
  CHECK(tasks[0] * 4 / 18 == Approx(2. / 3));
  CHECK(tasks[1] * 3 / 9 == Approx(2. / 3));
  // The third agent goes on alone with the second resource when the first is used up.
  const auto three =
      dominant_resource_fair(Array<Array<double, 2>, 3>{{{{1, 0}}, {{2, 0}}, {{0, 1}}}}, Numbers<2>{{6, 8}});
  check(three, {{3, 1.5, 8}});
  check(dominant_resource_fair(Needs{{{{0, 0}}, {{1, 1}}}}, Numbers<2>{{2, 3}}), {{0, 2}});
}

using Sharing = AlphaFairSharing<3>;
static_assert(DeviceEnvironment<Sharing> && HasReferencePolicies<Sharing> && HasOptimalValue<Sharing> &&
              HasMetrics<Sharing> && fields_complete<Sharing::Config>());

template <class Policy>
double play(Lane<Sharing>& lane, const Policy& policy) {
  Random random(7, 0, 0, 0, Purpose::test);
  lane.reset();
  lane.step(policy(lane.env, lane.view(), random));
  REQUIRE(lane.episode == End::terminated);
  return static_cast<double>(lane.rewards[0]);
}

double figure(const Sharing& env, const std::string& which) {
  double found = std::numeric_limits<double>::quiet_NaN();
  env.metrics([&](const std::string& name, double value) {
    if (name == which) found = value;
  });
  return found;
}

TEST_CASE("envs/fairness: the shares of a capacity that are known are the best of what is tried") {
  for (const bool max_min : {false, true}) {
    for (const float alpha : {.5f, 1.f, 2.f}) {
      Lane<Sharing> lane;
      lane.config.alpha = alpha;
      lane.config.max_min = max_min;
      const double optimum = Sharing::optimal_value(lane.view()).value;
      std::vector<std::string> names;
      for_each_reference<Sharing>(lane.view(), [&](const char* name, const auto& policy) {
        names.emplace_back(name);
        const double earned = play(lane, policy);
        if (names.back() == "alpha_fair") {
          CHECK(earned == Approx(optimum).epsilon(1e-4));
          CHECK(figure(lane.env, "distance") < 1e-5);
        } else {
          CHECK(earned <= optimum + 1e-5);
        }
        if (names.back() == "equal") CHECK(std::abs(earned) < 1e-5);
      });
      CHECK(names == std::vector<std::string>{"alpha_fair", "equal", "by_effect"});
      Random random(7, 0, 0, 0, Purpose::test);
      for (int trial = 0; trial < 2000; ++trial) {
        Actions<Sharing> actions{};
        float total = 0;
        for (float& share : actions[0]) total += share = random.uniform();
        for (float& share : actions[0]) share /= total;
        lane.reset();
        lane.step(actions);
        REQUIRE(static_cast<double>(lane.rewards[0]) <= optimum + 1e-5);
      }
    }
  }
  Lane<Sharing> lane;
  play(lane, Sharing::Divide{Sharing::Division::optimal});
  CHECK(lane.env.amounts[0] == Approx(1.4286).epsilon(1e-4));
  CHECK(lane.env.amounts[2] == Approx(5.7143).epsilon(1e-4));
  lane.config.max_min = true;
  play(lane, Sharing::Divide{Sharing::Division::equal});
  CHECK(figure(lane.env, "distance") ==
        Approx((5.7143 - 10. / 3 + 10. / 3 - 1.4286 + .4762) / 10).epsilon(1e-3));
  CHECK(figure(lane.env, "gini") == Approx(.2857).epsilon(1e-3));
}

TEST_CASE("envs/fairness: effects that are drawn are between the smallest and the largest, and seen") {
  Lane<Sharing> lane;
  lane.config.drawn = true;
  CHECK(std::isnan(Sharing::optimal_value(lane.view()).value));
  double mean = 0;
  constexpr int episodes = 3000;
  for (std::uint32_t number = 0; number < episodes; ++number) {
    lane.number = number;
    CHECK(play(lane, Sharing::Divide{Sharing::Division::optimal}) >= -1e-5);
    float seen[6];
    lane.env.observe(0, Row{seen});
    for (int i = 0; i < 3; ++i) {
      REQUIRE(seen[i] >= 0);
      REQUIRE(seen[i] <= 1);
      REQUIRE(std::exp2(2 * seen[i]) == Approx(static_cast<double>(lane.env.effects[i])).epsilon(1e-4));
      REQUIRE(seen[3 + i] == 1);
      mean += static_cast<double>(seen[i]) / (3 * episodes);
    }
  }
  CHECK(std::abs(mean - .5) < 4 * std::sqrt(1. / 12 / (3 * episodes)));
}

}  // namespace test_fairness
