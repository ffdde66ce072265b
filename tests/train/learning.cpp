// PPO learns CartPole within seconds.
#include <doctest/doctest.h>

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/train/trainer.hpp>

TEST_CASE("train/learning: PPO balances the pole after 300 thousand steps" *
          doctest::test_suite("learning")) {
  using namespace polis;
  using Student = Trainer<PPO, MultiAgentEnv<CartPole>>;
  Student::Config config{.seed = 2, .lanes = 64, .threads = 1};
  config.algorithm.steps = 32;
  config.algorithm.minibatch = 512;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  Student trainer(config);
  CHECK(trainer.evaluate(50, Play::sampled).mean < 40);  // about 22 by chance
  trainer.train(300'000);
  CHECK(trainer.evaluate(50).mean > 450);
}
