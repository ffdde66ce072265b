// Words of shaping in sentences: learners learn from shaped rewards and nobody else sees them; potentials
// leave values and greedy policies as they were; difference rewards solve the bar problem.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <polis/algorithm/a3c.hpp>
#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/maddpg.hpp>
#include <polis/algorithm/mappo.hpp>
#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/algorithm/sac.hpp>
#include <polis/algorithm/self_play.hpp>
#include <polis/algorithm/tabular_q.hpp>
#include <polis/core/archive.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/envs/games/congestion.hpp>
#include <polis/envs/games/frozen_lake.hpp>
#include <polis/shaping/cooperation_weights.hpp>
#include <polis/shaping/coordination_bonus.hpp>
#include <polis/shaping/difference_reward.hpp>
#include <polis/shaping/potential_based.hpp>
#include <polis/shaping/several.hpp>
#include <polis/train/trainer.hpp>

namespace test_shaping {

using namespace polis;
using doctest::Approx;

static_assert(internal::spans_of<PPO::Slots>() == Spans::decisions);
static_assert(internal::spans_of<MAPPO::Slots>() == Spans::steps);
static_assert(internal::spans_of<DQN::Slots>() == Spans::decisions);
static_assert(internal::spans_of<QMIX::Slots>() == Spans::team_decisions);
static_assert(internal::spans_of<SAC::Slots>() == Spans::decisions);
static_assert(internal::spans_of<MADDPG::Slots>() == Spans::team_decisions);

// ---- Potentials --------------------------------------------------------------------------------------

/// Frozen lake without its slips, with a hint that grows toward the goal, and is as large in holes.
struct HintedLake {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Discrete<FrozenLake::cells>;
  using Action = Discrete<4>;
  int cell = 0;

  void reset(auto& ctx) {
    do cell = ctx.random.integer(FrozenLake::cells);
    while (FrozenLake::ends(cell));
  }
  void step(const auto& actions, auto& ctx) {
    cell = FrozenLake::move(cell, actions[0]);
    ctx.reward(0) = paid(cell);
    if (FrozenLake::ends(cell)) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(cell); }
  float potential(int /*agent*/) const { return hint(cell); }

