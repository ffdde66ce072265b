// What is learnt of selling a large position: within 2% of Almgren and Chriss's optimum.
#include <doctest/doctest.h>

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/market/liquidation.hpp>
#include <polis/train/trainer.hpp>

namespace test_liquidation_learning {

using namespace polis;
using Learning = Trainer<PPO, MultiAgentEnv<Liquidation<1>>>;

TEST_CASE("algorithm/liquidation: a sale in five steps costs within 2% of the optimum" *
          doctest::test_suite("learning")) {
  Learning::Config config{.seed = 1, .lanes = 64};
  config.algorithm.steps = 30;
  config.algorithm.minibatch = 480;
  config.algorithm.returns.discount = 1;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  config.algorithm.entropy_coefficient = 0;
  Learning trainer(config);
  CHECK(trainer.evaluate(8).metrics["cost"] > 2'000'000);  // it sells next to nothing before the last step
  trainer.train(300'000);
  EvaluationResult result = trainer.evaluate(8);
  CHECK(result.metrics["cost"] < 1'300'900);
  CHECK(result.metrics["cost"] > 1'275'355);  // nothing is below the optimum
}

}  // namespace test_liquidation_learning
