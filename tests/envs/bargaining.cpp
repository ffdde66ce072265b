// Alternating offers: the equilibria that are known of them, found by backward induction through the
// environment's own steps; efficient agreements; bargainers with fixed tactics.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/channel.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/negotiation/bargaining.hpp>

#include "../env/lane.hpp"

namespace test_bargaining {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

using Fine = BasicBargaining<BargainingSpec{.issues = 1, .parts = 1000}>;
using Issues3 = BasicBargaining<BargainingSpec{.issues = 3, .parts = 20}>;
using Talking = Channel<MultiIssueBargaining, ChannelSpec{.symbols = 3}>;

static_assert(DeviceEnvironment<Bargaining> && HasTurns<Bargaining> && HasLegalActions<Bargaining>);
static_assert(DeviceEnvironment<MultiIssueBargaining> && HasState<MultiIssueBargaining> &&
              HasStages<MultiIssueBargaining> && HasMetrics<MultiIssueBargaining>);
static_assert(DeviceEnvironment<Talking> && HasTurns<Talking> && HasLegalActions<Talking>);
static_assert(HasReferencePolicies<Bargaining> && HasOptimalValue<Bargaining>);
static_assert(Bargaining::Action::size == 23 && MultiIssueBargaining::Action::words == 4);
static_assert(fields_complete<Bargaining::Config>() && fields_complete<Bargaining::Task>());

/// What both get from here on if they play the subgame-perfect equilibrium in which ties are accepted: found
/// by trying every action in the environment itself. What follows a rejection does not depend on what was
/// rejected, so that it is found once for each round.
template <class E>
struct Induction {
  using Utilities = Array<double, 2>;
  std::map<int, Utilities> after_rejection{};  // by the round of the rejected offer

  static Lane<E> moved(const Lane<E>& from, int agent, int action) {
    REQUIRE(from.env.acting(agent));
    REQUIRE(!from.env.acting(1 - agent));
    Lane<E> next = from;
    Actions<E> actions{};
    actions[agent] = action;
    next.step(actions);
    return next;
  }

  Utilities rejected(const Lane<E>& asked, int answering) {
    const int round = asked.env.round;
    if (after_rejection.count(round) == 0) {
      const Lane<E> next = moved(asked, answering, E::reject);
      after_rejection[round] = next.episode == End::none ? best(next) : Utilities{};
    }
    return after_rejection[round];
  }