  static float paid(int at) { return at == FrozenLake::goal ? 1.f : FrozenLake::hole(at) ? -.5f : -.01f; }
  static float hint(int at) {
    return 3 + .7f * static_cast<float>(at % 4) - .4f * static_cast<float>(at / 4);
  }
};
constexpr float lake_discount = .9f;

/// What is best from each cell on, by value iteration.
std::vector<double> lake_values() {
  std::vector<double> values(FrozenLake::cells);
  for (int sweep = 0; sweep < 300; ++sweep) {
    for (int cell = 0; cell < FrozenLake::cells; ++cell) {
      if (FrozenLake::ends(cell)) continue;
      double best = -1e9;
      for (int action = 0; action < 4; ++action) {
        const int to = FrozenLake::move(cell, action);
        best = std::max(best, static_cast<double>(HintedLake::paid(to)) +
                                  static_cast<double>(lake_discount) * values[static_cast<std::size_t>(to)]);
      }
      values[static_cast<std::size_t>(cell)] = best;
    }
  }
  return values;
}

/// A table learnt from uniform play, cut off after five steps; moves are certain, so that a rate of 1 finds
/// the values exactly.
template <class Algorithm>
auto lake_table() {
  using Learning = Trainer<Algorithm, MultiAgentEnv<TimeLimit<HintedLake, 5>>>;
  typename Learning::Config config{.seed = 4, .lanes = 32, .threads = 1};
  config.algorithm.exploration = {.start = 1, .end = 1};
  config.algorithm.learning_rate = 1;
  config.algorithm.discount = lake_discount;
  Learning trainer(config);
  trainer.train(60'000);
  std::vector<float> values;
  for (int cell = 0; cell < FrozenLake::cells; ++cell) {
    for (int action = 0; action < 4; ++action) values.push_back(trainer.learner().value(0, cell, action));
  }
  return values;
}

TEST_CASE("algorithm/shaping: a potential lowers all values of a state by itself, and greedy play stays") {
  const auto plain = lake_table<TabularQ>(), shaped = lake_table<TabularQ::With<PotentialBased>>();
  const auto best = lake_values();
  int compared = 0;
  for (int cell = 0; cell < FrozenLake::cells; ++cell) {
    if (FrozenLake::ends(cell)) continue;
    const auto first = static_cast<std::ptrdiff_t>(4 * cell);
    for (int action = 0; action < 4; ++action, ++compared) {
      const int to = FrozenLake::move(cell, action);
      const auto at = static_cast<std::size_t>(first + action);
      const double exact = static_cast<double>(HintedLake::paid(to)) +
                           static_cast<double>(lake_discount) * best[static_cast<std::size_t>(to)];
      CHECK(static_cast<double>(plain[at]) == Approx(exact).epsilon(1e-5));
      CHECK(static_cast<double>(shaped[at]) ==
            Approx(exact - static_cast<double>(HintedLake::hint(cell))).epsilon(1e-5));
    }
    // The greedy actions are the same ones, ties included.
    const float most = *std::max_element(plain.begin() + first, plain.begin() + first + 4);
    const float most_shaped = *std::max_element(shaped.begin() + first, shaped.begin() + first + 4);
    for (std::ptrdiff_t at = first; at < first + 4; ++at) {
      CHECK((most - plain[static_cast<std::size_t>(at)] < 1e-5f) ==
            (most_shaped - shaped[static_cast<std::size_t>(at)] < 1e-5f));
    }
  }
  CHECK(compared == 44);
}

/// The lake, whose hint is paid for arriving, as a bonus and not as a potential.
struct BribedLake : HintedLake {
  void step(const auto& actions, auto& ctx) {
    HintedLake::step(actions, ctx);
    ctx.reward(0) += hint(cell);
  }
};

TEST_CASE("algorithm/shaping: the same hint as a plain bonus changes the greedy policy") {
  using Learning = Trainer<TabularQ, MultiAgentEnv<TimeLimit<BribedLake, 5>>>;
  Learning::Config config{.seed = 4, .lanes = 32, .threads = 1};
  config.algorithm.exploration = {.start = 1, .end = 1};
  config.algorithm.learning_rate = 1;
  config.algorithm.discount = lake_discount;
  Learning trainer(config);
  trainer.train(60'000);
  const auto plain = lake_table<TabularQ>();
  int changed = 0;
  for (int cell = 0; cell < FrozenLake::cells; ++cell) {
    if (FrozenLake::ends(cell)) continue;
    const auto first = static_cast<std::ptrdiff_t>(4 * cell);
    const auto best = std::max_element(plain.begin() + first, plain.begin() + first + 4);
    const int bribed = trainer.learner().greedy(0, cell);
    changed += *best - plain[static_cast<std::size_t>(first + bribed)] > 1e-4f;
  }
  CHECK(changed > 0);
}

// ---- Who sees what -----------------------------------------------------------------------------------

struct Buyer {};
struct Seller {};

/// Two roles, paid whole numbers times what the type says; one waits every third step, episodes are cut off.
/// The counterfactual is such that a difference reward is twice the agent's own.
template <int BuyerFactor, int SellerFactor>
struct Paid {
  using Roles =
      polis::Roles<Role<Buyer, 1, Discrete<6>, Discrete<3>>, Role<Seller, 1, Discrete<6>, Discrete<3>>>;
  using State = Discrete<6>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int at = 0, steps = 0;
  int earned[2] = {};

  void reset(auto& ctx) { *this = {.at = ctx.random.integer(6)}; }
  void step(const auto& actions, auto& ctx) {
    const int buys = actions.of(Buyer{})[0], sells = actions.of(Seller{})[0];
    earned[0] = (buys == at % 3 ? 3 : 0) - sells;
    earned[1] = (sells == buys ? 2 : -1) + at % 2;
    ctx.reward(0) = static_cast<float>(BuyerFactor * earned[0]);
    ctx.reward(1) = static_cast<float>(SellerFactor * earned[1]);
    at = (at + 1 + ctx.random.integer(2)) % 6;
    if (++steps == 8) ctx.truncate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
  void state(Row out) const { out[0] = static_cast<float>(at); }
  bool acting(int agent) const { return agent == 0 || steps % 3 != 1; }
  float counterfactual(int agent) const { return static_cast<float>(earned[1 - agent] - earned[agent]); }
  float potential(int agent) const { return static_cast<float>(at * agent); }
  Actions<Paid> target_actions() const { return {}; }
};
using Plain = Paid<1, 1>;
using Doubled = Paid<2, 2>;

template <class Algorithm, class E>
using Student = Trainer<Algorithm, MultiAgentEnv<E>>;

template <class Algorithm, class E>
typename Student<Algorithm, E>::Config settings(int threads = 1) {
  typename Student<Algorithm, E>::Config config{.seed = 5, .lanes = 70, .threads = threads};
  if constexpr (requires { config.algorithm.learning_starts; }) {
    config.algorithm.learning_starts = 100, config.algorithm.batch = 50, config.algorithm.update_every = 60;
  } else if constexpr (requires { config.algorithm.steps; }) {
    config.algorithm.steps = 10;
  }
  return config;
}

/// The bytes of all that acting depends on, once the clock shows `steps`.
std::vector<std::byte> learnt(auto& trainer, std::uint64_t steps) {
  while (trainer.clock().steps < steps) trainer.iterate();
  ArchiveWriter writer;
  trainer.learner().archive_policy(writer);
  const auto bytes = writer.bytes();
  return {bytes.begin(), bytes.end()};
}
template <class Algorithm, class E>
std::vector<std::byte> learnt() {
  Student<Algorithm, E> trainer(settings<Algorithm, E>());
  return learnt(trainer, 4'200);
}

double metric(const auto& learner, std::string_view wanted) {
  double found = std::nan("");
  learner.metrics([&](const char* name, double value) {
    if (name == wanted) found = value;
  });
  return found;
}

}  // namespace test_shaping

TEST_CASE_TEMPLATE("algorithm/shaping: learners of every family learn from the shaped rewards alone",
                   Algorithm, polis::TabularQ, polis::PPO::With<polis::Mlp<8>>,
                   polis::DQN::With<polis::Mlp<8>>, polis::SAC::With<polis::Mlp<8>>) {
  using namespace test_shaping;
  using Shaped = typename Algorithm::template With<DifferenceReward>;
  const auto doubled = learnt<Algorithm, Doubled>();
  CHECK(learnt<Shaped, Plain>() == doubled);
  CHECK(learnt<Algorithm, Plain>() != doubled);
  CHECK(learnt<typename Algorithm::template With<NoShaping>, Doubled>() == doubled);
}

namespace test_shaping {

TEST_CASE("algorithm/shaping: returns, evaluations and the lanes show what the environment pays") {
  using Algorithm = PPO::With<Mlp<8>, DifferenceReward>;
  auto config = settings<Algorithm, Plain>();
  config.algorithm.steps = 8;
  Student<Algorithm, Plain> trainer(config);
  auto plain_config = settings<PPO::With<Mlp<8>>, Doubled>();
  plain_config.algorithm.steps = 8;
  Student<PPO::With<Mlp<8>>, Doubled> doubled(plain_config);
  for (int i = 0; i < 4; ++i) {
    trainer.iterate(), doubled.iterate();  // an episode of each lane
    double total = 0;
    for (int lane = 0; lane < 70; ++lane) {
      for (int agent = 0; agent < 2; ++agent) {
        CHECK(2 * trainer.lanes().reward(lane, agent) == doubled.lanes().reward(lane, agent));
      }
    }
    trainer.episodes().metrics([&](const std::string& name, double value) {
      if (name == "return") total = value;
    });
    if (i == 0) CHECK(metric(trainer.learner(), "shaped_return") == Approx(2 * total));
  }
  CHECK(2 * trainer.evaluate(64).mean == Approx(doubled.evaluate(64).mean));
}

TEST_CASE("algorithm/shaping: of several algorithms each shapes the rewards of its own role") {
  using One = PPO::With<Mlp<8>>;
  using Shaped = Policies<For<Buyer, One::With<DifferenceReward>>, For<Seller, TabularQ>>;
  using Other = Policies<For<Buyer, One>, For<Seller, TabularQ>>;
  const auto shaped = learnt<Shaped, Plain>();
  CHECK(shaped == learnt<Other, Paid<2, 1>>());
  CHECK(shaped != learnt<Other, Doubled>());
}

TEST_CASE("algorithm/shaping: cooperation weights of 1 and bonuses and potentials of 0 change no bit") {
  const auto check = []<class Algorithm>(Algorithm, const auto& set) {
    auto config = settings<Algorithm, Plain>();
    set(config.algorithm.shaping);
    Student<Algorithm, Plain> trainer(config);
    return learnt(trainer, 4'200) == learnt<DQN::With<Mlp<8>>, Plain>();
  };
  using Plainly = DQN::With<Mlp<8>>;
  CHECK(check(Plainly::With<CooperationWeights>{}, [](auto& shaping) { shaping.own = 1; }));
  CHECK(check(Plainly::With<CoordinationBonus>{}, [](auto& shaping) { shaping.scale = 0; }));
  CHECK(check(Plainly::With<PotentialBased>{}, [](auto& shaping) { shaping.scale = 0; }));
  CHECK(!check(Plainly::With<CooperationWeights>{}, [](auto&) {}));
  CHECK(!check(Plainly::With<CoordinationBonus>{}, [](auto&) {}));
  CHECK(!check(Plainly::With<PotentialBased>{}, [](auto&) {}));
}

}  // namespace test_shaping

TEST_CASE_TEMPLATE("algorithm/shaping: the same bits on one thread and on three, and after a resume",
                   Algorithm, polis::PPO::With<polis::Mlp<8>, polis::PotentialBased>,
                   polis::MAPPO::With<polis::Mlp<8>, polis::PotentialBased>,
                   polis::DQN::With<polis::Mlp<8>, polis::CoordinationBonus>,
                   polis::MASAC::With<polis::Mlp<8>, polis::PotentialBased, polis::SharedParameters>,
                   polis::TabularQ::With<polis::PotentialBased>,
                   polis::TabularQ::With<polis::Several<polis::PotentialBased, polis::CoordinationBonus>>) {
  using namespace test_shaping;
  using Learning = Student<Algorithm, Plain>;
  Learning one(settings<Algorithm, Plain>(1)), three(settings<Algorithm, Plain>(3));
  Learning rest(settings<Algorithm, Plain>(2));
  const auto all = [](Learning& trainer) {
    ArchiveWriter writer;
    trainer.learner().archive(writer);
    const auto bytes = writer.bytes();
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  for (int i = 0; i < 9; ++i) one.iterate();
  for (int i = 0; i < 4; ++i) three.iterate();  // in the middle of episodes
  ArchiveWriter writer;
  three.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  reader.finish();
  for (int i = 0; i < 5; ++i) three.iterate(), rest.iterate();
  CHECK(all(three) == all(one));
  CHECK(all(rest) == all(one));
  CHECK(metric(one.learner(), "shaped_return") == metric(rest.learner(), "shaped_return"));
}

namespace test_shaping {

/// A team of two by turns with one hint for all; whoever guesses the last figure right earns a point.
struct HintedTeam {
  static constexpr int agents = 2;
  using Observation = Discrete<3>;
  using State = Discrete<3>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0, steps = 0;
  void reset(auto& ctx) { at = ctx.random.integer(3), steps = 0; }
  void step(const auto& actions, auto& ctx) {
    if (actions[steps % 2] == at) ctx.reward_all(1);
    at = ctx.random.integer(3);
    if (++steps == 6) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
  void state(Row out) const { out[0] = static_cast<float>(at); }
  bool acting(int agent) const { return agent == steps % 2; }
  float potential() const { return 5.f * static_cast<float>(at); }
};

TEST_CASE("algorithm/shaping: mixers learn with a team's potential" * doctest::test_suite("learning")) {
  using Algorithm = QMIX::With<PotentialBased>;
  auto config = settings<Algorithm, HintedTeam>();
  config.lanes = 16;
  config.algorithm.update_every = 8;
  Student<Algorithm, HintedTeam> trainer(config);
  trainer.train(24'000);
  CHECK(trainer.evaluate(100).mean > 5.7);  // of 6
}

TEST_CASE("algorithm/shaping: self-play and asynchronous actors learn from shaped rewards too") {
  using Pool = SelfPlay<TabularQ::With<PotentialBased>>;
  auto config = settings<Pool, Plain>();
  config.algorithm.pool = {.size = 2, .every = 20};
  Student<Pool, Plain> pool(config);
  for (int i = 0; i < 50; ++i) pool.iterate();
  CHECK(std::isfinite(metric(pool.learner(), "shaped_return")));
  CHECK(pool.learner().past(0).games > 0);

  using Asynchronous = A3C::With<Mlp<8>, DifferenceReward>;
  Student<Asynchronous, Plain> shaped(settings<Asynchronous, Plain>());
  Student<A3C::With<Mlp<8>>, Doubled> doubled(settings<A3C::With<Mlp<8>>, Doubled>());
  for (int i = 0; i < 3; ++i) shaped.iterate(), doubled.iterate();
  const auto weights = [](auto& trainer) {
    const auto values = trainer.learner().agents().front().weights().values();
    return std::vector<float>(values.begin(), values.end());
  };
  CHECK(weights(shaped) == weights(doubled));
}

// ---- The bar problem ---------------------------------------------------------------------------------

/// What 100 independent learners come to, each with a table: the welfare of their greedy choices.
template <class Algorithm>
double bar_welfare(std::uint64_t seed, const auto& set) {
  typename Trainer<Algorithm, MultiAgentEnv<Congestion<>>>::Config config{
      .seed = seed, .lanes = 1, .threads = 1};
  config.algorithm.exploration = {.start = .2f, .end = 0, .share = .8f};
  config.algorithm.discount = 0;
  set(config.algorithm.shaping);
  Trainer<Algorithm, MultiAgentEnv<Congestion<>>> trainer(config);
  trainer.train(2'000);
  return 100 * trainer.evaluate(1).mean;
}

TEST_CASE("algorithm/shaping: by difference rewards the bar problem is solved, by own and global ones not" *
          doctest::test_suite("learning")) {
  double own = 0, global = 0, difference = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    own += bar_welfare<TabularQ>(seed, [](auto&) {}) / 5;
    global += bar_welfare<TabularQ::With<CooperationWeights>>(seed, [](auto& w) { w.own = .01f; }) / 5;
    difference += bar_welfare<TabularQ::With<DifferenceReward>>(seed, [](auto&) {}) / 5;
  }
  MESSAGE("welfare of own rewards ", own, ", of the global one ", global, ", of difference rewards ",
          difference);
  CHECK(own == Approx(9.25).epsilon(.02));  // the even nights of the equilibrium, below random play's 9.42
  CHECK(global < 12.9);
  CHECK(difference > 13.1);  // of 13.2452 at best
}

}  // namespace test_shaping
