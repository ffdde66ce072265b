// A single stock: the order of events by hand, and every figure that is known of it, by formula, by the exact
// chain and by simulation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/games/exact.hpp>
#include <polis/envs/supply_chain/inventory.hpp>

#include "../env/lane.hpp"

namespace test_inventory {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

static_assert(DeviceEnvironment<Newsvendor> && DeviceEnvironment<BackloggedInventory> &&
              DeviceEnvironment<FixedCostInventory> && DeviceEnvironment<LostSales<2>>);
static_assert(HasReferencePolicies<Newsvendor> && HasOptimalValue<Newsvendor> && HasMetrics<Newsvendor>);
static_assert(fields_complete<LostSales<2>::Config>());
static_assert(LostSales<1>::Observation::words == 1 && LostSales<3>::Observation::words == 3);

template <class E>
Actions<E> order(int units) {
  Actions<E> actions{};
  actions[0] = units;
  return actions;
}

/// The mean cost of a period of a policy, and its standard error from batches of 500 periods.
struct Simulated {
  double cost, error;
};
template <class E, class Policy>
Simulated simulate(const Policy& policy, const ConfigOf<E>& config, int batches) {
  Lane<E> lane;
  lane.config = config;
  lane.config.periods = std::numeric_limits<int>::max();
  lane.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  constexpr int length = 500;
  std::vector<double> means;
  for (int batch = 0; batch <= batches; ++batch) {
    double total = 0;
    for (int i = 0; i < length; ++i) {
      if (E::spec.single_period) lane.reset();
      lane.step(policy(lane.env, lane.view(), random));
      total -= static_cast<double>(lane.rewards[0]) / length;
    }
    if (batch > 0) means.push_back(total);  // the first one warms up
  }
  double mean = 0, squares = 0;
  for (const double x : means) mean += x / batches;
  for (const double x : means) squares += (x - mean) * (x - mean);
  return {mean, std::sqrt(squares / (batches - 1) / batches)};
}

template <class E>
double optimum(const ConfigOf<E>& config = {}) {
  Lane<E> lane;
  lane.config = config;
  return -E::optimal_value(lane.view()).value;
}

TEST_CASE("envs/inventory: demand has its distribution") {
  constexpr int draws = 200'000;
  for (const double mean : {.5, 5., 20., 200., 1200.}) {
    Random random(7, 0, 0, 0, Purpose::test);
    const std::vector<double> expected = poisson_probabilities(mean);
    std::vector<int> found(expected.size() + 100);
    for (int i = 0; i < draws; ++i) ++found.at(static_cast<std::size_t>(poisson(mean, random)));
    double chi_squared = 0, rest = 1, rest_found = draws;
    int cells = 0;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      if (expected[k] * draws < 10) continue;
      const double off = found[k] - expected[k] * draws;
      chi_squared += off * off / (expected[k] * draws);
      rest -= expected[k], rest_found -= found[k], ++cells;
    }
    chi_squared += (rest_found - rest * draws) * (rest_found - rest * draws) / (rest * draws);
    CAPTURE(mean);
    CHECK(std::abs(chi_squared - cells) < 4 * std::sqrt(2. * cells));
  }
  Random random(7, 0, 0, 0, Purpose::test);
  double sum = 0, squares = 0, off_whole = 0;
  for (int i = 0; i < draws; ++i) {
    const auto x = static_cast<double>(draw_demand(DemandKind::normal, 10, 2, random));
    sum += x / draws, squares += x * x / draws;
    const auto whole = static_cast<double>(draw_demand(DemandKind::rounded, 10, 2, random));
    off_whole = std::max(off_whole, std::abs(whole - std::round(whole)));
    REQUIRE(draw_demand(DemandKind::normal, 1, 5, random) >= 0);
  }
  CHECK(std::abs(sum - 10) < 4 * 2 / std::sqrt(draws));
  CHECK(std::sqrt(squares - sum * sum) == Approx(2).epsilon(.01));
  CHECK(off_whole == 0);
}

