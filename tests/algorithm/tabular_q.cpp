// Tabular Q-learning: the fixed points that are known, in games of one step, of several, and by turns.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/tabular_q.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/games/blackjack.hpp>
#include <polis/envs/games/exact.hpp>
#include <polis/envs/games/exploitability.hpp>
#include <polis/envs/games/frozen_lake.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/envs/games/two_step_game.hpp>
#include <polis/train/trainer.hpp>

namespace test_tabular_q {

using namespace polis;

static_assert(FitsInATable<RoleOf<ClimbingGame, 0>> && FitsInATable<RoleOf<Blackjack, 0>> &&
              FitsInATable<RoleOf<LeducPoker, 0>> && FitsInATable<RoleOf<FrozenLake100, 0>>);
static_assert(!FitsInATable<RoleOf<CartPole, 0>>);
static_assert(fields_complete<TabularQ::Config>());

/// Settings in which everything is tried equally often, and values become means.
template <class E>
auto uniform_data(int lanes, int steps) {
  typename Trainer<TabularQ, MultiAgentEnv<E>>::Config config{.seed = 3, .lanes = lanes};
  config.algorithm.exploration = {.start = 1, .end = 1};
  config.algorithm.learning_rate = 0;
  config.algorithm.steps = steps;
  return config;
}

TEST_CASE("algorithm/tabular_q: on uniform data values of the climbing game are its means, within .05") {
  auto config = uniform_data<ClimbingGame>(256, 64);
  config.algorithm.discount = 0;
  Trainer<TabularQ, MultiAgentEnv<ClimbingGame>> trainer(config);
  trainer.train(3'300'000);
  const double means[2][3] = {{-19. / 3, -23. / 3, 11. / 3}, {-19. / 3, -17. / 3, 5. / 3}};
  for (int agent = 0; agent < 2; ++agent) {
    for (int action = 0; action < 3; ++action) {
      CHECK(trainer.learner().visits(agent, 0, action) > 1'090'000u);
      CHECK(std::abs(static_cast<double>(trainer.learner().value(agent, 0, action)) - means[agent][action]) <
            .05);  // three standard deviations
    }
  }
  CHECK(trainer.evaluate(4).mean == 5.);
}

/// What greedy play pays each of a few seeds after learning from uniform data at a constant rate.
template <class E>
std::vector<double> settled() {
  std::vector<double> returns;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    auto config = uniform_data<E>(64, 16);
    config.seed = seed;
    config.algorithm.learning_rate = .001f;
    config.algorithm.discount = .99f;
    Trainer<TabularQ, MultiAgentEnv<E>> trainer(config);
    trainer.train(60'000);
    returns.push_back(trainer.evaluate(4).mean);
  }
  return returns;
}

TEST_CASE("algorithm/tabular_q: independent learners settle where it is safe") {
  CHECK(settled<ClimbingGame>() == std::vector<double>(3, 5.));
  CHECK(settled<PenaltyGame<-25>>() == std::vector<double>(3, 2.));
  CHECK(settled<PenaltyGame<-100>>() == std::vector<double>(3, 2.));
  CHECK(settled<TwoStepGame>() == std::vector<double>(3, 7.));
}

TEST_CASE("algorithm/tabular_q: frozen lake's values are found, across the truncations of a time limit") {
  auto config = uniform_data<TimeLimit<FrozenLake, 20>>(64, 16);
  config.algorithm.learning_rate = .01f;
  config.algorithm.exploration.end = .2f;
  Trainer<TabularQ, MultiAgentEnv<TimeLimit<FrozenLake, 20>>> trainer(config);
  trainer.train(1'500'000);
  const auto& learner = trainer.learner();
  const auto greedy = [&](In<float> seen) {
    return certain<4>(learner.greedy(0, static_cast<int>(seen[0])));
  };
  CHECK(static_cast<double>(learner.value(0, 0, learner.greedy(0, 0))) ==
        doctest::Approx(.542026).epsilon(.06));
  CHECK(frozen_lake_return(greedy, .99) > .98 * .542026);
}

/// What the tables of both players expect of the best response to uniform play, over the cards dealt.
template <class Learner>
double expected_in_kuhn(const Learner& learner, int player) {
  double total = 0;
  int first = 0;  // decisions that come first, all equally likely
  for (int card = 0; card < 3; ++card) {
    for (int node = player; node <= 2 * player; ++node, ++first) {
      const int seen = 4 * card + node;
      total += static_cast<double>(learner.value(player, seen, learner.greedy(player, seen)));
    }
  }
  return total / first;
}

TEST_CASE("algorithm/tabular_q: by turns, values are those of the best response to uniform play") {
  auto config = uniform_data<KuhnPoker>(256, 32);
  config.algorithm.discount = 1;
  Trainer<TabularQ, MultiAgentEnv<KuhnPoker>> trainer(config);
  trainer.train(1'000'000);
  const GameTree<KuhnPoker> tree;
  double sum = 0;
  for (int player = 0; player < 2; ++player) {
    const double expected = expected_in_kuhn(trainer.learner(), player);
    CHECK(std::abs(expected - tree.best_response_value(player, UniformPolicy<2>{})) < .02);
    sum += expected;
  }
  CHECK(std::abs(sum - 11. / 12) < .03);
}

TEST_CASE("algorithm/tabular_q: what is not legal is neither tried nor expected") {
  auto config = uniform_data<LeducPoker>(64, 16);
  config.algorithm.initial = 100;  // what was never tried seems best, and would be taken if it could
  Trainer<TabularQ, MultiAgentEnv<LeducPoker>> trainer(config);
  trainer.train(300'000);
  for (int rank = 0; rank < 3; ++rank) {
    const int first = 6 * rank, twice_raised = 6 * rank + 5;
    CHECK(trainer.learner().visits(0, first, LeducPoker::fold) == 0u);
    CHECK(trainer.learner().visits(0, first, LeducPoker::call) > 1000u);
    CHECK(trainer.learner().visits(0, twice_raised, LeducPoker::raise) == 0u);
    CHECK(trainer.learner().visits(0, twice_raised, LeducPoker::fold) > 100u);
    CHECK(trainer.learner().value(0, first, LeducPoker::raise) < 14.f);
  }
}

TEST_CASE("algorithm/tabular_q: blackjack's greedy policy earns within .005 of the best there is") {
  auto config = uniform_data<Blackjack>(64, 16);
  config.algorithm.discount = 1;
  Trainer<TabularQ, MultiAgentEnv<Blackjack>> trainer(config);
  trainer.train(1'000'000);
  const double earned = blackjack_return([&](In<float> seen) {
    return certain<2>(trainer.learner().greedy(0, element_index<Blackjack::Observation>(seen)));
  });
  CHECK(earned > -0.043113 - .005);
  CHECK(earned < -0.043112);  // which nothing can beat
}

struct Reader {};
struct Chooser {};

/// A reader who is paid for naming what it sees, beside choosers who are paid for how high they choose.
struct Kiosk {
  using Roles = polis::Roles<Role<Reader, 1, Discrete<3>, Discrete<3>>,
                             Role<Chooser, 2, MultiDiscrete<1, 2>, Discrete<2>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int shown = 0;

  void reset(auto& ctx) { shown = ctx.random.integer(3); }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(Reader{}, 0) = actions.of(Reader{})[0] == shown ? 1.f : 0.f;
    for (int i = 0; i < 2; ++i) ctx.reward(Chooser{}, i) = static_cast<float>(actions.of(Chooser{})[i] + i);
    ctx.terminate();
  }
  void observe(Reader, int, Row out) const { out[0] = static_cast<float>(shown); }
  void observe(Chooser, int index, Row out) const { out[0] = 0, out[1] = static_cast<float>(index); }
};

TEST_CASE("algorithm/tabular_q: roles with spaces of their own, together and side by side") {
  const auto check = [](const auto& reader, const auto& choosers) {
    for (int seen = 0; seen < 3; ++seen) {
      for (int named = 0; named < 3; ++named) {
        CHECK(reader.visits(0, seen, named) > 100u);
        CHECK(reader.value(0, seen, named) == (seen == named ? 1.f : 0.f));
      }
    }
    for (int i = 0; i < 2; ++i) {
      CHECK(choosers.value(1 + i, i, 0) == static_cast<float>(i));
      CHECK(choosers.value(1 + i, i, 1) == static_cast<float>(i + 1));
      CHECK(choosers.visits(1 + i, 1 - i, 0) == 0u);
    }
  };
  Trainer<TabularQ, MultiAgentEnv<Kiosk>> one(uniform_data<Kiosk>(16, 4));
  one.train(5'000);
  check(one.learner(), one.learner());

  using Both = Policies<For<Chooser, TabularQ>, For<Reader, TabularQ>>;
  Trainer<Both, MultiAgentEnv<Kiosk>>::Config config{.lanes = 16};
  for (auto* part : {&config.algorithm.of(Chooser{}), &config.algorithm.of(Reader{})}) {
    part->exploration = {.start = 1, .end = 1};
    part->learning_rate = 0;
  }
  config.algorithm.of(Reader{}).steps = 3;
  config.algorithm.of(Chooser{}).steps = 7;
  Trainer<Both, MultiAgentEnv<Kiosk>> two(config);
  two.train(5'000);
  check(two.learner().of(Reader{}), two.learner().of(Chooser{}));
}

std::vector<std::byte> saved(auto& trainer) {
  ArchiveWriter writer;
  writer(trainer.learner());
  return writer.take();
}

TEST_CASE("algorithm/tabular_q: the same bits at any number of threads, and after a pause") {
  using Learning = Trainer<TabularQ, MultiAgentEnv<KuhnPoker>>;
  Learning::Config config{.seed = 9, .lanes = 40, .threads = 1};
  config.algorithm.steps = 5;
  config.algorithm.exploration = {.start = .5f, .end = .5f};
  Learning one(config), paused(config), resumed(config);
  config.threads = 2;
  Learning two(config);
  one.train(20'000), two.train(20'000);
  CHECK(saved(one) == saved(two));
  paused.train(8'000);
  ArchiveWriter writer;
  writer(paused);
  ArchiveReader reader(writer.bytes());
  reader(resumed);
  resumed.train(20'000);  // in all
  CHECK(saved(one) == saved(resumed));
}

TEST_CASE("algorithm/tabular_q: settings that make no sense are Errors") {
  Trainer<TabularQ, MultiAgentEnv<KuhnPoker>>::Config config;
  config.algorithm.steps = 0;
  CHECK_THROWS_AS((Trainer<TabularQ, MultiAgentEnv<KuhnPoker>>(config)), Error);
  config.algorithm = {.learning_rate = 2};
  CHECK_THROWS_AS((Trainer<TabularQ, MultiAgentEnv<KuhnPoker>>(config)), Error);
}

}  // namespace test_tabular_q
