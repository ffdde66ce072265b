// Bargaining in a legislature: votes, what is seen, and that nothing gains on the stationary equilibrium.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/negotiation/legislature.hpp>

#include "../env/lane.hpp"

namespace test_legislature {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

static_assert(DeviceEnvironment<Legislature<>> && HasTurns<Legislature<>> && HasState<Legislature<>> &&
              HasMetrics<Legislature<>> && HasReferencePolicies<Legislature<>> &&
              HasOptimalValue<Legislature<>> && fields_complete<Legislature<>::Config>());

template <class E>
struct Played {
  std::vector<double> paid;
  double proposer_share = 0;
  int first_proposer = 0;
};

/// Goes on from the lane as it is.
template <class E, class Policy>
Played<E> play_on(Lane<E>& lane, const Policy& policy) {
  Played<E> result;
  result.paid.resize(E::agents);
  result.first_proposer = lane.env.proposer;
  Random random(7, lane.time, lane.number, 0, Purpose::test);
  while (lane.episode == End::none) {
    lane.step(policy(lane.env, lane.view(), random));
    for (int i = 0; i < E::agents; ++i) {
      result.paid[static_cast<std::size_t>(i)] += static_cast<double>(lane.rewards[i]);
    }
  }
  lane.env.metrics([&](const std::string& name, double value) {
    if (name == "proposer_share") result.proposer_share = value;
  });
  return result;
}

TEST_CASE_TEMPLATE("envs/legislature: in the stationary equilibrium the first proposal passes", E,
                   Legislature<3>, Legislature<5>) {
  CHECK(baron_ferejohn_share(3, .9) == Approx(.7));
  CHECK(baron_ferejohn_share(5, .9) == Approx(.64));
  constexpr int episodes = 6000;
  std::vector<int> bought(E::agents), proposed(E::agents);
  for (std::uint32_t number = 0; number < episodes; ++number) {
    Lane<E> lane;
    lane.number = number;
    lane.reset();
    const auto result = play_on(lane, typename E::Stationary{});
    REQUIRE(lane.env.round == 0);
    REQUIRE(result.proposer_share == Approx(baron_ferejohn_share(E::agents, .9)));
    double total = 0;
    for (int i = 0; i < E::agents; ++i) {
      const double paid = result.paid[static_cast<std::size_t>(i)];
      total += paid;
      if (i == result.first_proposer) {
        ++proposed[static_cast<std::size_t>(i)];
      } else if (paid > 0) {
        ++bought[static_cast<std::size_t>(i)];
        REQUIRE(paid == Approx(.9 / E::agents));
      }
    }
    REQUIRE(total == Approx(1));
  }
  // Everybody proposes equally often, and is bought half of the time otherwise: so each expects 1/n.
  const double p = 1. / E::agents, q = (1 - p) / 2;
  for (std::size_t i = 0; i < bought.size(); ++i) {
    CHECK(std::abs(proposed[i] - episodes * p) < 4 * std::sqrt(episodes * p * (1 - p)));
    CHECK(std::abs(bought[i] - episodes * q) < 4 * std::sqrt(episodes * q * (1 - q)));
  }
  CHECK(E::optimal_value(Lane<E>{}.view()).value == Approx(p));
}

TEST_CASE("envs/legislature: nothing gains on the stationary equilibrium") {
  using E = Legislature<3>;
  // What a member can expect after a proposal failed: the discount over the members, the price of a vote.
  constexpr int episodes = 20'000;
  double waiting = 0, squares = 0;
  for (std::uint32_t number = 0; number < episodes; ++number) {
    Lane<E> lane;
    lane.number = number;
    lane.reset();
    lane.step({});
    lane.step({});  // all against
    REQUIRE(lane.env.round == 1);
    const double paid = play_on(lane, E::Stationary{}).paid[0];
    waiting += paid / episodes, squares += paid * paid / episodes;
  }
  CHECK(std::abs(waiting - .3) < 4 * std::sqrt((squares - waiting * waiting) / episodes));
  // No proposal gives its maker more, whether it passes or not.
  Lane<E> start;
  start.reset();
  const int own = start.env.proposer, left = (own + 1) % 3, right = (own + 2) % 3;
  Random random(7, 0, 0, 0, Purpose::test);
  double best = 0;
  for (int a = 0; a <= 100; ++a) {
    for (int b = 0; a + b <= 100; ++b) {
      Lane<E> lane = start;
      Actions<E> actions{};
      auto& shares = actions[own].get<1>();
      shares[left] = static_cast<float>(a) / 100, shares[right] = static_cast<float>(b) / 100;
      shares[own] = 1 - shares[left] - shares[right];
      lane.step(actions);
      lane.step(E::Stationary{}(lane.env, lane.view(), random));
      const bool passed = lane.episode == End::terminated;
      REQUIRE(passed == (a >= 30 || b >= 30));
      best = std::max(best, passed ? static_cast<double>(lane.rewards[own]) : .3);
    }
  }
  CHECK(best == Approx(.7));
}

TEST_CASE("envs/legislature: votes are counted, and what is divided shrinks") {
  using E = Legislature<5>;
  for (int votes = 0; votes < 16; ++votes) {
    Lane<E> lane;
    lane.config.rounds = 2;
    lane.reset();
    const int proposer = lane.env.proposer;
    int yes = 1;
    Actions<E> actions{};
    for (int i = 0; i < 5; ++i) {
      CHECK(lane.env.acting(i) == (i == proposer));
      actions[proposer].get<1>()[i] = .2f;
    }
    lane.step(actions);
    CHECK(lane.rewards == Array<float, 5>{});
    for (int i = 0, k = 0; i < 5; ++i) {
      CHECK(lane.env.acting(i) == (i != proposer));
      if (i == proposer) continue;
      actions[i].get<0>() = votes >> k++ & 1;
      yes += actions[i].get<0>();
    }
    const Lane<E> open = lane;
    lane.step(actions);
    CHECK((lane.episode == End::terminated) == (yes >= 3));
    CHECK(lane.env.success() == (yes >= 3 ? 1.f : 0.f));
    CHECK(lane.rewards[0] == (yes >= 3 ? .2f : 0.f));
    if (yes >= 3) continue;
    CHECK(lane.env.worth == .9f);
    lane.step({});
    lane.step({});
    CHECK(lane.episode == End::truncated);
    float seen[13], state[13];
    open.env.observe(2, Row{seen});
    open.env.state(Row{state});
    CHECK(seen[0] == 0.f);
    CHECK(seen[1] == (proposer == 2 ? 0.f : 1.f));
    CHECK(seen[2] == 1.f);
    for (int k = 0; k < 5; ++k) {
      CHECK(seen[3 + k] == .2f);
      CHECK(seen[8 + k] == ((2 + k) % 5 == proposer ? 1.f : 0.f));
      CHECK(state[8 + k] == (k == proposer ? 1.f : 0.f));
    }
  }
}

TEST_CASE("envs/legislature: its reference policies earn the optimum, with what they are called for") {
  std::vector<std::string> names;
  Lane<Legislature<5>> lane;
  for_each_reference<Legislature<5>>(lane.view(), [&](const char* name, const auto& policy) {
    names.emplace_back(name);
    lane.episode = End::none;
    lane.reset();
    const auto result = play_on(lane, policy);
    double mean = 0;
    for (const double paid : result.paid) mean += paid / 5;
    CHECK(mean == Approx(.2));
    CHECK(result.proposer_share == Approx(names.back() == "equal" ? .2 : .64));
  });
  CHECK(names == std::vector<std::string>{"stationary", "equal"});
}

}  // namespace test_legislature