TEST_CASE("envs/inventory: a period is ordered, served and paid in the stated order") {
  using E = Inventory<InventorySpec{.lead_time = 2, .largest_order = 9, .capacity = 20}, FixedCostNumbers>;
  Lane<E> lane;
  lane.config = {.mean = 4, .holding = 2, .penalty = 3, .fixed_cost = 5, .periods = 40};
  lane.reset();
  CHECK(lane.env.stock == 8);
  CHECK(lane.env.arriving[0] == 4);
  float stock = 8, next = 4;
  double asked = 0, served = 0;
  for (int t = 0; t < 40; ++t) {
    REQUIRE(lane.episode == End::none);
    const int wanted = t % 3 == 2 ? 0 : t % 10;
    const float ordered = std::clamp(std::min(static_cast<float>(wanted), 20 - stock - next), 0.f, 9.f);
    lane.step(order<E>(wanted));
    const double before = asked;
    asked = lane.env.service.demand;
    const auto demand = static_cast<float>(asked - before);
    const float left = stock - demand;
    const float cost = 2 * std::max(left, 0.f) + 3 * std::max(-left, 0.f) + (ordered > 0 ? 5.f : 0.f);
    REQUIRE(lane.rewards[0] == -cost);
    served += static_cast<double>(std::clamp(stock, 0.f, demand));
    stock = left + next;  // what is owed stays owed, what was ordered a period ago arrives
    next = ordered;
    REQUIRE(lane.env.stock == stock);
    REQUIRE(lane.env.arriving[0] == next);
    float seen[2];
    lane.env.observe(0, Row{seen}, lane.view());
    REQUIRE(seen[0] == Approx(static_cast<double>(stock) / 12));
    REQUIRE(seen[1] == Approx(static_cast<double>(next) / 4));
  }
  CHECK(lane.episode == End::truncated);
  CHECK(lane.env.service.served == served);
  CHECK(lane.env.service.fill_rate() == served / asked);
  CHECK(lane.env.service.fill_rate() < 1);
}

TEST_CASE("envs/inventory: lost sales are gone, and units come in, go out or lie in stock") {
  using E = LostSales<3>;
  Lane<E> lane;
  lane.reset();
  const float first = lane.env.position();
  double ordered = 0;
  Random random(7, 0, 0, 0, Purpose::test);
  for (int t = 0; t < 500; ++t) {
    REQUIRE(lane.env.stock >= 0);
    const int wanted = random.integer(t < 250 ? 8 : 21);
    ordered += static_cast<double>(lane.env.allowed(static_cast<float>(wanted)));
    lane.step(order<E>(wanted));
    REQUIRE(lane.env.position() <= 60);
    REQUIRE(static_cast<double>(first) + ordered ==
            lane.env.service.served + static_cast<double>(lane.env.position()));
  }
  CHECK(lane.env.service.served < lane.env.service.demand);
  CHECK(lane.episode == End::truncated);
  double shown = 0, cost = 0;
  lane.env.metrics([&](const std::string& name, double value) {
    if (name == "turnover") shown = value;
    if (name == "cost") cost = value;
  });
  CHECK(shown == Approx(lane.env.service.served / lane.env.service.held));
  CHECK(cost > 6);
}

TEST_CASE("envs/inventory: newsvendor and base stock cost what the formulas say") {
  const BaseStock normal = normal_newsvendor(50, 8, .18, .70);
  CHECK(normal.level == Approx(56.60396).epsilon(1e-7));
  CHECK(normal.cost == Approx(1.997605).epsilon(1e-6));
  const BaseStock poisson = poisson_newsvendor(20, 1, 9);
  CHECK(poisson.level == 26);
  CHECK(poisson.cost == Approx(8.18643).epsilon(1e-6));
  CHECK(optimum<Newsvendor>() == Approx(1.997605).epsilon(1e-6));
  CHECK(optimum<BackloggedInventory>() == Approx(17.90513).epsilon(1e-6));
  CHECK(BackloggedInventory::base_stock({}).level == 113);
}

TEST_CASE("envs/inventory: (s, S) policies cost what the renewal sums say, and the search finds the best") {
  const double known[][4] = {{10, 6, 40, 35.022}, {20, 14, 62, 49.173}, {50, 42, 108, 70.975}};
  for (const auto& [mean, s, S, cost] : known) {
    const ReorderPolicy best = best_reorder_policy(mean, 1, 1, 9, 64);
    CHECK(best.reorder_at == s);
    CHECK(best.level == S);
    CHECK(best.cost == Approx(cost).epsilon(2e-5));
  }
  ReorderCosts costs(10, 1, 1, 9, 64);
  for (int s = 0; s < 15; ++s) {
    for (int S = s + 1; S < 60; ++S) REQUIRE(costs(s, S) >= 35.02155);
  }
  CHECK(optimum<FixedCostInventory>() == Approx(49.173).epsilon(2e-5));
}

