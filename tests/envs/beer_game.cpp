// The beer game: its order of events against a second formulation, units that are neither made nor lost on
// the way, and the costs that are known of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/supply_chain/beer_game.hpp>

#include "../env/lane.hpp"

namespace test_beer_game {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

using Relative = BasicBeerGame<BeerGameSpec{.order = OrderBy::difference, .largest = 2}>;
using Whole = BasicBeerGame<BeerGameSpec{.demand = DemandKind::poisson}>;

static_assert(DeviceEnvironment<BeerGame> && HasState<BeerGame> && HasMetrics<BeerGame>);
static_assert(HasReferencePolicies<BeerGame> && HasOptimalValue<BeerGame> && !HasTurns<BeerGame>);
static_assert(BeerGame::rewards == RewardStructure::shared && BeerGame::Observation::words == 7 &&
              BeerGame::State::words == 31);
static_assert(fields_complete<BeerGame::Config>());

/// The game as its rules say it, from the whole history of orders and shipments. Firms 0 to 3; what happened
/// before the start is the mean.
struct Ledger {
  float mean;
  std::vector<std::vector<float>> ordered, sent;  // [period][firm]
  std::vector<float> stock, owed;

  explicit Ledger(float mean_demand) : mean(mean_demand), stock(4, mean_demand), owed(4, 0.f) {}

  static float at(const std::vector<std::vector<float>>& history, int period, int firm, float before) {
    return period < 0 ? before : history[static_cast<std::size_t>(period)][static_cast<std::size_t>(firm)];
  }
  /// What firm i is asked for in period t.
  float asked(int t, int i, float demand) const { return i == 0 ? demand : at(ordered, t - 2, i - 1, mean); }

