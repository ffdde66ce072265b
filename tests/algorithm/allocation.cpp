// What is learnt of sharing out a capacity, the alpha-fair division, and of scheduling, the c-mu rule.
#include <doctest/doctest.h>

#include <cmath>

#include <polis/algorithm/action_probabilities.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/distribution/dirichlet.hpp>
#include <polis/envs/allocation/alpha_fair_sharing.hpp>
#include <polis/envs/allocation/two_class_queue.hpp>
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

struct Scheduler : PPO::With<ScaleRewards> {};

TEST_CASE("algorithm/allocation: wherever jobs of both classes wait, the c-mu rule is learnt" *
          doctest::test_suite("learning")) {
  using Queue = TwoClassQueue<>;
  Trainer<Scheduler, MultiAgentEnv<Queue>>::Config config{.seed = 1, .lanes = 64};
  config.algorithm.steps = 128;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  Trainer<Scheduler, MultiAgentEnv<Queue>> trainer(config);
  const auto probability_of_second = [&](int first, int second) {
    const float seen[] = {std::log(1 + static_cast<float>(first)), std::log(1 + static_cast<float>(second))};
    const float all[] = {1, 1};
    return action_probabilities(trainer.learner())(0, In<float>{seen}, In<float>{all})[1];
  };
  CHECK(std::abs(probability_of_second(3, 3) - .5) < .1);
  trainer.train(500'000);
  for (int first = 1; first <= 6; ++first) {
    for (int second = 1; second <= 6; ++second) CHECK(probability_of_second(first, second) > .6);
  }
}

}  // namespace test_allocation_learning
