// The team algorithms: what they learn in two small games, what a counterfactual critic knows, and what
// becomes of agents that are out of action.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <polis/algorithm/coma.hpp>
#include <polis/algorithm/maa2c.hpp>
#include <polis/algorithm/mappo.hpp>
#include <polis/algorithm/reinforce.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

namespace test_teams {

using namespace polis;

template <class Algorithm, class E>
auto trained(std::uint64_t steps, std::uint64_t seed = 1) {
  typename Trainer<Algorithm, MultiAgentEnv<E>>::Config config{.seed = seed, .lanes = 32, .threads = 1};
  config.algorithm.steps = 24;
  config.algorithm.optimizer.learning_rate = 5e-3f;
  if constexpr (Algorithm::Slots::Critic::counterfactual) {
    config.algorithm.optimizer.learning_rate = 2e-3f;
    config.algorithm.entropy_coefficient = .2f;
  }
  auto trainer = std::make_unique<Trainer<Algorithm, MultiAgentEnv<E>>>(config);
  trainer->train(steps);
  return trainer;
}

/// Two agents that are paid 1 together at every one of 6 steps; the second is out of action from the third
/// step on, but sees the episode through.
struct Wounded {
  static constexpr int agents = 2;
  using Observation = Box<2>;
  using State = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto&, auto& ctx) {
    ctx.reward_all(1.f);
    if (++at == 6) ctx.terminate();
  }
  void observe(int agent, Row out) const {
    out[0] = 1 + static_cast<float>(at);
    out[1] = 1 + static_cast<float>(agent);
  }
  void state(Row out) const { out[0] = 1 + static_cast<float>(at); }
  bool acting(int agent) const { return agent == 0 || at < 2; }
};

template <class Algorithm>
auto wounded() {
  typename Trainer<Algorithm, MultiAgentEnv<Wounded>>::Config config{.seed = 3, .lanes = 8, .threads = 1};
  config.algorithm.steps = 24;
  config.algorithm.returns.discount = 1;
  config.algorithm.returns.lambda = 1;
  auto trainer = std::make_unique<Trainer<Algorithm, MultiAgentEnv<Wounded>>>(config);
  trainer->iterate();
  return trainer;
}

}  // namespace test_teams

