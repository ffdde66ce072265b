// Supply networks: their shapes, the goods in them, what they cost against what is known, and each of the
// things that may happen in them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/supply_chain/supply_network.hpp>

#include "../env/lane.hpp"

namespace test_supply_network {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

struct EvenTree {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = distribution_network(3, 1, 2);
    made.allocation = Allocation::even;
    return made;
  }();
};
struct PlantOfTwo {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = assembly_network(3, 2, 1);
    made.products = 2;
    made.demand = DemandKind::rounded;
    return made;
  }();
};
struct ForgetfulNet {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = general_network(3, 2, 2, 2);
    made.orders = made.customers = Unmet::lost;
    made.demand = DemandKind::normal;
    made.modes = 3;
    made.rewards = RewardStructure::general_sum;
    return made;
  }();
};
struct LostSalesNode {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = serial_network<1>({{2}});
    made.customers = Unmet::lost;
    return made;
  }();
};
struct PricedShop {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = serial_network<1>({{1}});
    made.priced = true;
    made.demand = DemandKind::normal;
    made.customers = Unmet::lost;
    return made;
  }();
};
struct ThreeModes {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = serial_network<2>({{4, 1}});
    made.modes = 3;
    return made;
  }();
};

using Line = SerialNetwork<1, 2>;
using Tree = BasicSupplyNetwork<EvenTree>;
using Plant = BasicSupplyNetwork<PlantOfTwo>;
using Forgetful = BasicSupplyNetwork<ForgetfulNet>;

static_assert(DeviceEnvironment<Line> && DeviceEnvironment<Tree> && DeviceEnvironment<Plant> &&
              DeviceEnvironment<Forgetful> && DeviceEnvironment<RetailNetwork>);
static_assert(HasState<Tree> && HasMetrics<Tree> && StatesSuccess<Tree> && HasTurns<Tree> &&
              HasStages<Tree> && HasReferencePolicies<Tree> && HasOptimalValue<Tree>);
static_assert(fields_complete<NetworkConfig<3>>() && fields_complete<NetworkTask>());

// Shapes.
static_assert(role_count<Tree> == 2 && RoleOf<Tree, 0>::count == 3 && RoleOf<Tree, 1>::count == 1);
static_assert(Tree::shape.flow[3] == 3 && Tree::shape.value[3] == 1 && Tree::shape.most_in == 1);
static_assert(role_count<Plant> == 2 && Plant::shape.components[0] == 3 && Plant::shape.flow[1] == 1);
static_assert(Plant::shape.value[2] * 3 == 1 && Plant::part_kinds == 3 && Line::part_kinds == 0);
static_assert(role_count<RetailNetwork> == 3 && RetailNetwork::shape.tier_first[2] == 6 &&
              RetailNetwork::shape.flow[4] == 2 && RetailNetwork::shape.flow[7] == 2);
static_assert(RoleOf<RetailNetwork, 0>::Action::words == 2 * 2 * 2 + 2 &&
              RoleOf<RetailNetwork, 1>::Action::words == 2 * 2 * 2);
static_assert(BasicSupplyNetwork<ThreeModes>::Goods::slots == 8);

// What is no network: a link downwards, an end that is not supplied, tiers out of order.
struct Backwards {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = serial_network<2>({{1, 1}});
    made.link[0].from = 0;
    return made;
  }();
};
struct Unsupplied {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = serial_network<2>({{1, 1}});
    made.links = 1;
    return made;
  }();
};
/// Node 2 serves customers, and stands behind one that does not.
struct OutOfOrder {
  static constexpr NetworkSpec spec = [] {
    NetworkSpec made = serial_network<3>({{1, 1, 1}});
    made.link[1].from = NetworkLink::outside;
    return made;
  }();
};
static_assert(!network_graph<Backwards>().valid && !network_graph<Unsupplied>().valid &&
              !network_graph<OutOfOrder>().valid && network_graph<RetailShape>().valid);