  /// In a state in which an offer is to be made.
  Utilities best(const Lane<E>& lane) {
    const int proposer = lane.env.acting(0) ? 0 : 1, other = 1 - proposer;
    Utilities reached{{-1, -1}};
    for (int kept = 0; kept <= E::parts; ++kept) {
      const Lane<E> asked = moved(lane, proposer, kept);
      REQUIRE(asked.rewards == Array<float, 2>{});
      const Lane<E> accepted = moved(asked, other, E::accept);
      REQUIRE(accepted.episode == End::terminated);
      const Utilities by_accepting{
          {static_cast<double>(accepted.rewards[0]), static_cast<double>(accepted.rewards[1])}};
      const Utilities by_rejecting = rejected(asked, other);
      const Utilities& then = by_accepting[other] >= by_rejecting[other] - 1e-6 ? by_accepting : by_rejecting;
      if (then[proposer] > reached[proposer]) reached = then;
    }
    return reached;
  }
};

template <class E>
double first_share(float first, float second, int deadline) {
  Lane<E> lane;
  lane.config.discount_first = first, lane.config.discount_second = second;
  lane.task.deadline = deadline;
  lane.reset();
  return Induction<E>{}.best(lane)[0];
}

TEST_CASE("envs/bargaining: backward induction through the environment finds the known shares") {
  const double known[] = {1, .1, .91, .181};
  for (int deadline = 1; deadline <= 4; ++deadline) {
    const double share = known[deadline - 1];
    CHECK(std::abs(first_share<Fine>(.9f, .9f, deadline) - share) < 1e-5);
    CHECK(std::abs(first_share<Bargaining>(.9f, .9f, deadline) - share) < .05 + 1e-5);
    CHECK((1 - std::pow(-.9, deadline)) / 1.9 == Approx(share));
    const UtilityFrontier<1> frontier({{{{1}}, {{1}}}});
    CHECK(perfect_utility(frontier, {{.9f, .9f}}, 0, deadline) == Approx(share));
  }
  // A deadline so far off that it does not matter.
  CHECK(rubinstein_share(.9, .8) == Approx(.714286));
  CHECK(std::abs(first_share<Fine>(.9f, .8f, 60) - .714286) < .005);
  CHECK(perfect_utility(UtilityFrontier<1>({{{{1}}, {{1}}}}), {{.9f, .8f}}, 0, 0) == Approx(.714286));
  CHECK(perfect_utility(UtilityFrontier<1>({{{{1}}, {{1}}}}), {{.9f, .8f}}, 1, 0) ==
        Approx(rubinstein_share(.8, .9)));
}

/// Plays an episode; returns what each was paid.
template <class E, class Policy>
Array<double, 2> play(Lane<E>& lane, const Policy& policy) {
  Array<double, 2> paid{};
  Random random(7, 0, lane.number, 0, Purpose::test);
  lane.reset();
  do {
    lane.step(policy(lane.env, lane.view(), random));
    for (int i = 0; i < 2; ++i) paid[i] += static_cast<double>(lane.rewards[i]);
  } while (lane.episode == End::none);
  return paid;
}

std::map<std::string, double> metrics(const auto& env) {
  std::map<std::string, double> figures;
  env.metrics([&](const char* name, double value) { figures[name] = value; });
  return figures;
}

TEST_CASE("envs/bargaining: the subgame-perfect reference agrees at once on the known shares") {
  Lane<Fine> lane;
  lane.config.discount_second = .8f;
  Array<double, 2> paid = play(lane, Bargainers<SubgamePerfect>{});
  CHECK(std::abs(paid[0] - .714286) < .001);
  CHECK(paid[0] + paid[1] == Approx(1));
  CHECK(metrics(lane.env)["offers"] == 1);
  lane.config.discount_second = .9f;
  lane.config.breakdown = true;  // the same equilibrium
  CHECK(std::abs(play(lane, Bargainers<SubgamePerfect>{})[0] - 1 / 1.9) < .001);
  lane.config.breakdown = false;
  for (lane.task.deadline = 1; lane.task.deadline <= 4; ++lane.task.deadline) {
    paid = play(lane, Bargainers<SubgamePerfect>{});
    CHECK(std::abs(paid[0] - (1 - std::pow(-.9, lane.task.deadline)) / 1.9) < .0011);
    CHECK(lane.env.success() == 1.f);
  }
}

TEST_CASE("envs/bargaining: its reference policies come to agreements") {
  Lane<MultiIssueBargaining> lane;
  std::vector<std::string> names;
  for_each_reference<MultiIssueBargaining>(lane.view(), [&](const char* name, const auto& policy) {
    names.emplace_back(name);
    play(lane, policy);
    CHECK(metrics(lane.env)["agreement"] == 1);
    CHECK(metrics(lane.env)["nash_product"] > .05);
  });
  CHECK(names ==
        std::vector<std::string>{"subgame_perfect", "boulware", "linear", "conceder", "tit_for_tat"});
}

TEST_CASE("envs/bargaining: over several issues the equilibrium is efficient, and no offer or answer gains") {
  for (std::uint32_t number = 0; number < 20; ++number) {
    Lane<Issues3> lane;
    lane.number = number;
    lane.task.deadline = number % 2 == 0 ? 0 : 3;
    const Array<double, 2> paid = play(lane, Bargainers<SubgamePerfect>{});
    const UtilityFrontier<3> frontier(lane.env.weights);
    const Array<float, 2> d = lane.config.discounts();
    const int left = lane.task.deadline;
    const double value = perfect_utility(frontier, d, 0, left);
    const double other = left == 1 ? 0. : .9 * perfect_utility(frontier, d, 1, left == 0 ? 0 : left - 1);
    CHECK(frontier.others_best(1, other) == Approx(value).epsilon(1e-6));
    CHECK(paid[0] <= value + 1e-4);
    CHECK(paid[0] > value - .05);  // of one issue a twentieth at most is rounded away
    CHECK(paid[1] >= other - 1e-4);
    CHECK(metrics(lane.env)["inefficiency"] < .05);
    CHECK(metrics(lane.env)["offers"] == 1);
  }
}

TEST_CASE("envs/bargaining: efficient agreements, Nash's and Kalai and Smorodinsky's") {
  // Agent 0 wants the first of two issues, agent 1 the second.
  const UtilityFrontier<2> frontier({{{{.8f, .2f}}, {{.4f, .6f}}}});
  CHECK(frontier.ideal(0) == Approx(1));
  CHECK(frontier.others_best(0, .8) == Approx(.6));
  CHECK(frontier.others_best(0, .4) == Approx(.8));
  CHECK(frontier.others_best(1, .3) == Approx(.9));
  CHECK(frontier.others_best(1, .8) == Approx(.4));
  CHECK(frontier.nash()[0] == Approx(.8));  // the corner
  CHECK(frontier.nash()[1] == Approx(.6));
  CHECK(frontier.kalai_smorodinsky()[0] == Approx(2. / 3));  // u = 1 - u / 2 before the corner
  CHECK(frontier.kalai_smorodinsky()[1] == Approx(2. / 3));
  CHECK(frontier.distance({{.8, .6}}) == Approx(0).epsilon(1e-7));
  CHECK(frontier.distance({{0, 0}}) == Approx(2 / std::sqrt(5.)));  // to x + 2 y = 2
  const Array<double, 2> shares = frontier.agreement(1, .3);
  CHECK(shares[0] == Approx(1));
  CHECK(shares[1] == Approx(.5));
  // Each against all agreements of a fine grid.
  Random random(7, 0, 0, 0, Purpose::test);
  for (int trial = 0; trial < 20; ++trial) {
    Array<Array<float, 3>, 2> weights{};
    for (auto& own : weights) {
      float total = 0;
      for (float& weight : own) total += weight = random.uniform() * (random.integer(5) == 0 ? 0.f : 1.f);
      for (float& weight : own) weight = total > 0 ? weight / total : 1.f / 3;
    }
    const UtilityFrontier<3> any(weights);
    double best = 0;
    constexpr int grid = 40;
    for (int cell = 0; cell < (grid + 1) * (grid + 1) * (grid + 1); ++cell) {
      const double s[] = {static_cast<double>(cell % (grid + 1)) / grid,
                          static_cast<double>(cell / (grid + 1) % (grid + 1)) / grid,
                          static_cast<double>(cell / (grid + 1) / (grid + 1)) / grid};
      double u = 0, v = 0;
      for (int k = 0; k < 3; ++k) {
        u += s[k] * static_cast<double>(weights[0][k]);
        v += (1 - s[k]) * static_cast<double>(weights[1][k]);
      }
      REQUIRE(v <= any.others_best(0, u) + 1e-6);
      REQUIRE(u <= any.others_best(1, v) + 1e-6);
      best = std::max(best, u * v);
    }
    const double product = any.nash()[0] * any.nash()[1];
    CHECK(product >= best - 1e-6);
    CHECK(product < best + .02);
    const auto fair = any.kalai_smorodinsky();
    CHECK(any.others_best(0, fair[0]) == Approx(fair[1]).epsilon(1e-6));
    CHECK(any.distance(fair) == Approx(0).epsilon(1e-6));
  }
}

TEST_CASE("envs/bargaining: bargainers concede by their tactics") {
  Lane<Fine> lane;
  lane.task.deadline = 10;
  lane.config.discount_first = lane.config.discount_second = 1;
  // Both want 1 - t^e; the first offer that leaves the other what it would want next is taken.
  const auto linear = play(lane, Bargainers<TimeConcession>{linear_concession, linear_concession});
  CHECK(metrics(lane.env)["offers"] == 6);  // round 5 keeps .5, and 1 - .6 is wanted
  CHECK(linear[1] == Approx(.5));
  CHECK(linear[0] == Approx(.5));
  const auto hard = play(lane, Bargainers<TimeConcession>{boulware_concession, conceder_concession});
  CHECK(hard[0] > .8);
  const auto soft = play(lane, Bargainers<TimeConcession>{conceder_concession, boulware_concession});
  CHECK(soft[0] < .3);
  CHECK(boulware_concession.target(lane.env, lane.view(), 0, 5) == Approx(1 - .0625));
  CHECK(conceder_concession.target(lane.env, lane.view(), 0, 5) == Approx(1 - std::pow(.5, .25)));
  // Tit for tat meets in the middle with itself, and gives a conceder back what it gave.
  lane.task.deadline = 100;
  const auto equals = play(lane, Bargainers<TitForTat>{});
  CHECK(std::abs(equals[0] - .5) < .051);
  CHECK(metrics(lane.env)["agreement"] == 1);
  lane.reset();
  lane.step([&] {
    Actions<Fine> offer{};
    offer[0] = 900;
    return offer;
  }());
  Actions<Fine> no{};
  no[1] = Fine::reject;
  lane.step(no);
  Random random(7, 0, 0, 0, Purpose::test);
  const Bargainers<TitForTat> both{};
  CHECK(both(lane.env, lane.view(), random)[1] == 1000);  // its own first offer wants all
  lane.step(both(lane.env, lane.view(), random));
  no = {};
  no[0] = Fine::reject;
  lane.step(no);
  Actions<Fine> offer{};
  offer[0] = 600;
  lane.step(offer);
  no = {};
  no[1] = Fine::reject;
  lane.step(no);
  CHECK(both(lane.env, lane.view(), random)[1] == 700);  // .4 after .1 were left to it
}

TEST_CASE("envs/bargaining: an agent gives way on what it values least, and keeps what it wants") {
  Random random(7, 0, 0, 0, Purpose::test);
  Lane<Issues3> lane;
  for (std::uint32_t number = 0; number < 50; ++number) {
    lane.number = number;
    lane.reset();
    const float target = random.uniform();
    for (int agent = 0; agent < 2; ++agent) {
      const auto kept = lane.env.giving_way(agent, target);
      const float own = lane.env.utility(agent, Issues3::own_view(agent, kept));
      CHECK(own >= target - 1e-4f);
      for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < 3; ++b) {
          const auto& weights = lane.env.weights[agent];
          // Less than a part of the lesser is kept before the greater is touched.
          if (weights[a] < weights[b] && kept[b] < 20)
            CHECK(static_cast<float>(kept[a]) * weights[a] < weights[b] + 1e-4f);
        }
      }
    }
  }
}

