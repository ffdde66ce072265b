// Bargaining against fixed tactics: the same episodes as between two of them, and what is learnt of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <polis/algorithm/tabular_q.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/negotiation/bargaining_against.hpp>
#include <polis/train/trainer.hpp>

#include "../env/lane.hpp"

namespace test_bargaining_against {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;

constexpr BargainingSpec three{.issues = 3, .parts = 20};
using Any = BargainingAgainst<Opponent::any, three>;

static_assert(DeviceEnvironment<Any> && HasLegalActions<Any> && !HasTurns<Any> && HasStages<Any> &&
              HasMetrics<Any> && StatesSuccess<Any> && HasReferencePolicies<Any>);

/// What the tactic does in a bargaining of two.
template <class E>
typename E::Action::Element by(Opponent tactic, const E& env, const View<E>& view, int agent) {
  if (tactic == Opponent::tit_for_tat) return bargain(TitForTat{}, env, view, agent);
  const TimeConcession concessions[] = {boulware_concession, linear_concession, conceder_concession};
  return bargain(concessions[static_cast<int>(tactic)], env, view, agent);
}

TEST_CASE("envs/bargaining_against: episodes are those of two who bargain with each other") {
  int first = 0, met[4] = {};
  for (std::uint32_t number = 0; number < 400; ++number) {
    Lane<Any> lane;
    lane.number = number;
    lane.task.deadline = 8;
    lane.reset();
    const Opponent tactic = lane.env.tactic;
    const int own = lane.env.own;
    first += own == 0 ? 1 : 0;
    ++met[static_cast<int>(tactic)];
    // The same weights in a bargaining whose both sides are played from here.
    Lane<Any::Inside> both;
    both.task = lane.task;
    both.reset();
    both.env.weights = lane.env.inside.weights;
    const Any::Bargainer<TimeConcession> learner{linear_concession};
    Random random(7, 0, 0, 0, Purpose::test);
    double earned = 0;
    while (lane.episode == End::none) {
      REQUIRE(lane.env.inside.acting(own));
      lane.step(learner(lane.env, lane.view(), random));
      earned += static_cast<double>(lane.rewards[0]);
    }
    double expected = 0;
    while (both.episode == End::none) {
      const int turn = both.env.acting(0) ? 0 : 1;
      Actions<Any::Inside> actions{};
      actions[turn] = by(turn == own ? Opponent::linear : tactic, both.env, both.view(), turn);
      both.step(actions);
      expected += static_cast<double>(both.rewards[own]);
    }
    REQUIRE(earned == expected);
    REQUIRE(lane.env.success() == both.env.success());
    REQUIRE(lane.env.inside.round == both.env.round);
  }
  CHECK(first > 150);
  CHECK(first < 250);
  for (const int count : met) CHECK(count > 60);
}

TEST_CASE("envs/bargaining_against: who holds out longer gets more of a conceder than of a boulware") {
  const auto earns = []<Opponent Other>(const auto& policy) {
    using E = BargainingAgainst<Other, three>;
    double total = 0;
    constexpr int episodes = 400;
    for (std::uint32_t number = 0; number < episodes; ++number) {
      Lane<E> lane;
      lane.number = number;
      lane.task.deadline = 10;
      lane.config.discount_first = lane.config.discount_second = 1;
      lane.reset();
      Random random(7, 0, 0, 0, Purpose::test);
      while (lane.episode == End::none) {
        lane.step(policy(lane.env, lane.view(), random));
        total += static_cast<double>(lane.rewards[0]) / episodes;
      }
    }
    return total;
  };
  using Soft = BargainingAgainst<Opponent::conceder, three>;
  using Hard = BargainingAgainst<Opponent::boulware, three>;
  const double linear_of_soft =
      earns.operator()<Opponent::conceder>(Soft::Bargainer<TimeConcession>{linear_concession});
  const double hard_of_soft =
      earns.operator()<Opponent::conceder>(Soft::Bargainer<TimeConcession>{boulware_concession});
  const double linear_of_hard =
      earns.operator()<Opponent::boulware>(Hard::Bargainer<TimeConcession>{linear_concession});
  CHECK(hard_of_soft > linear_of_soft);
  CHECK(linear_of_soft > linear_of_hard + .1);
}

TEST_CASE("envs/bargaining_against: a table learns when a conceder has given enough" *
          doctest::test_suite("learning")) {
  using E = BargainingAgainst<Opponent::conceder>;
  using Learning = Trainer<TabularQ, MultiAgentEnv<E>>;
  Learning::Config config{.seed = 1, .lanes = 64};
  config.env.deadline = 6;
  config.algorithm.discount = 1;
  config.algorithm.learning_rate = .05f;
  config.algorithm.steps = 16;
  Learning trainer(config);
  const double before = trainer.evaluate(400).mean;
  trainer.train(400'000);
  const double learnt = trainer.evaluate(400).mean;
  // The best of the tactics against the same.
  double best = 0;
  auto env = trainer.evaluation_lanes(64, config.env, {});
  env.reset();
  for_each_reference<E>(env.view(0), [&]<class Policy>(const char*, const Policy& policy) {
    auto lanes = trainer.evaluation_lanes(64, config.env, {});
    const auto result = run_episodes(lanes, 400, [&](LaneTile<E>& tile) {
      for (int i = 0; i < tile.lanes; ++i) {
        Random random(7, 0, 0, 0, Purpose::test);
        tile.actions[i] = policy(tile.env->lane(i), tile.env->view(i), random);
      }
    });
    best = std::max(best, result.mean);
  });
  CAPTURE(before);
  CHECK(learnt > before + .1);
  CHECK(learnt > best);
  CHECK(learnt > .6);
}

}  // namespace test_bargaining_against
