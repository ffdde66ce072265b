// Markets with private information: the double auction and Kyle's market, by their equilibria.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/market/kyle_market.hpp>
#include <polis/envs/negotiation/double_auction.hpp>

#include "../env/lane.hpp"

namespace test_private_information {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

static_assert(DeviceEnvironment<DoubleAuction> && HasState<DoubleAuction> && HasMetrics<DoubleAuction> &&
              HasReferencePolicies<DoubleAuction> && HasOptimalValue<DoubleAuction>);
static_assert(DeviceEnvironment<KyleMarket<2>> && HasMetrics<KyleMarket<>> &&
              HasReferencePolicies<KyleMarket<2>> && HasOptimalValue<KyleMarket<2>> &&
              fields_complete<KyleMarket<>::Config>());

/// Means over episodes of rewards and figures, and the error of the mean reward.
struct Means {
  std::vector<double> paid;
  double mean = 0, error = 0;
  std::map<std::string, double> figures;
};
template <class E, class Policy>
Means play(const Policy& policy, const ConfigOf<E>& config = {}, int episodes = 100'000) {
  Means result;
  result.paid.resize(agent_count<E>);
  double squares = 0;
  Random random(7, 0, 0, 0, Purpose::test);
  for (int number = 0; number < episodes; ++number) {
    Lane<E> lane;
    lane.config = config;
    lane.number = static_cast<std::uint32_t>(number);
    lane.reset();
    lane.step(policy(lane.env, lane.view(), random));
    REQUIRE(lane.episode == End::terminated);
    double mean = 0;
    for (int i = 0; i < agent_count<E>; ++i) {
      const auto reward = static_cast<double>(lane.rewards[i]);
      result.paid[static_cast<std::size_t>(i)] += reward / episodes;
      mean += reward / agent_count<E>;
    }
    result.mean += mean / episodes, squares += mean * mean / episodes;
    lane.env.metrics([&](const char* name, double value) { result.figures[name] += value / episodes; });
  }
  result.error = std::sqrt((squares - result.mean * result.mean) / episodes);
  return result;
}

TEST_CASE("envs/private_information: the double auction's linear equilibrium trades as is known") {
  const DoubleAuction::Linear equilibrium{2.f / 3, 1.f / 12, 1.f / 4}, truthful{1, 0, 0};
  const Means played = play<DoubleAuction>(equilibrium), honest = play<DoubleAuction>(truthful);
  CHECK(std::abs(played.mean - DoubleAuction::equilibrium_surplus / 2) < 4 * played.error);
  CHECK(std::abs(played.figures.at("trade") - 9. / 32) < .006);
  CHECK(std::abs(played.figures.at("surplus") - 9. / 64) < .003);
  CHECK(std::abs(honest.mean - DoubleAuction::optimal_value(Lane<DoubleAuction>{}.view()).value) <
        4 * honest.error);
  CHECK(honest.figures.at("surplus") == Approx(honest.figures.at("possible")));
  CHECK(std::abs(played.paid[0] - played.paid[1]) < .003);
}

TEST_CASE("envs/private_information: no price named beats the linear equilibrium against itself") {
  // What a buyer of this value, or a seller of this cost, earns on average: over a grid of the other's.
  constexpr int grid = 2000;
  const auto earns = [](bool buyer, float own, float price) {
    double total = 0;
    for (int k = 0; k < grid; ++k) {
      const float other = (static_cast<float>(k) + .5f) / grid;
      Lane<DoubleAuction> lane;
      lane.env.value = buyer ? own : other;
      lane.env.cost = buyer ? other : own;
      Actions<DoubleAuction> actions{};
      actions.of(AuctionBuyer{})[0][0] = buyer ? price : 2 * other / 3 + 1.f / 12;
      actions.of(AuctionSeller{})[0][0] = buyer ? 2 * other / 3 + .25f : price;
      lane.step(actions);
      total += static_cast<double>(lane.rewards[buyer ? 0 : 1]) / grid;
    }
    return total;
  };
  for (const float own : {.1f, .3f, .5f, .7f, .9f}) {
    const double bid = earns(true, own, 2 * own / 3 + 1.f / 12), ask = earns(false, own, 2 * own / 3 + .25f);
    for (int k = 0; k <= 50; ++k) {
      const float price = static_cast<float>(k) / 50;
      CHECK(earns(true, own, price) < bid + 1e-3);
      CHECK(earns(false, own, price) < ask + 1e-3);
    }
  }
  // The truth is no equilibrium: a buyer bids less.
  CHECK(earns(true, .9f, .9f) < earns(true, .9f, .6f + 1.f / 12));
}

TEST_CASE_TEMPLATE("envs/private_information: Kyle's traders earn what is known", E, KyleMarket<1>,
                   KyleMarket<2>) {
  constexpr int n = E::agents;
  Lane<E> lane;
  const KyleEquilibrium known = lane.config.equilibrium();
  CHECK(known.profit == Approx(n == 1 ? .5 : .2357).epsilon(1e-3));
  CHECK(known.beta == Approx(1 / std::sqrt(n)));
  CHECK(known.lambda == Approx(std::sqrt(n) / (n + 1)));
  std::map<std::string, Means> results;
  for_each_reference<E>(lane.view(),
                        [&](const char* name, const auto& policy) { results[name] = play<E>(policy); });
  REQUIRE(results.size() == n);
  const Means& equilibrium = results["equilibrium"];
  CHECK(std::abs(equilibrium.mean - known.profit) < 4 * equilibrium.error);
  CHECK(equilibrium.error < .005);
  CHECK(equilibrium.figures.at("aggressiveness") == Approx(known.beta).epsilon(1e-3));
  // The price is the expectation of the value: what is left is sv^2 / (n + 1).
  CHECK(std::abs(equilibrium.figures.at("squared_error") - 1. / (n + 1)) < .01);
  const Means& best = results[n == 1 ? "equilibrium" : "collusion"];
  CHECK(std::abs(best.mean - E::optimal_value(lane.view()).value) < 4 * best.error);
  // Other units scale profits by both deviations.
  typename E::Config config;
  config.value_deviation = 2, config.noise_deviation = 3;
  const auto scaled = play<E>(typename E::Proportional{static_cast<float>(known.beta)}, config);
  CHECK(scaled.mean == Approx(6 * equilibrium.mean).epsilon(1e-4));
}

TEST_CASE("envs/private_information: no other order gains on Kyle's equilibrium with two") {
  using E = KyleMarket<2>;
  const auto beta = static_cast<float>(Lane<E>{}.config.equilibrium().beta);
  const auto first = [&](float part) {
    return play<E>([&](const E& env, const View<E>&, Random&) {
             Actions<E> actions{};
             actions[0][0] = part * env.surprise, actions[1][0] = beta * env.surprise;
             return actions;
           })
        .paid[0];
  };
  const double stays = first(beta);
  for (const float part : {.3f, .5f, .9f, 1.1f}) CHECK(first(part) < stays);
}

}  // namespace test_private_information