TEST_CASE("envs/bargaining: weights are drawn uniformly, and the optimum is what dividing by them earns") {
  Lane<Issues3> lane;
  const double known = Issues3::optimal_value(lane.view()).value;
  CHECK(known == Approx(.7));
  CHECK(Bargaining::optimal_value(Lane<Bargaining>{}.view()).value == .5);
  double total = 0, squares = 0, below = 0;
  constexpr int episodes = 20'000;
  for (std::uint32_t number = 0; number < episodes; ++number) {
    lane.number = number;
    lane.reset();
    double earned = 0, sum = 0;
    Actions<Issues3> actions{};
    for (int k = 0; k < 3; ++k) {
      const float a = lane.env.weights[0][k], b = lane.env.weights[1][k];
      REQUIRE(a >= 0);
      sum += static_cast<double>(a);
      actions[0][1 + k] = a > b ? 20 : 0;
      if (k == 0 && a < .25f) ++below;
    }
    REQUIRE(sum == Approx(1));
    lane.step(actions);
    lane.step({});  // accepts
    REQUIRE(lane.episode == End::terminated);
    for (int i = 0; i < 2; ++i) earned += static_cast<double>(lane.rewards[i]) / 2;
    total += earned, squares += earned * earned;
  }
  const double mean = total / episodes;
  const double error = std::sqrt((squares / episodes - mean * mean) / episodes);
  CHECK(std::abs(mean - known) < 4 * error);
  const double p = 1 - .75 * .75;  // of a weight below a quarter: it is Beta(1, 2)
  CHECK(std::abs(below / episodes - p) < 4 * std::sqrt(p * (1 - p) / episodes));
}