template <class E, int K = 0>
void choose_any(Actions<E>& actions, Random& random, float most) {
  for (auto& own : actions.of(NetworkTier<K>{})) {
    for (int i = 0; i < own.size(); ++i) own[i] = random.uniform(0.f, most);
    using Orders = typename RoleOf<E, K>::Action;
    for (int i = Orders::orders; i < own.size(); ++i) own[i] = random.uniform(.5f, 2.f);
  }
  if constexpr (K + 1 < E::tiers) choose_any<E, K + 1>(actions, random, most);
}

/// Every unit of what customers buy that is in the network, as products or parts of them.
template <class E>
double worth(const E& env) {
  constexpr auto graph = E::shape;
  double sum = 0;
  for (int n = 0; n < E::nodes; ++n) {
    for (int p = 0; p < E::products; ++p) {
      double own = static_cast<double>(env.goods.node[n].stock[p]);
      for (int c = 0; c < E::part_kinds; ++c) {
        own += static_cast<double>(env.goods.node[n].parts[c][p]) / graph.components[n];
      }
      sum += own * static_cast<double>(graph.value[n]);
    }
  }
  for (int l = 0; l < E::links; ++l) {
    const int to = graph.link[l].to;
    for (const auto& goods : env.goods.link[l].arriving) {
      for (const float amount : goods) {
        sum += static_cast<double>(amount) * static_cast<double>(graph.value[to]) / graph.components[to];
      }
    }
  }
  return sum;
}

TEST_CASE_TEMPLATE("envs/supply_network: units come in, are sold, or are in the network", E, Line, Tree,
                   Plant, Forgetful, RetailNetwork) {
  Lane<E> lane;
  lane.config.down = .05f;
  lane.config.capacity = 1.5f;
  lane.config.forecast = .5f;
  lane.config.season = .3f;
  lane.config.purchase = 1;
  lane.config.fixed_cost = 1;
  lane.config.periods = 300;
  Random random(7, 0, 0, 0, Purpose::test);
  lane.reset();
  const double at_first = worth(lane.env);
  while (lane.episode == End::none) {
    Actions<E> actions{};
    choose_any(actions, random, lane.env.period < 150 ? 2.5f : 1.5f);
    lane.step(actions);
    const NetworkTotals& totals = lane.env.totals;
    const double bought = -totals.parts[NetworkParts::purchase];
    REQUIRE(at_first + bought == Approx(worth(lane.env) + totals.sold).epsilon(1e-5));
    REQUIRE(std::abs(totals.parts[NetworkParts::trade]) < 1e-6 * (1 + totals.sold) * 10);
    for (const auto& node : lane.env.goods.node) {
      for (int p = 0; p < E::products; ++p) {
        REQUIRE(node.stock[p] >= -1e-3f);
        REQUIRE(node.owed[p] >= 0);
      }
    }
    for (const auto& link : lane.env.goods.link) {
      for (const auto& orders : link.waiting) {
        for (const float order : orders) REQUIRE(order >= -1e-3f);
      }
    }
  }
  CHECK(lane.episode == End::truncated);
  CHECK(lane.env.totals.sold > 0);
  CHECK(lane.env.totals.fill_rate() > .01);
  CHECK(lane.env.totals.fill_rate() < 1);
  CHECK(lane.env.success() == Approx(lane.env.totals.fill_rate()));
}

