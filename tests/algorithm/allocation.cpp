// What is learnt of sharing out a capacity: the alpha-fair division.
#include <doctest/doctest.h>

#include <polis/algorithm/ppo.hpp>
#include <polis/distribution/dirichlet.hpp>
#include <polis/envs/allocation/alpha_fair_sharing.hpp>
#include <polis/train/trainer.hpp>

namespace test_allocation_learning {

using namespace polis;
using Learning = Trainer<PPO::With<Dirichlet>, MultiAgentEnv<AlphaFairSharing<3>>>;

TEST_CASE("algorithm/allocation: the alpha-fair division is learnt within 2% of the capacity" *
          doctest::test_suite("learning")) {
  Learning::Config config{.seed = 1, .lanes = 64};
  config.algorithm.steps = 32;
  config.algorithm.minibatch = 512;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  config.algorithm.entropy_coefficient = 0;
  Learning trainer(config);
  CHECK(trainer.evaluate(8).metrics["distance"] > .2);
  trainer.train(200'000);
  EvaluationResult result = trainer.evaluate(8);
  CHECK(result.metrics["distance"] < .02);
  CHECK(result.mean > .99 * AlphaFairSharing<3>::optimal_value(trainer.lanes().view(0)).value);
}

}  // namespace test_allocation_learning