TEST_CASE("envs/bargaining: breakdowns come as often as the discount says, and leave the unit what it was") {
  Lane<Bargaining> lane;
  lane.config.discount_first = .8f, lane.config.discount_second = .9f;
  lane.config.breakdown = true;
  lane.config.rounds = 1'000'000;
  int rejections = 0, breakdowns = 0;
  for (std::uint32_t number = 0; number < 4000; ++number) {
    lane.number = number;
    lane.reset();
    while (true) {
      Actions<Bargaining> actions{};
      for (int i = 0; i < 2; ++i) actions[i] = lane.env.open ? Bargaining::reject : 10;
      lane.step(actions);
      if (lane.env.open) continue;
      ++rejections;
      REQUIRE(lane.env.worth[1] == 1.f);
      REQUIRE(lane.env.worth[0] == Approx(std::pow(.8 / .9, lane.env.round)));
      if (lane.episode == End::none) continue;
      REQUIRE(lane.episode == End::terminated);
      ++breakdowns;
      break;
    }
  }
  const double share = static_cast<double>(breakdowns) / rejections;
  CHECK(std::abs(share - .1) < 4 * std::sqrt(.09 / rejections));
}

TEST_CASE("envs/bargaining: what is seen, and what can be counted of it") {
  Lane<Issues3> lane;
  lane.task.secret = true;
  lane.task.deadline = 5;
  lane.reset();
  Actions<Issues3> actions{};
  for (int k = 0; k < 3; ++k) actions[0][1 + k] = 5 * (k + 1);
  lane.step(actions);
  float seen[15], other[15], state[18];
  lane.env.observe(1, Row{seen});
  lane.env.observe(0, Row{other});
  lane.env.state(Row{state});
  CHECK(seen[0] == 1.f);
  CHECK(other[0] == 0.f);
  CHECK(seen[1] == .2f);
  for (int k = 0; k < 3; ++k) {
    CHECK(seen[3 + k] == lane.env.weights[1][k]);
    CHECK(seen[6 + k] == 0.f);  // secret
    CHECK(state[6 + k] == lane.env.weights[1][k]);
    CHECK(seen[9 + k] == Approx(.75 - .25 * k));
    CHECK(seen[12 + k] == 0.f);
    CHECK(other[12 + k] == Approx(.25 + .25 * k));
  }
  CHECK(state[15] == 1.f);
  // Every situation of one issue has a number of its own.
  std::map<int, std::vector<float>> numbered;
  for (int deadline : {0, 1, 2, 3, 4, 8}) {
    Lane<Bargaining> single;
    single.task.deadline = deadline;
    single.reset();
    for (int kept = 0; kept <= 20; ++kept) {
      Lane<Bargaining> asked = single;
      Actions<Bargaining> offer{};
      offer[0] = kept;
      asked.step(offer);
      for (int agent = 0; agent < 2; ++agent) {
        std::vector<float> words(7);
        asked.env.observe(agent, Row{words.data()});
        if (!asked.env.acting(agent)) continue;
        const int index = Bargaining::Observation::index(In<float>{words.data()});
        REQUIRE(index >= 0);
        REQUIRE(index < Bargaining::Observation::count);
        const auto [at, fresh] = numbered.emplace(index, words);
        CHECK(fresh);
      }
    }
  }
  CHECK(numbered.size() == 6 * 21);
}