TEST_CASE("envs/inventory: optimum and best base stock of lost sales are the known ones") {
  const auto check = []<class E>(E, float penalty, double best, double base_stock) {
    ConfigOf<E> config;
    config.penalty = penalty;
    const InventoryChain chain = E::chain(config);
    CHECK(chain.optimum().cost == Approx(best).epsilon(2e-5));
    CHECK(chain.best_base_stock().cost == Approx(base_stock).epsilon(2e-5));
  };
  check(LostSales<1>{}, 4, 4.0407, 4.1628);
  check(LostSales<1>{}, 9, 5.4382, 5.5475);
  check(LostSales<2>{}, 4, 4.3953, 4.6386);
  check(LostSales<2>{}, 9, 6.0936, 6.3163);
  check(LostSales<2>{}, 19, 7.6644, 7.8422);
}

TEST_CASE("envs/inventory: a policy of what the agent sees is evaluated on the chain") {
  using E = LostSales<2>;
  const Lane<E> lane;
  constexpr int choices = E::Action::size;
  const auto base_stock = [](In<float> seen) {
    const int position = static_cast<int>(seen[0] * 15 + seen[1] * 5 + .5f);
    return certain<choices>(std::clamp(19 - position, 0, choices - 1));
  };
  CHECK(E::exact_cost(lane.view(), base_stock) == Approx(6.3163).epsilon(2e-5));
  const InventoryChain chain = E::chain(lane.config);
  const InventoryChain::Table table = chain.optimum().table;
  const auto optimal = [&](In<float> seen) {
    const int arriving = static_cast<int>(seen[1] * 5 + .5f);
    return certain<choices>(table(static_cast<int>(seen[0] * 15 + .5f), &arriving));
  };
  CHECK(E::exact_cost(lane.view(), optimal) == Approx(chain.optimum().cost).epsilon(1e-7));
  // Nothing is ordered: all demand is lost in the end. Always the most: 60 are in stock or under way, less
  // what was ordered in the two periods before and is asked for in this one.
  CHECK(E::exact_cost(lane.view(), [](In<float>) { return certain<choices>(0); }) == Approx(45));
  CHECK(E::exact_cost(lane.view(), [](In<float>) { return certain<choices>(20); }) == Approx(45));
  const auto uniform = [](In<float>) {
    Array<double, choices> probabilities{};
    for (double& p : probabilities) p = 1. / choices;
    return probabilities;
  };
  const Simulated drawn = simulate<E>(
      [](const E&, const View<E>&, Random& random) { return order<E>(random.integer(choices)); }, {}, 100);
  CHECK(std::abs(drawn.cost - E::exact_cost(lane.view(), uniform)) < 4 * drawn.error);
}

/// Every reference policy earns in the environment what is computed of it, and the best one the optimum.
template <class E>
void check_references(const std::vector<std::string>& names, const std::vector<double>& costs, int batches) {
  std::vector<std::string> found;
  Lane<E> lane;
  for_each_reference<E>(lane.view(), [&](const char* name, const auto& policy) {
    const Simulated result = simulate<E>(policy, {}, batches);
    CAPTURE(name);
    CAPTURE(result.cost);
    REQUIRE(found.size() < costs.size());
    CHECK(std::abs(result.cost - costs[found.size()]) < 4 * result.error);
    CHECK(result.error < .005 * result.cost);
    found.emplace_back(name);
  });
  CHECK(found == names);
}

TEST_CASE("envs/inventory: reference policies cost in simulation what is known of them") {
  check_references<Newsvendor>({"base_stock"}, {1.997605}, 400);
  check_references<BackloggedInventory>({"base_stock"}, {17.90513}, 800);
  check_references<FixedCostInventory>({"reorder"}, {49.173}, 200);
  check_references<LostSales<1>>({"base_stock", "optimal"}, {5.5475, 5.4382}, 400);
  check_references<LostSales<2>>({"base_stock", "optimal"}, {6.3163, 6.0936}, 400);
}

TEST_CASE("envs/inventory: what is not known is not a number") {
  using Long = LostSales<9>;
  CHECK(std::isnan(optimum<Long>()));
  CHECK_THROWS_AS(LostSales<17>::chain({}), Error);
  using Rounded = Inventory<InventorySpec{.demand = DemandKind::rounded}, NewsvendorNumbers>;
  CHECK(std::isnan(optimum<Rounded>()));
}

}  // namespace test_inventory