TEST_CASE("envs/supply_network: rewards are the weighted parts, of all or of each and the mean") {
  Lane<Tree> team;
  Lane<Forgetful> own, mixed, equal;
  team.config.rewards.service = 2, team.config.rewards.emissions = .5f, team.config.rewards.holding = 3;
  team.config.fixed_cost = 2;
  mixed.config.rewards.cooperation = .25f, equal.config.rewards.cooperation = 1;
  team.reset(), own.reset(), mixed.reset(), equal.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  Array<double, NetworkParts::count> before{};
  for (int t = 0; t < 50; ++t) {
    Actions<Tree> actions{};
    choose_any(actions, random, 2);
    team.step(actions);
    const auto& parts = team.env.totals.parts;
    const double weight[] = {1, 1, 1, 1, 3, 1, .5, 2};
    double expected = 0;
    for (int i = 0; i < NetworkParts::count; ++i) expected += weight[i] * (parts[i] - before[i]);
    before = parts;
    for (const float reward : team.rewards) REQUIRE(reward == Approx(expected).epsilon(1e-4));
    Actions<Forgetful> others{};
    choose_any(others, random, 1);
    own.step(others), mixed.step(others), equal.step(others);
    double mean = 0;
    for (const float reward : own.rewards) mean += static_cast<double>(reward) / 7;
    for (int i = 0; i < 7; ++i) {
      const auto alone = static_cast<double>(own.rewards[i]);
      REQUIRE(mixed.rewards[i] == Approx(.75 * alone + .25 * mean).epsilon(1e-4));
      REQUIRE(equal.rewards[i] == Approx(mean).epsilon(1e-4));
    }
  }
}