TEST_CASE("envs/bargaining: what is legal, and what an action that is not legal means") {
  Lane<Bargaining> lane;
  lane.task.deadline = 2;
  lane.reset();
  const auto legal = [](const auto& env, int size) {
    std::vector<float> mask(static_cast<std::size_t>(size), 1.f);
    env.legal(0, Row{mask.data()});
    return mask;
  };
  std::vector<float> offers(23, 1.f), answers(23, 0.f);
  offers[21] = offers[22] = 0;
  answers[21] = answers[22] = 1;
  CHECK(legal(lane.env, 23) == offers);
  Actions<Bargaining> actions{};
  actions[0] = Bargaining::accept;  // keeps all
  lane.step(actions);
  CHECK(lane.env.last(0, 0)[0] == 20);
  CHECK(legal(lane.env, 23) == answers);
  actions[1] = 3;  // no
  lane.step(actions);
  CHECK(lane.env.round == 1);
  CHECK(lane.episode == End::none);
  actions[1] = 15;
  lane.step(actions);
  CHECK(lane.env.utility(0, lane.env.last(1, 0)) == .25f);
  actions[0] = Bargaining::reject;
  lane.step(actions);
  CHECK(lane.episode == End::terminated);
  CHECK(lane.rewards == Array<float, 2>{});
  CHECK(metrics(lane.env)["agreement"] == 0);

  Lane<MultiIssueBargaining> several;
  several.task.issues = 2;
  several.reset();
  using Mask = std::vector<float>;
  CHECK(legal(several.env, 20) == Mask{1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0});
  several.step({});
  CHECK(legal(several.env, 20) == Mask{1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0});
  CHECK(several.env.weights[0][2] == 0.f);
}