  float play(int t, float demand, const std::vector<float>& orders) {
    const float holding[] = {1, .75f, .5f, .25f};
    ordered.push_back(orders);
    sent.emplace_back(4);
    float cost = 0;
    for (int i = 0; i < 4; ++i) {
      const auto own = static_cast<std::size_t>(i);
      stock[own] += i == 3 ? at(ordered, t - 3, 3, mean) : at(sent, t - 2, i + 1, mean);
      owed[own] += asked(t, i, demand);
      const float leaves = std::min(stock[own], owed[own]);
      stock[own] -= leaves, owed[own] -= leaves;
      sent.back()[own] = leaves;
      cost += holding[i] * stock[own];
    }
    return cost + 10 * owed[0];
  }
};

TEST_CASE("envs/beer_game: follows its rules, as a ledger of all orders and shipments has them") {
  Lane<Whole> lane;
  lane.config.periods = 300;
  lane.reset();
  Ledger ledger(10);
  Random random(7, 0, 0, 0, Purpose::test);
  double made = 0, total = 0;
  const auto units = [&] {
    double sum = 0;
    for (const auto& firm : lane.env.firms) {
      sum += static_cast<double>(firm.stock);
      for (const float shipment : firm.arriving) sum += static_cast<double>(shipment);
    }
    return sum;
  };
  const double at_first = units();
  for (int t = 0; t < 300; ++t) {
    REQUIRE(lane.episode == End::none);
    const float demand = lane.env.firms[0].asked;
    Actions<Whole> actions{};
    std::vector<float> orders;
    for (int i = 0; i < 4; ++i) {
      REQUIRE(lane.env.firms[i].asked == ledger.asked(t, i, demand));
      const int most = t < 150 ? 21 : 14;  // more than enough, then not enough
      actions[i][0] = static_cast<float>(random.integer(most + 4) - 2);
      orders.push_back(std::max(0.f, actions[i][0]));
    }
    made += static_cast<double>(orders[3]);
    total += static_cast<double>(demand);
    lane.step(actions);
    const float cost = ledger.play(t, demand, orders);
    for (int i = 0; i < 4; ++i) {
      REQUIRE(lane.rewards[i] == Approx(static_cast<double>(-cost)));
      const auto& firm = lane.env.firms[i];
      REQUIRE(firm.stock == ledger.stock[static_cast<std::size_t>(i)]);
      REQUIRE(firm.owed == ledger.owed[static_cast<std::size_t>(i)]);
    }
    // Made units are in a stock, under way, or with customers.
    REQUIRE(at_first + made == units() + total - static_cast<double>(lane.env.firms[0].owed));
    // What a firm has ordered waits, was seen by the firm behind, is owed by it, or is under way.
    for (int i = 0; i < 4; ++i) {
      const auto& firm = lane.env.firms[i];
      float outstanding = i < 3 ? lane.env.firms[i + 1].asked + lane.env.firms[i + 1].owed : 0.f;
      for (const float order : firm.waiting) outstanding += i < 3 ? order : 0.f;
      for (const float shipment : firm.arriving) outstanding += shipment;
      REQUIRE(firm.outstanding == outstanding);
    }
  }
  CHECK(lane.episode == End::truncated);
  CHECK(lane.env.service.demand == total);
  CHECK(lane.env.service.fill_rate() > .1);
  CHECK(lane.env.service.fill_rate() < .9);
}

TEST_CASE("envs/beer_game: what is seen") {
  Lane<BeerGame> lane;
  lane.reset();
  Actions<BeerGame> actions{};
  for (int t = 0; t < 3; ++t) {
    for (int i = 0; i < 4; ++i) actions[i][0] = static_cast<float>(4 * i + t);
    lane.step(actions);
  }
  float state[31], seen[7];
  lane.env.state(Row{state}, lane.view());
  for (int i = 0; i < 4; ++i) {
    const auto& firm = lane.env.firms[i];
    lane.env.observe(i, Row{seen}, lane.view());
    const float over = i == 3 ? 30 : 40;
    const float expected[] = {firm.stock / over,       firm.owed / over,      firm.asked / 10,
                              firm.outstanding / over, firm.arriving[0] / 10, firm.arriving[1] / 10,
                              firm.arriving[2] / 10};
    for (int k = 0; k < 7; ++k) {
      CHECK(seen[k] == Approx(static_cast<double>(expected[k])));
      CHECK(state[7 * i + k] == seen[k]);
    }
    if (i < 3) CHECK(state[28 + i] == Approx((4 * i + 2) / 10.));
  }
}

struct Simulated {
  double cost, error;
};
template <class E, class Policy>
Simulated simulate(const Policy& policy, int batches) {
  constexpr int length = 1000;
  Lane<E> lane;
  lane.config.periods = std::numeric_limits<int>::max();
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
  double mean = 0, squares = 0;
  for (const double x : means) mean += x / batches;
  for (const double x : means) squares += (x - mean) * (x - mean);
  return {mean, std::sqrt(squares / (batches - 1) / batches)};
}

TEST_CASE("envs/beer_game: base stock at the known levels costs what is known, over 2 million periods") {
  const Simulated any = simulate<BeerGame>(BeerGame::BaseStockLevels{{{48, 43, 41, 30}}}, 2000);
  CAPTURE(any.cost);
  CAPTURE(any.error);
  CHECK(std::abs(any.cost - 12.506) < 4 * any.error);
  CHECK(any.error < .03);
  const Simulated whole = simulate<WholeBeerGame>(WholeBeerGame::BaseStockLevels{{{48, 43, 41, 30}}}, 2000);
  CAPTURE(whole.cost);
  CHECK(std::abs(whole.cost - 12.612) < 4 * whole.error);
  CHECK(whole.error < .03);
}

TEST_CASE("envs/beer_game: the optimum is computed, and its reference policy earns it") {
  const auto check = []<class E>(E, double known) {
    Lane<E> lane;
    const OptimalValue optimum = E::optimal_value(lane.view());
    CHECK(optimum.of == OptimalValue::Of::step);
    if (!std::isnan(known)) CHECK(optimum.value == Approx(-known).epsilon(1e-4));
    std::vector<std::string> names;
    for_each_reference<E>(lane.view(), [&](const char* name, const auto& policy) {
      names.emplace_back(name);
      if (names.back() != "base_stock") return;
      const Simulated result = simulate<E>(policy, 200);
      CAPTURE(result.cost);
      CHECK(std::abs(result.cost + optimum.value) < 4 * result.error);
    });
    CHECK(names == std::vector<std::string>{"pass_on", "base_stock"});
  };
  check(BeerGame{}, 12.496);
  check(Whole{}, std::numeric_limits<double>::quiet_NaN());
}

TEST_CASE("envs/beer_game: a planner who sees all firms at once does better, as is computed") {
  const BeerGame::Informed planner = BeerGame::informed_base_stock({});
  CHECK(planner.cost == Approx(10.235).epsilon(1e-4));
  const Simulated result = simulate<BeerGame>(planner.policy, 1000);
  CHECK(std::abs(result.cost - planner.cost) < 4 * result.error);
  CHECK(result.error < .03);
  BeerGame::Config strange;
  strange.penalty[2] = 1;
  CHECK_THROWS_AS(BeerGame::informed_base_stock(strange), Error);
}

TEST_CASE("envs/beer_game: no optimum is claimed where it is not known") {
  Lane<BeerGame> lane;
  lane.config.penalty[3] = 1;
  CHECK(std::isnan(BeerGame::optimal_value(lane.view()).value));
  CHECK(std::isnan(WholeBeerGame::optimal_value(Lane<WholeBeerGame>{}.view()).value));
  int policies = 0;
  for_each_reference<BeerGame>(lane.view(), [&](const char*, const auto&) { ++policies; });
  CHECK(policies == 1);
}

TEST_CASE("envs/beer_game: orders by difference are those of the same amounts") {
  Lane<Relative> lane;
  Lane<BeerGame> other;
  lane.reset(), other.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  for (int t = 0; t < 100; ++t) {
    Actions<Relative> differences{};
    Actions<BeerGame> amounts{};
    for (int i = 0; i < 4; ++i) {
      differences[i][0] = random.uniform(-2.f, 2.f);
      amounts[i][0] = lane.env.amount(i, differences[i][0]);
      REQUIRE(amounts[i][0] == std::max(0.f, other.env.firms[i].asked + differences[i][0]));
    }
    lane.step(differences), other.step(amounts);
    REQUIRE(lane.rewards[0] == other.rewards[0]);
  }
}

TEST_CASE(
    "envs/beer_game: orders by a moving average swing as much as the bound of the bullwhip effect says") {
  CHECK(bullwhip_bound(2, 5) == Approx(2.12));
  // The retailer orders up to L times the mean of the last p demands; the others pass on what they are asked.
  constexpr int lead_time = 2, periods = 5;
  Lane<BeerGame> lane;
  lane.config.periods = 200'000;
  lane.reset();
  std::vector<float> seen(periods, 10.f);
  Random random(7, 0, 0, 0, Purpose::test);
  while (lane.episode == End::none) {
    Actions<BeerGame> actions = BeerGame::PassOn{}(lane.env, lane.view(), random);
    const float demand = lane.env.firms[0].asked;
    actions[0][0] = demand + static_cast<float>(lead_time) / periods * (demand - seen.front());
    seen.erase(seen.begin()), seen.push_back(demand);
    lane.step(actions);
  }
  std::vector<double> bullwhip;
  lane.env.metrics([&](const std::string& name, double value) {
    if (name.rfind("bullwhip", 0) == 0) bullwhip.push_back(value);
  });
  REQUIRE(bullwhip.size() == 4);
  for (const double ratio : bullwhip)
    CHECK(ratio == Approx(bullwhip_bound(lead_time, periods)).epsilon(.015));
}

}  // namespace test_beer_game