struct Simulated {
  double cost, error;
};
template <class E, class Policy>
Simulated simulate(const Policy& policy, const ConfigOf<E>& config, int batches) {
  constexpr int length = 1000;
  Lane<E> lane;
  lane.config = config;
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

/// Settings without money but holding and shortage.
template <class E>
ConfigOf<E> costs_alone(float mean, float penalty, const Array<float, E::tiers>& holding) {
  ConfigOf<E> config;
  config.mean = mean, config.penalty = penalty, config.holding = holding;
  config.price = config.purchase = 0;
  config.transport = {};
  return config;
}

TEST_CASE("envs/supply_network: a row of two stages costs what Clark and Scarf say") {
  Lane<Line> lane;
  lane.config = costs_alone<Line>(5, 20, {{2, 1}});
  CHECK(Line::optimal_value(lane.view()).value == Approx(-20.8284).epsilon(1e-5));
  std::vector<std::string> names;
  for_each_reference<Line>(lane.view(), [&](const char* name, const auto& policy) {
    names.emplace_back(name);
    const Simulated result = simulate<Line>(policy, lane.config, 300);
    CAPTURE(name);
    CAPTURE(result.cost);
    CAPTURE(result.error);
    if (names.back() == "echelon_base_stock") {
      CHECK(policy.levels == Array<float, 2>{{16, 27}});
      CHECK(std::abs(result.cost - 20.8284) < 4 * result.error);
      CHECK(result.error < .05);
    } else {
      CHECK(result.cost > 20.8284);
    }
  });
  CHECK(names == std::vector<std::string>{"base_stock", "echelon_base_stock"});
  // With money: each unit sold brings its margin.
  lane.config.price = 10, lane.config.purchase = 4, lane.config.transport[0] = .5f;
  CHECK(Line::optimal_value(lane.view()).value == Approx(5 * (10 - 4 - 2 * .5) - 20.8284).epsilon(1e-5));
  lane.config.capacity = 2;
  CHECK(std::isnan(Line::optimal_value(lane.view()).value));
}

TEST_CASE("envs/supply_network: one node is the inventory of the literature, backlogged or with lost sales") {
  using Backlog = SerialNetwork<4>;
  Lane<Backlog> lane;
  lane.config = costs_alone<Backlog>(20, 9, {{1}});
  CHECK(Backlog::optimal_value(lane.view()).value == Approx(-17.90513).epsilon(1e-6));
  const Simulated owed = simulate<Backlog>(NodeBaseStock<Backlog>{{{113}}}, lane.config, 300);
  CHECK(std::abs(owed.cost - 17.90513) < 4 * owed.error);
  using Lost = BasicSupplyNetwork<LostSalesNode>;
  Lane<Lost> other;
  other.config = costs_alone<Lost>(5, 9, {{1}});
  CHECK(std::isnan(Lost::optimal_value(other.view()).value));
  const Simulated lost = simulate<Lost>(NodeBaseStock<Lost>{{{19}}}, other.config, 300);
  CHECK(std::abs(lost.cost - 6.3163) < 4 * lost.error);
  CHECK(lost.error < .02);
}

TEST_CASE(
    "envs/supply_network: suppliers fail and recover at their rates, and send nothing while they are down") {
  Lane<Tree> lane;
  lane.config.down = .05f, lane.config.recover = .2f, lane.config.periods = 60'000;
  lane.reset();
  const NodeBaseStock<Tree> policy{{{30, 30, 30, 100}}};
  Random random(7, 0, 0, 0, Purpose::test);
  int outages = 0, lost_periods = 0, sent_while_down = 0;
  while (lane.episode == End::none) {
    const Array<bool, Tree::Goods::sources> down = lane.env.goods.down;
    lane.step(policy(lane.env, lane.view(), random));
    for (int l = 0; l < 4; ++l) {
      const int source = l < 3 ? 3 : 4 + 3;
      const int delay = l < 3 ? 1 : 2;
      // What was sent now has moved on by a period: it is in stock (delay 1), or in the slot before its own.
      if (down[source] && delay > 1 && lane.env.goods.link[l].arriving[delay - 2][0] > 0) ++sent_while_down;
    }
    if (down[3] && !lane.env.goods.down[3]) ++outages;
    lost_periods += lane.env.goods.down[3] ? 1 : 0;
    REQUIRE(!lane.env.goods.down[0]);  // who serves customers supplies nobody
  }
  CHECK(sent_while_down == 0);
  // Stationary share .05 / .25; an outage lasts 1 / .2 periods. The share's deviation: .4 sqrt(1.75 / .25 /
  // n).
  CHECK(lost_periods / 60'000. == Approx(.2).epsilon(.04));
  CHECK(static_cast<double>(lost_periods) / outages == Approx(5).epsilon(.04));
  CHECK(lane.env.totals.down_share() == Approx(.2).epsilon(.03));
  Lane<Tree> calm;
  calm.config = lane.config;
  calm.config.periods = 100;
  calm.task.failures = 0;
  calm.reset();
  while (calm.episode == End::none) calm.step(policy(calm.env, calm.view(), random));
  CHECK(calm.env.totals.failed == 0);
}

TEST_CASE("envs/supply_network: forecasts have the quality that is stated, and no bias") {
  for (const float quality : {0.f, .5f, .9f, 1.f}) {
    Lane<Forgetful> lane;
    lane.config.forecast = quality;
    lane.config.periods = 20'000;
    lane.config.mean = 20;
    lane.reset();
    double n = 0, f = 0, d = 0, ff = 0, dd = 0, fd = 0, error = 0;
    while (lane.episode == End::none) {
      for (int i = 0; i < 3; ++i) {
        const auto forecast = static_cast<double>(lane.env.goods.node[i].forecast[0]);
        const auto demand = static_cast<double>(lane.env.goods.node[i].demand[0]);
        ++n, f += forecast, d += demand, ff += forecast * forecast, dd += demand * demand;
        fd += forecast * demand, error += (forecast - demand) * (forecast - demand);
      }
      lane.step({});
    }
    const double covariance = fd / n - f / n * (d / n), spread = dd / n - d / n * (d / n);
    const auto q = static_cast<double>(quality);
    CAPTURE(quality);
    CHECK(f / n == Approx(20).epsilon(.005));
    CHECK(error / n == Approx(9 * (1 - q * q)).epsilon(.03));
    if (quality > 0) {
      const double variance = ff / n - f / n * (f / n);
      CHECK(covariance / std::sqrt(variance * spread) == Approx(q).epsilon(.02));
      CHECK(covariance / variance == Approx(1).epsilon(.03));  // the mean of the demand given f is f
    }
  }
}

TEST_CASE("envs/supply_network: demand goes with the price, and the season with time") {
  using Shop = BasicSupplyNetwork<PricedShop>;
  const auto sold = [](float price, float elasticity) {
    Lane<Shop> lane;
    lane.config.elasticity = elasticity, lane.config.periods = 4000;
    lane.reset();
    Actions<Shop> actions{};
    actions.of(NetworkTier<0>{})[0][0] = 4;  // more than is ever asked for
    actions.of(NetworkTier<0>{})[0][1] = price;
    while (lane.episode == End::none) lane.step(actions);
    CHECK(lane.env.totals.parts[NetworkParts::revenue] ==
          Approx(10 * static_cast<double>(price) * lane.env.totals.sold).epsilon(1e-4));
    return lane.env.totals.demand / 4000;
  };
  CHECK(sold(1, 1.5f) == Approx(10).epsilon(.02));
  CHECK(sold(.81f, 1.5f) == Approx(10 / std::pow(.81, 1.5)).epsilon(.02));
  CHECK(sold(2, 2) == Approx(2.5).epsilon(.02));
  Lane<Forgetful> lane;
  lane.config.season = .5f, lane.config.season_periods = 4, lane.config.periods = 4000;
  lane.reset();
  double by_phase[4] = {};
  while (lane.episode == End::none) {
    by_phase[lane.env.period % 4] += static_cast<double>(lane.env.goods.node[0].demand[0]) / 1000;
    lane.step({});
  }
  const double expected[] = {10, 15, 10, 5};
  for (int phase = 0; phase < 4; ++phase) CHECK(by_phase[phase] == Approx(expected[phase]).epsilon(.05));
}

TEST_CASE("envs/supply_network: modes of transport take their time, their price and their emissions") {
  using E = BasicSupplyNetwork<ThreeModes>;
  Lane<E> lane;
  lane.config.mean = 10;
  const float price[] = {.2f, .6f, .1f}, emissions[] = {1, 3, .5f};
  const int periods[] = {4, 2, 8};
  for (int mode = 0; mode < 3; ++mode) {
    lane.reset();
    for (auto& goods : lane.env.goods.link[0].arriving) goods = {};
    lane.env.goods.node[1].stock[0] = 100;
    Actions<E> actions{};
    actions.of(NetworkTier<0>{})[0][mode] = .7f;
    lane.step(actions);
    CHECK(lane.env.totals.parts[NetworkParts::transport] == Approx(-7 * static_cast<double>(price[mode])));
    CHECK(lane.env.goods.emitted == Approx(7 * 4 * static_cast<double>(emissions[mode])));
    CHECK(lane.env.totals.parts[NetworkParts::emissions] == Approx(-lane.env.goods.emitted));
    for (int t = 1; t < periods[mode]; ++t) {
      CHECK(lane.env.goods.link[0].arriving[periods[mode] - t - 1][0] == 7);
      lane.step({});
    }
    CHECK(lane.env.goods.link[0].outstanding(0) == 0);
  }
}

TEST_CASE("envs/supply_network: orders beyond stock or capacity wait, or are forgotten") {
  Lane<Tree> lane;
  const auto order = [&](float capacity) {
    lane.config.capacity = capacity;
    lane.reset();
    lane.env.goods.node[3].stock[0] = 25;
    lane.env.goods.link[3].arriving = {};
    Actions<Tree> actions{};
    for (auto& own : actions.of(NetworkTier<0>{})) own[0] = 2;  // 60 together
    lane.step(actions);
    float waits = 0;
    for (int l = 0; l < 3; ++l) waits += lane.env.goods.link[l].waiting[0][0];
    CHECK(lane.env.goods.node[3].asked[0] == 60);
    CHECK(waits == 60 - (25 - lane.env.goods.node[3].stock[0]));
    return 25 - lane.env.goods.node[3].stock[0];
  };
  CHECK(order(0) == 25);
  CHECK(order(.5f) == 15);  // half of the mean demand of three shops
  lane.step({});
  CHECK(lane.env.goods.node[3].stock[0] == 0);  // 10 more of what waits

  Lane<Forgetful> other;
  other.reset();
  Actions<Forgetful> actions{};
  for (auto& own : actions.of(NetworkTier<0>{})) own[0] = 4;  // of the first warehouse, standard mode
  const float had = other.env.goods.node[3].stock[0];
  other.step(actions);
  CHECK(other.env.goods.node[3].asked[0] == Approx(120));
  CHECK(had < 120);
  for (const auto& link : other.env.goods.link) {
    for (const auto& orders : link.waiting) CHECK(orders[0] == 0);
  }
}

TEST_CASE("envs/supply_network: a plant makes as many products as it has all parts for") {
  Lane<Plant> lane;
  lane.reset();
  for (int c = 0; c < 3; ++c) lane.env.goods.link[c].arriving = {};
  lane.env.goods.node[0].stock = {};
  Actions<Plant> actions{};
  for (int c = 0; c < 3; ++c) actions.of(NetworkTier<0>{})[0][2 * c] = .1f * static_cast<float>(4 + 2 * c);
  lane.step(actions);  // 4, 6, 8 of product 0 are under way for two periods
  lane.step({});
  CHECK(lane.env.goods.node[0].stock[0] == 4);
  CHECK(lane.env.goods.node[0].stock[1] == 0);
  CHECK(lane.env.goods.node[0].parts[0][0] == 0);
  CHECK(lane.env.goods.node[0].parts[1][0] == 2);
  CHECK(lane.env.goods.node[0].parts[2][0] == 4);
}

TEST_CASE("envs/supply_network: tasks say how much of the network is at work") {
  using E = RetailNetwork;
  Lane<E> lane;
  Random random(7, 0, 0, 0, Purpose::test);
  for (int stage = 0; stage < E::stages(lane.config, lane.data); ++stage) {
    lane.task = E::task(stage, lane.config, lane.data, random);
    lane.config.down = .3f;
    lane.reset();
    const int width = stage == 0 ? 1 : stage == 1 ? 2 : 4, products = stage == 0 ? 1 : 2;
    for (int i = 0; i < 4; ++i) CHECK(lane.env.acting(NetworkTier<0>{}, i) == (i < width));
    for (int i = 0; i < 2; ++i) CHECK(lane.env.acting(NetworkTier<2>{}, i) == (i < width));
    for (int t = 0; t < 50; ++t) {
      Actions<E> actions{};
      choose_any(actions, random, 1);
      lane.step(actions);
    }
    for (int n = 0; n < 8; ++n) {
      const bool active = (n < 4 ? n : n % 2) < width;
      CHECK(lane.env.goods.node[n].active == active);
      for (int p = products; p < 2; ++p) CHECK(lane.env.goods.node[n].stock[p] == 0);
    }
    CHECK(lane.env.totals.calls == 50 * width * products);
    CHECK((lane.env.totals.failed > 0) == (stage > 0));
  }
  const NetworkTask few = NetworkTask::of_stage(0, 10, 10), more = NetworkTask::of_stage(1, 10, 10),
                    most = NetworkTask::of_stage(2, 10, 10);
  CHECK((few.width == 2 && few.products == 3 && few.failures == 0 && few.variability == .5f));
  CHECK((more.width == 4 && more.products == 6 && more.failures == 1 && more.variability == .5f));
  CHECK((most.width == 8 && most.products == 10 && most.failures == 1 && most.variability == 1));
  lane.config.forecast = 1.5f;
  CHECK_THROWS_WITH_AS(E::stages(lane.config, lane.data),
                       "forecast: the value is 1.5; expected between 0 and 1", Error);
  Lane<Tree> narrow;
  narrow.task.width = 2;
  narrow.reset();
  CHECK(narrow.env.acting(NetworkTier<0>{}, 1));
  CHECK(!narrow.env.acting(NetworkTier<0>{}, 2));
  CHECK(narrow.env.acting(NetworkTier<1>{}, 0));
}

TEST_CASE("envs/supply_network: what is seen") {
  Lane<Plant> lane;
  lane.config.forecast = 1, lane.config.down = .5f;
  lane.reset();
  Random random(7, 0, 0, 0, Purpose::test);
  for (int t = 0; t < 5; ++t) {
    Actions<Plant> actions{};
    choose_any(actions, random, 1);
    lane.step(actions);
  }
  constexpr int words = Plant::node_words;  // 2 x (4 + 3 + 2 x 3) + 4 + 3
  static_assert(words == 33 && Plant::State::words == 4 * words);
  float state[4 * words], seen[words];
  lane.env.state(Row{state}, lane.view());
  for (int n = 0; n < 4; ++n) {
    if (n == 0) lane.env.observe(NetworkTier<0>{}, 0, Row{seen}, lane.view());
    if (n > 0) lane.env.observe(NetworkTier<1>{}, n - 1, Row{seen}, lane.view());
    for (int i = 0; i < words; ++i) CHECK(seen[i] == state[n * words + i]);
    const auto& node = lane.env.goods.node[n];
    for (int p = 0; p < 2; ++p) {
      const float* own = seen + 13 * p;
      CHECK(own[0] == Approx(static_cast<double>(node.stock[p]) / 10));
      CHECK(own[1] == Approx(static_cast<double>(node.owed[p]) / 10));
      CHECK(own[2] == Approx(static_cast<double>(node.asked[p]) / 10));
      CHECK(own[3] == Approx(static_cast<double>(n == 0 ? node.demand[p] : 0.f) / 10));
      for (int c = 0; c < 3; ++c) CHECK(own[4 + c] == Approx(static_cast<double>(node.parts[c][p]) / 10));
      const auto& link = lane.env.goods.link[n == 0 ? 0 : 2 + n];
      CHECK(own[7] == Approx(static_cast<double>(link.outstanding(p)) / 10));
      CHECK(own[8] == Approx(static_cast<double>(link.arriving[0][p]) / 10));
    }
    CHECK(seen[26] == 1);
    CHECK(seen[27] == (lane.env.goods.down[n] ? 0.f : 1.f));
    for (int k = 0; k < 3; ++k) {
      const bool there = n == 0 || k == 0;
      const int source = n == 0 ? k + 1 : 4 + 2 + n;
      CHECK(seen[30 + k] == (there && !lane.env.goods.down[source] ? 1.f : 0.f));
    }
  }
}

TEST_CASE_TEMPLATE("envs/supply_network: base stock beats random orders in every shape", E, Tree, Plant,
                   Forgetful, RetailNetwork) {
  const auto total = [](const auto& policy) {
    Lane<E> lane;
    lane.config.periods = 500;
    lane.config.down = .02f;
    lane.reset();
    Random random(7, 0, 0, 0, Purpose::test);
    double sum = 0;
    while (lane.episode == End::none) {
      lane.step(policy(lane.env, lane.view(), random));
      for (const float reward : lane.rewards) sum += static_cast<double>(reward);
    }
    std::map<std::string, double> figures;
    lane.env.metrics([&](const char* name, double value) { figures[name] = value; });
    CHECK(figures.size() == 13);
    CHECK(figures.at("turnover") == Approx(lane.env.totals.sold / lane.env.totals.held));
    return std::pair{sum, figures.at("fill_rate")};
  };
  const auto at_random = total([](const E&, const View<E>&, Random& random) {
    Actions<E> actions{};
    choose_any(actions, random, 1.5f);
    return actions;
  });
  int policies = 0;
  for_each_reference<E>(Lane<E>{}.view(), [&](const char*, const auto& policy) {
    ++policies;
    const auto found = total(policy);
    CHECK(found.first > at_random.first);
    CHECK(found.second > .7);
  });
  CHECK(policies == 1);
}

}  // namespace test_supply_network
