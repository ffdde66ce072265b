// Actors of a team with critics that see all of it, and actors of Discrete actions: gradients by finite
// differences, small games, the same bits on any number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <polis/algorithm/maddpg.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/train/trainer.hpp>

#include "actor_q.hpp"

namespace test_maddpg {

using namespace polis;
using namespace polis_test;

/// Each of two agents sees a number, and is paid for naming it and for the other's naming little. Two steps.
struct Naming {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  struct Action : Box<1> {
    static constexpr float low = -1, high = 1;
  };
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  float seen[2] = {};
  int at = 0;

  void reset(auto& ctx) {
    at = 0;
    draw(ctx);
  }
  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < 2; ++i) {
      const float miss = actions[i][0] - seen[i], other = actions[1 - i][0];
      ctx.reward(i) = -miss * miss - 3 * other * other;
    }
    if (++at == 2) ctx.terminate();
    draw(ctx);
  }
  void observe(int i, Row out) const { out[0] = seen[i]; }

 private:
  void draw(auto& ctx) {
    for (float& x : seen) x = ctx.random.uniform(-.8f, .8f);
  }
};

/// Three who cooperate, by turns and until each is out, with legal actions.
struct Relay {
  static constexpr int agents = 3;
  using Observation = Discrete<9>;
  using State = Discrete<9>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0;
  bool broken = false;

  void reset(auto&) { at = 0, broken = false; }
  void step(const auto& actions, auto& ctx) {
    broken = broken || actions[at % 3] == (at % 3 + 1) % 3;
    if (actions[at % 3] == at % 3) ctx.reward_all(1);
    if (at > 5) ctx.terminate(at % 3);
    if (++at == 9) at = 8, ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
  void state(Row out) const { out[0] = static_cast<float>(at); }
  bool acting(int agent) const { return agent == at % 3; }
  void legal(int agent, Row mask) const { mask[(agent + 1) % 3] = 0; }
};

using Hard = MADDPG::With<GumbelSoftmax, SampledActions>;
using Alone = SAC::With<Mlp<64, 64>, AgentIds>;

}  // namespace test_maddpg

TEST_CASE_TEMPLATE("algorithm/maddpg: gradients of joint critics and of actors are finite differences",
                   Algorithm, polis::MADDPG, polis::MADDPG::With<polis::TwinCritics, polis::SmoothedActor>,
                   polis::MASAC) {
  using namespace test_maddpg;
  using Small = typename Algorithm::template With<Mlp<16>, Tanh>;
  check_gradients<Small, Points<2>>();
  check_gradients<typename Algorithm::template With<Mlp<16>>, Points<2>>();  // by row-major passes
}

TEST_CASE_TEMPLATE("algorithm/maddpg: so are those of exact expectations over Discrete actions", Algorithm,
                   polis::SAC, polis::MASAC, polis::MASAC::With<polis::CentralCritic>) {
  using namespace test_maddpg;
  using Small = typename Algorithm::template With<Mlp<16>, Tanh>;
  check_gradients<Small, Relay>();
  check_gradients<typename Algorithm::template With<Mlp<16>>, Relay>();  // by row-major passes
}

TEST_CASE_TEMPLATE("algorithm/maddpg: the better of two conventions is agreed on" *
                       doctest::test_suite("learning"),
                   Algorithm, test_maddpg::Hard, test_maddpg::Hard::With<polis::CentralCritic>, polis::MASAC,
                   test_maddpg::Alone) {
  using namespace test_maddpg;
  auto config = settings<Algorithm, CoordinationGame>(8);
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 3e-3f;
  if constexpr (requires { config.algorithm.actor.discrete_target; })
    config.algorithm.actor.discrete_target = .3f;
  Student<Algorithm, CoordinationGame> trainer(config);
  trainer.train(4'000);
  CHECK(trainer.evaluate(4).mean == doctest::Approx(2));
}

TEST_CASE_TEMPLATE("algorithm/maddpg: each agent learns from its own reward" *
                       doctest::test_suite("learning"),
                   Algorithm, polis::MADDPG, polis::MASAC) {
  using namespace test_maddpg;
  auto config = settings<Algorithm, Naming>(8);
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 2e-3f;
  Student<Algorithm, Naming> trainer(config);
  trainer.train(16'000);
  // Who names what it sees loses 3 .64 / 3 a step by the other, and nothing by itself; whoever learnt from
  // both rewards would name a quarter of it.
  CHECK(trainer.evaluate(200).mean == doctest::Approx(-2 * .64).epsilon(.12));
  const auto& replay = trainer.learner().agents().front().replay();
  double product = 0, square = 0;
  for (std::uint64_t n = replay.completed(0) - 200; n < replay.completed(0); ++n) {
    for (int i = 0; i < 2; ++i) {
      const int id = replay.place(0, n);
      const auto seen = static_cast<double>(replay.observations(id, i, 0));
      product += seen * static_cast<double>(replay.actions(id, i, 0)), square += seen * seen;
    }
  }
  CHECK(product / square > .75);
}

TEST_CASE_TEMPLATE("algorithm/maddpg: turns, deaths and legal actions of a team" *
                       doctest::test_suite("learning"),
                   Algorithm, test_maddpg::Hard, polis::MASAC, test_maddpg::Alone) {
  using namespace test_maddpg;
  auto config = settings<Algorithm, Relay>(8);
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 3e-3f;
  if constexpr (requires { config.algorithm.actor.discrete_target; })
    config.algorithm.actor.discrete_target = .2f;
  Student<Algorithm, Relay> trainer(config);
  while (trainer.clock().steps < 8'000) {
    trainer.iterate();
    for (int lane = 0; lane < 8; ++lane) REQUIRE(!trainer.lanes().lane(lane).broken);
  }
  // At best each of the nine steps pays 1 to those in play: two of the three in the eighth, one in the last.
  CHECK(trainer.evaluate(4).mean == doctest::Approx(8));
}

TEST_CASE_TEMPLATE("algorithm/maddpg: on one thread and on three, and after a resume", Algorithm,
                   test_maddpg::Hard::With<polis::CentralCritic>,
                   polis::MASAC::With<polis::PrioritizedReplay>, polis::SAC::With<polis::SharedParameters>) {
  using namespace test_maddpg;
  check_reproducible<typename Algorithm::template With<Mlp<16>>, Relay>();
}