TEST_CASE("envs/bargaining: stages go from one known issue to secret values under a deadline") {
  MultiIssueBargaining::Config config{.deadline = 6, .secret = true};
  Random random(7, 0, 0, 0, Purpose::test);
  const MultiIssueBargaining::Task expected[] = {{1, 0, false}, {3, 0, false}, {3, 0, true}, {3, 6, true}};
  REQUIRE(MultiIssueBargaining::stages(config, {}) == 4);
  for (int stage = 0; stage < 4; ++stage) {
    const auto task = MultiIssueBargaining::task(stage, config, {}, random);
    CHECK(task.issues == expected[stage].issues);
    CHECK(task.deadline == expected[stage].deadline);
    CHECK(task.secret == expected[stage].secret);
  }
  // Without a curriculum the settings hold.
  MultiAgentEnv<MultiIssueBargaining> env(1, 7, config);
  env.reset();
  CHECK(env.lane(0).deadline == 6);
  CHECK(env.lane(0).secret);
}

TEST_CASE("envs/bargaining: agents that talk are heard while they wait for their turn") {
  Lane<Talking> lane;
  lane.reset();
  Actions<Talking> actions{};
  actions[0].get<0>()[1] = 4;
  actions[0].get<1>()[0] = 2;
  lane.step(actions);
  std::vector<float> heard(18);
  lane.env.observe(1, Row{heard.data()}, lane.view());
  CHECK(heard[16] == 1.f);
  CHECK(heard[15] + heard[17] == 0.f);
  CHECK(lane.env.env().last(0, 0)[0] == 4);
}

}  // namespace test_bargaining
