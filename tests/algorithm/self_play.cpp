// Self-play against a pool of past policies: who plays whom, who learns from it, and what ratings come to.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/algorithm/self_play.hpp>
#include <polis/algorithm/tabular_q.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/train/trainer.hpp>

#include "../distribution/checks.hpp"
#include "environments.hpp"

namespace test_self_play {

using namespace polis;
using polis_test::Sticks;
template <class Algorithm, class E>
using Playing = Trainer<Algorithm, MultiAgentEnv<E>>;

using SmallPpo = PPO::With<Mlp<16>>;

template <class Algorithm, class E>
auto settings() {
  typename Playing<Algorithm, E>::Config config{.seed = 3, .lanes = 64, .threads = 1};
  config.algorithm.pool = {.size = 4, .every = 2};
  return config;
}

/// Notes who plays, in the place of a trainer's next collection.
struct Noted {
  std::vector<int> opponents = std::vector<int>(5), sides = std::vector<int>(2);
  int episodes = 0;
};
template <class T>
Noted draws_of(T& trainer, int steps) {
  Noted noted;
  using E = typename T::Environment;
  std::vector<Actions<E>> actions(static_cast<std::size_t>(trainer.config().lanes));
  MultiAgentEnv<E> env(trainer.config().lanes, 77);
  env.reset();
  for (int step = 0; step < steps; ++step) {
    LaneTile<E> tile{&env,        0,
                     env.lanes(), trainer.clock().batch_steps + static_cast<std::uint64_t>(step),
                     0,           actions.data()};
    trainer.learner().act(tile);
    for (int lane = 0; lane < env.lanes(); ++lane) {
      if (env.steps_in_episode(lane) == 0) {
        const int opponent = trainer.learner().opponent_of(lane);
        ++noted.opponents[static_cast<std::size_t>(opponent + 1)];
        if (opponent >= 0) ++noted.sides[static_cast<std::size_t>(trainer.learner().side_in(lane))];
        ++noted.episodes;
      }
      env.advance(lane, actions[static_cast<std::size_t>(lane)]);
      env.renew(lane, env.default_tasks());
    }
  }
  return noted;
}

TEST_CASE_TEMPLATE("algorithm/self_play: opponents are drawn as their words say, sides alike", Opponents,
                   UniformOpponents, RatedOpponents, HardestOpponents) {
  using Algorithm = SelfPlay<TabularQ, Opponents>;
  auto config = settings<Algorithm, MatchingPennies>();
  config.algorithm.pool.latest = .25f;
  config.algorithm.learner.learning_rate = .5f;
  config.algorithm.learner.steps = 400;
  Playing<Algorithm, MatchingPennies> trainer(config);
  for (int i = 0; i < 12; ++i) trainer.iterate();
  auto& learner = trainer.learner();
  std::vector<double> expected{.25};
  double sum = 0;
  for (int i = 0; i < learner.places(); ++i) {
    sum += learner.share(i);
    expected.push_back(.75 * learner.share(i));
    CHECK(learner.past(i).number >= 3);  // six were kept, the oldest two have left
    CHECK((learner.past(i).games > 0) == (learner.past(i).number < 6));  // the last has just been kept
    if (std::is_same_v<Opponents, UniformOpponents>) CHECK(learner.share(i) == doctest::Approx(.25));
  }
  CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  const Noted noted = draws_of(trainer, 400);
  CHECK(noted.episodes == 400 * 64);
  CHECK(checks::chi_square(noted.opponents, expected, noted.episodes) < 18.5);  // 4 degrees, 0.1%
  const int against_pool = noted.sides[0] + noted.sides[1];
  CHECK(std::abs(noted.sides[0] - against_pool / 2.) < 2 * std::sqrt(against_pool));
}

/// Two agents who decide at every step of one: each is paid what it names less what the other does.
struct Bids {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = static_cast<float>(actions[0] - actions[1]);
    ctx.reward(1) = -ctx.reward(0);
    if (++at == 3) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
};

TEST_CASE("algorithm/self_play: the learner learns from its own side alone") {
  using Algorithm = SelfPlay<SmallPpo>;
  auto config = settings<Algorithm, Bids>();
  config.algorithm.pool = {.size = 2, .every = 1, .latest = 0};
  config.algorithm.learner.steps = 30;
  Playing<Algorithm, Bids> trainer(config);
  const auto samples = [&] { return trainer.learner().learner().agents().front().statistics().samples; };
  const double per_epoch = 64 * 30 * 4;
  trainer.iterate();  // the pool is empty: both sides
  CHECK(samples() == 2 * per_epoch);
  trainer.iterate();
  CHECK(samples() == per_epoch);
  trainer.iterate();
  CHECK(samples() == per_epoch);
  CHECK(trainer.learner().past(0).number == 3);
  CHECK(trainer.learner().past(1).number == 2);
  // Ten episodes of every lane an update, all of them rated; ratings pass points on.
  CHECK(trainer.learner().past(1).games <= 640);
}

TEST_CASE("algorithm/self_play: opponents act by what they were, and ratings tell who is better" *
          doctest::test_suite("learning")) {
  // The learner comes to always name 1, which nothing beats: the first policy, a coin, loses to it.
  using Algorithm = SelfPlay<SmallPpo>;
  auto config = settings<Algorithm, Bids>();
  config.algorithm.pool = {.size = 64, .every = 1, .latest = .5f, .elo = {.k = 4}};
  config.algorithm.learner.steps = 30;
  config.algorithm.learner.optimizer.learning_rate = 1e-2f;
  Playing<Algorithm, Bids> trainer(config);
  for (int i = 0; i < 60; ++i) trainer.iterate();
  const auto& learner = trainer.learner();
  CHECK(learner.past(0).number == 1);
  CHECK(learner.past(0).score() > .65);  // of all games, the first ones too
  CHECK(learner.rating() > learner.past(0).rating + 150);
  CHECK(std::abs(learner.past(58).score() - .5) < .1);  // as good as itself
  // What the first one plays is what it was when it was kept: a coin.
  const auto first = learner.past_player(0).agents().front().weights().values();
  const auto now = learner.learner().agents().front().weights().values();
  CHECK(!std::equal(first.begin(), first.end(), now.begin()));
}

TEST_CASE("algorithm/self_play: the stick game is learnt against the past" *
          doctest::test_suite("learning")) {
  using Algorithm = SelfPlay<TabularQ, HardestOpponents>;
  auto config = settings<Algorithm, Sticks>();
  config.algorithm.pool = {.size = 8, .every = 20};
  config.algorithm.learner.discount = 1;
  config.algorithm.learner.steps = 8;
  config.algorithm.learner.exploration = {.start = 1, .end = .05f};
  Playing<Algorithm, Sticks> trainer(config);
  trainer.train(300'000);
  for (const int left : {1, 2, 4, 5, 7}) {  // leave a multiple of three
    for (int agent = 0; agent < 2; ++agent) {
      if (left == 7 && agent == 1) continue;  // which it never sees
      CHECK(trainer.learner().learner().greedy(agent, left) == left % 3 - 1);
    }
  }
}

template <class Algorithm, class E>
void check_same_bits(typename Playing<Algorithm, E>::Config config) {
  config.lanes = 40, config.threads = 1;
  Playing<Algorithm, E> one(config), paused(config), resumed(config);
  config.threads = 2;
  Playing<Algorithm, E> two(config);
  for (int i = 0; i < 12; ++i) one.iterate(), two.iterate();
  CHECK(to_bytes(one.learner()) == to_bytes(two.learner()));
  for (int i = 0; i < 7; ++i) paused.iterate();
  ArchiveWriter writer;
  paused.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.archive(reader);
  reader.finish();
  for (int i = 0; i < 5; ++i) resumed.iterate();
  CHECK(to_bytes(one.learner()) == to_bytes(resumed.learner()));
  double kept = 0;
  for (int i = 0; i < one.learner().places(); ++i) kept += one.learner().past(i).games;
  CHECK(kept > 0);
}

TEST_CASE("algorithm/self_play: the same bits at any number of threads, and after a pause") {
  using Actor = SelfPlay<SmallPpo::With<NormalizeObservations>, HardestOpponents>;
  auto config = settings<Actor, LeducPoker>();
  config.algorithm.learner.steps = 9;
  check_same_bits<Actor, LeducPoker>(config);
  using Values = SelfPlay<DQN::With<Mlp<16>>, RatedOpponents>;
  auto values = settings<Values, KuhnPoker>();
  values.algorithm.learner.learning_starts = 80;
  values.algorithm.learner.update_every = 80;
  check_same_bits<Values, KuhnPoker>(values);
  using Table = SelfPlay<TabularQ>;
  auto table = settings<Table, KuhnPoker>();
  table.algorithm.learner.steps = 5;
  check_same_bits<Table, KuhnPoker>(table);
}

struct Buyer {};
struct Seller {};

/// One buyer and two sellers: who names the lower price sells, and the buyer pays.
struct Stall {
  using Roles = polis::Roles<Role<Buyer, 1, Box<1>, Discrete<2>>, Role<Seller, 2, Box<1>, Discrete<3>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;

  void reset(auto&) {}
  void step(const auto& actions, auto& ctx) {
    const int low = std::min(actions.of(Seller{})[0], actions.of(Seller{})[1]);
    const bool buys = actions.of(Buyer{})[0] == 1;
    ctx.reward(Buyer{}, 0) = buys ? 1.5f - static_cast<float>(low) : 0.f;
    for (int i = 0; i < 2; ++i) ctx.reward(Seller{}, i) = buys ? .5f * static_cast<float>(low) : 0.f;
    ctx.terminate();
  }
  void observe(Buyer, int, Row out) const { out[0] = 0; }
  void observe(Seller, int, Row out) const { out[0] = 1; }
};

TEST_CASE("algorithm/self_play: with several roles a side is a role; algorithms side by side") {
  using Algorithm = SelfPlay<Policies<For<Buyer, SmallPpo>, For<Seller, DQN::With<Mlp<16>>>>>;
  using Learner = Playing<Algorithm, Stall>::Learner;
  static_assert(Learner::sides == 2);
  CHECK(Learner::side_of(0) == 0);
  CHECK(Learner::side_of(1) == 1);
  CHECK(Learner::side_of(2) == 1);
  auto config = settings<Algorithm, Stall>();
  config.algorithm.learner.of(Buyer{}).steps = 8;
  config.algorithm.learner.of(Seller{}).update_every = 64 * 8;
  config.algorithm.learner.of(Seller{}).learning_starts = 0;
  check_same_bits<Algorithm, Stall>(config);
}

TEST_CASE("algorithm/self_play: settings and figures") {
  using Algorithm = SelfPlay<PPO, HardestOpponents>;
  CHECK(fields_complete<Algorithm::Config>());
  CHECK(Playing<Algorithm, KuhnPoker>::name().find("MirrorDescent") == std::string::npos);
  CHECK(Playing<Algorithm, KuhnPoker>::name().find("ClippedSurrogate") != std::string::npos);
  auto config = settings<Algorithm, KuhnPoker>();
  config.algorithm.learner.steps = 8;
  Playing<Algorithm, KuhnPoker> trainer(config);
  for (int i = 0; i < 4; ++i) trainer.iterate();
  double elo = 0, pool = 0;
  trainer.learner().metrics([&](std::string_view name, double value) {
    if (name == "elo") elo = value;
    if (name == "pool") pool = value;
  });
  CHECK(elo == trainer.learner().rating());
  CHECK(pool == 2);
  config.algorithm.pool.size = 0;
  CHECK_THROWS_AS((Playing<Algorithm, KuhnPoker>(config)), Error);
  config.algorithm.pool = {.latest = -1};
  CHECK_THROWS_AS((Playing<Algorithm, KuhnPoker>(config)), Error);
}

}  // namespace test_self_play
