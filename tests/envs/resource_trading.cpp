// Trading among several: what changes hands and who is paid for it, what is seen and legal, and what the best
// trades earn.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/negotiation/resource_trading.hpp>

#include "../env/lane.hpp"

namespace test_resource_trading {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using E = ResourceTrading;

static_assert(DeviceEnvironment<E> && HasTurns<E> && HasState<E> && HasLegalActions<E> && HasMetrics<E> &&
              StatesSuccess<E> && HasReferencePolicies<E> && HasOptimalValue<E>);
static_assert(fields_complete<E::Config>() && E::Observation::words == 19);

/// A joint action in which everybody does the same at random.
Actions<E> anything(Random& random) {
  Actions<E> actions{};
  for (int i = 0; i < 4; ++i) {
    const int sizes[] = {2, 3, 2, 3, 21};
    for (int k = 0; k < 5; ++k) actions[i][k] = random.integer(sizes[k]);
  }
  return actions;
}

TEST_CASE("envs/resource_trading: units and prices change hands, and gains are paid as the weights say") {
  Random random(7, 0, 0, 0, Purpose::test);
  int deals = 0, voids = 0;
  for (std::uint32_t number = 0; number < 200; ++number) {
    Lane<E> lane;
    lane.number = number;
    lane.config.own = number % 2 == 0 ? .8f : 1.f;
    lane.reset();
    double worth[4] = {}, money[4] = {}, paid[4] = {};
    const auto value = [&](int i) {
      double total = 0;
      for (int g = 0; g < 3; ++g) {
        total += static_cast<double>(lane.env.values[i][g]) * lane.env.holdings[i][g];
      }
      return total;
    };
    for (int i = 0; i < 4; ++i) worth[i] = value(i);
    for (int round = 0; round < 24; ++round) {
      REQUIRE(lane.episode == End::none);
      REQUIRE(lane.env.round == round);
      const int proposer = round % 4;
      for (int i = 0; i < 4; ++i) REQUIRE(lane.env.acting(i) == (i == proposer));
      const auto offers = anything(random);
      const auto& made = offers[proposer];
      const int partner = (proposer + 1 + made[1]) % 4;
      const int seller = made[2] == 0 ? proposer : partner, buyer = made[2] == 0 ? partner : proposer;
      const bool has = lane.env.holdings[seller][made[3]] > 0;
      lane.step(offers);
      REQUIRE(lane.rewards == Array<float, 4>{});
      if (!has) {
        ++voids;
        REQUIRE(!lane.env.open);
        continue;
      }
      for (int i = 0; i < 4; ++i) REQUIRE(lane.env.acting(i) == (i == partner));
      const auto answers = anything(random);
      const auto before = lane.env.holdings;
      lane.step(answers);
      if (answers[partner][0] == 1) {
        REQUIRE(lane.env.holdings == before);
        REQUIRE(lane.rewards == Array<float, 4>{});
        continue;
      }
      ++deals;
      money[seller] += made[4] / 20., money[buyer] -= made[4] / 20.;
      REQUIRE(lane.env.holdings[seller][made[3]] == before[seller][made[3]] - 1);
      REQUIRE(lane.env.holdings[buyer][made[3]] == before[buyer][made[3]] + 1);
      for (int i = 0; i < 4; ++i) paid[i] += static_cast<double>(lane.rewards[i]);
    }
    REQUIRE(lane.episode == End::terminated);
    double total = 0, gained[4] = {};
    for (int i = 0; i < 4; ++i) total += gained[i] = value(i) - worth[i] + money[i];
    const double own = static_cast<double>(lane.config.own);
    for (int i = 0; i < 4; ++i) {
      REQUIRE(std::abs(static_cast<double>(lane.env.gains[i]) - gained[i]) < 1e-4);
      REQUIRE(std::abs(paid[i] - (own * gained[i] + (1 - own) * (total - gained[i]) / 3)) < 1e-4);
    }
    for (int g = 0; g < 3; ++g) {
      int all = 0;
      for (int i = 0; i < 4; ++i) all += lane.env.holdings[i][g];
      REQUIRE(all == 8);
    }
  }
  CHECK(deals > 1000);
  CHECK(voids > 10);
}

TEST_CASE("envs/resource_trading: selling to whom it is worth most earns the optimum") {
  std::map<std::string, double> efficiency, spread;
  double mean = 0, squares = 0;
  constexpr int episodes = 4000;
  const double optimum = E::optimal_value(Lane<E>{}.view()).value;
  CHECK(optimum == Approx(6 * .3));
  std::vector<std::string> names;
  for_each_reference<E>(Lane<E>{}.view(), [&](const char* name, const auto& policy) {
    names.emplace_back(name);
    Random random(7, 0, 0, 0, Purpose::test);
    for (std::uint32_t number = 0; number < episodes; ++number) {
      Lane<E> lane;
      lane.number = number;
      lane.reset();
      double total = 0;
      while (lane.episode == End::none) {
        lane.step(policy(lane.env, lane.view(), random));
        for (const float reward : lane.rewards) total += static_cast<double>(reward) / 4;
      }
      REQUIRE(total <= static_cast<double>(lane.env.possible) / 4 + 1e-4);
      lane.env.metrics([&](const std::string& figure, double value) {
        if (figure == "efficiency") efficiency[name] += value / episodes;
        if (figure == "spread") spread[name] += value / episodes;
      });
      if (names.back() == "sell_to_best") mean += total / episodes, squares += total * total / episodes;
    }
  });
  CHECK(names == std::vector<std::string>{"sell_to_best", "sell_dear", "one_price"});
  CHECK(efficiency["sell_to_best"] == Approx(1).epsilon(1e-4));
  CHECK(efficiency["sell_dear"] == Approx(1).epsilon(1e-4));
  CHECK(std::abs(mean - optimum) < 4 * std::sqrt((squares - mean * mean) / episodes));
  CHECK(efficiency["one_price"] > .1);
  CHECK(efficiency["one_price"] < .6);
  CHECK(spread["sell_dear"] > spread["one_price"]);
  Lane<E> hurried;
  hurried.config.rounds = 23;
  CHECK(std::isnan(E::optimal_value(hurried.view()).value));
}

TEST_CASE("envs/resource_trading: what is seen, and what is legal") {
  Lane<E> lane;
  lane.reset();
  std::vector<float> mask(31, 1.f);
  lane.env.legal(0, Row{mask.data()});
  for (std::size_t i = 0; i < mask.size(); ++i) CHECK(mask[i] == (i == 1 ? 0.f : 1.f));
  Actions<E> offer{};
  offer[0][1] = 1, offer[0][2] = 1, offer[0][3] = 2, offer[0][4] = 13;  // buys the last good of agent 2
  lane.step(offer);
  mask.assign(31, 1.f);
  lane.env.legal(2, Row{mask.data()});
  float legal = 0;
  for (const float flag : mask) legal += flag;
  CHECK(legal == 6.f);
  float seen[19], state[76];
  lane.env.observe(2, Row{seen});
  lane.env.state(Row{state});
  CHECK(seen[0] == 0.f);
  CHECK(seen[1] == 1.f);
  CHECK(seen[2] == 1.f);
  for (int g = 0; g < 3; ++g) {
    CHECK(seen[3 + g] == lane.env.values[2][g]);
    CHECK(seen[6 + g] == 1.f);
    CHECK(seen[10 + g] == (g == 2 ? 1.f : 0.f));
  }
  CHECK(seen[9] == -1.f);  // it would sell
  CHECK(seen[13] == .65f);
  CHECK(seen[14] == 0.f);
  CHECK(seen[15] == 1.f);  // agent 0 is the second after agent 2
  CHECK(seen[16] == 0.f);
  CHECK(seen[18] == 0.f);
  for (int k = 0; k < 19; ++k) CHECK(state[2 * 19 + k] == seen[k]);
  lane.env.observe(1, Row{seen});
  CHECK(seen[9] == 0.f);  // is not asked
  CHECK(seen[13] == 0.f);
  lane.step({});  // agent 2 accepts
  lane.env.observe(1, Row{seen});
  CHECK(seen[0] == 1.f);
  CHECK(seen[17] == .65f);
  CHECK(seen[18] == 1.f);
  lane.env.observe(0, Row{seen});
  CHECK(seen[8] == 1.5f);
}

}  // namespace test_resource_trading