TEST_CASE("algorithm/teams: each of them finds the optimum of the coordination game" *
          doctest::test_suite("learning")) {
  using namespace test_teams;
  const auto best = [](const auto& trainer) { return trainer->evaluate(50).mean == doctest::Approx(2); };
  CHECK(best(trained<IPPO, CoordinationGame>(30'000)));
  CHECK(best(trained<MAPPO, CoordinationGame>(30'000)));
  CHECK(best(trained<A2C, CoordinationGame>(30'000)));
  CHECK(best(trained<MAA2C, CoordinationGame>(30'000)));
  CHECK(best(trained<COMA, CoordinationGame>(30'000)));
}

TEST_CASE("algorithm/teams: each of them answers the cue that is seen once, and then agrees" *
          doctest::test_suite("learning")) {
  using namespace test_teams;
  const auto solved = [](const auto& trainer) {
    return trainer->evaluate(100).success == doctest::Approx(1);
  };
  CHECK(solved(trained<IPPO, CueGame>(40'000)));
  CHECK(solved(trained<MAPPO, CueGame>(40'000)));
  CHECK(solved(trained<A2C, CueGame>(60'000)));
  CHECK(solved(trained<MAA2C, CueGame>(60'000)));
  CHECK(solved(trained<COMA, CueGame>(100'000)));
}

TEST_CASE("algorithm/teams: recurrent policies, and each way to share weights" *
          doctest::test_suite("learning")) {
  using namespace test_teams;
  const auto best = [](const auto& trainer) { return trainer->evaluate(50).mean == doctest::Approx(2); };
  CHECK(best(trained<MAPPO::With<Gru<16>, SharedParameters>, CoordinationGame>(20'000)));
  CHECK(best(trained<COMA::With<Gru<16>, SeparateParameters>, CoordinationGame>(20'000)));
  CHECK(best(trained<MAA2C::With<Gru<16>, SeparateParameters>, CoordinationGame>(20'000)));
  CHECK(best(trained<REINFORCE::With<Gru<16>, AgentIds>, CoordinationGame>(20'000)));
}

TEST_CASE("algorithm/teams: each of MAPPO's findings is taken away by a word") {
  using namespace test_teams;
  using Bare = MAPPO::With<RawValues, LocalCritic, NoAgentIds, DecisionsAlone>;
  using Slots = Bare::Slots;
  static_assert(!Slots::Critic::needs_state && !Slots::ValueNormalization::normalizes);
  static_assert(Slots::AgentIds::features<CueGame> == 0 && !Slots::ActiveMasks::keeps_idle);
  static_assert(MAPPO::Slots::AgentIds::features<CueGame> == 2 && MAPPO::Slots::Critic::needs_state);
  // Without them it is PPO, number for number.
  using Plain = PPO::With<TeamDefaults>;
  const auto bare = trained<Bare, CueGame>(2'000);
  const auto plain = trained<Plain, CueGame>(2'000);
  const auto ours = bare->learner().agents().front().weights().values();
  const auto theirs = plain->learner().agents().front().weights().values();
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) REQUIRE(ours[i] == theirs[i]);
}

TEST_CASE("algorithm/teams: a counterfactual critic knows the payoff of every joint action" *
          doctest::test_suite("learning")) {
  using namespace test_teams;
  // A bonus that keeps both agents at even odds, so that all four joint actions are seen alike often.
  Trainer<COMA, MultiAgentEnv<CoordinationGame>>::Config config{.seed = 5, .lanes = 64, .threads = 1};
  config.algorithm.entropy_coefficient = 100;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  Trainer<COMA, MultiAgentEnv<CoordinationGame>> trainer(config);
  trainer.train(200'000);
  trainer.iterate();
  const auto& rollout = trainer.learner().agents().front().rollout();
  int seen[2][2] = {};
  for (int slot = 1; slot < rollout.shape().slots(); ++slot) {
    for (int lane = 0; lane < 64; ++lane) {
      const int own = static_cast<int>(rollout.actions(slot, 2 * lane, 0));
      const int other = static_cast<int>(rollout.actions(slot, 2 * lane + 1, 0));
      ++seen[own][other];
      const auto paid = [](int a, int b) { return a != b ? 0. : a == 0 ? 2. : 1.; };
      for (int agent = 0; agent < 2; ++agent) {
        const int mine = agent == 0 ? own : other, its = agent == 0 ? other : own;
        const int row = 2 * lane + agent;
        CHECK(static_cast<double>(rollout.values(slot, row)) ==
              doctest::Approx(paid(mine, its)).epsilon(.02));
        const double alone = paid(mine, its) - .5 * (paid(0, its) + paid(1, its));
        CHECK(std::abs(static_cast<double>(rollout.advantages(slot, row)) - alone) < .05);
      }
    }
  }
  for (const auto& row : seen) {
    for (const int count : row) CHECK(count > 300);
  }
}

TEST_CASE(
    "algorithm/teams: with active masks every step counts, and idle agents are zeros to the critic alone") {
  using namespace test_teams;
  const auto trainer = wounded<MAPPO>();
  const auto& rollout = trainer->learner().agents().front().rollout();
  REQUIRE(rollout.shape().slots() == 24);
  for (int slot = 0; slot < 24; ++slot) {
    for (int row = 0; row < 16; ++row) {
      const bool acts = row % 2 == 0 || slot % 6 < 2;
      CHECK(rollout.decided(slot, row) == 1);
      CHECK(rollout.active(slot, row) == (acts ? 1 : 0));
      CHECK((rollout.observations(slot, row, 0) != 0.f) == acts);
      CHECK((rollout.states(slot, row, 0) != 0.f) == acts);
      CHECK(rollout.returns(slot, row) == doctest::Approx(6 - slot % 6).epsilon(1e-4));
    }
  }
}

TEST_CASE("algorithm/teams: without them a decision's transition spans the steps that its agent sat out") {
  using namespace test_teams;
  const auto trainer = wounded<MAPPO::With<DecisionsAlone>>();
  const auto& rollout = trainer->learner().agents().front().rollout();
  for (int row = 1; row < 16; row += 2) {
    for (int slot = rollout.shape().slots() - 24; slot < rollout.shape().slots(); ++slot) {
      const int at = (slot - (rollout.shape().slots() - 24)) % 6;
      CHECK(rollout.decided(slot, row) == (at < 2 ? 1 : 0));
      if (at < 2) CHECK(rollout.returns(slot, row) == doctest::Approx(6 - at).epsilon(1e-4));
    }
  }
}

TEST_CASE("algorithm/teams: the critic of idle agents learns; recurrent ones too") {
  using namespace test_teams;
  const auto error = [](const auto& trainer) {
    const auto& rollout = trainer.learner().agents().front().rollout();
    double worst = 0;
    for (int row = 1; row < 16; row += 2) {
      // Zeros do not tell the time: the best value of an idle agent is the mean of what is left, 2.5.
      for (int slot = 2; slot < 6; ++slot) {
        worst = std::max(worst, std::abs(static_cast<double>(rollout.values(slot, row)) - 2.5));
      }
    }
    return worst;
  };
  const auto train = [&]<class Algorithm>(Algorithm) {
    typename Trainer<Algorithm, MultiAgentEnv<Wounded>>::Config config{.seed = 3, .lanes = 8, .threads = 1};
    config.algorithm.steps = 24;
    config.algorithm.segment = 6;
    config.algorithm.returns.discount = 1;
    config.algorithm.returns.lambda = 1;
    config.algorithm.optimizer.learning_rate = 3e-3f;
    Trainer<Algorithm, MultiAgentEnv<Wounded>> trainer(config);
    trainer.train(40'000);
    return error(trainer);
  };
  CHECK(train(MAPPO{}) < .2);
  CHECK(train(MAPPO::With<Gru<16>>{}) < 1.6);  // its memory tells the time: any of 4, 3, 2, 1
}
