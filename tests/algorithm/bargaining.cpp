// What is learnt of alternating offers: the shares of the subgame-perfect equilibrium.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <polis/algorithm/tabular_q.hpp>
#include <polis/envs/negotiation/bargaining.hpp>
#include <polis/train/trainer.hpp>

namespace test_bargaining_learning {

using namespace polis;
using Learning = Trainer<TabularQ, MultiAgentEnv<Bargaining>>;

Learning::Config settings(int deadline) {
  Learning::Config config{.seed = 1, .lanes = 64};
  config.env.deadline = deadline;
  config.env.breakdown = deadline == 0;
  config.algorithm.discount = 1;  // the environment's own discounts tell
  config.algorithm.learning_rate = .02f;
  config.algorithm.exploration.end = .01f;
  config.algorithm.steps = 16;
  return config;
}

TEST_CASE("algorithm/bargaining: tables learn Rubinstein's shares within .08, on a grid of .05" *
          doctest::test_suite("learning")) {
  const double shares[] = {1 / 1.9, 1, .1};  // without a deadline, with one offer, with two
  for (int deadline = 0; deadline <= 2; ++deadline) {
    CAPTURE(deadline);
    Learning trainer(settings(deadline));
    trainer.train(1'000'000);
    const EvaluationResult result = trainer.evaluate(64);
    CHECK(std::abs(result.agents[0] - shares[deadline]) < .08);
    CHECK(std::abs(result.agents[1] - (1 - shares[deadline])) < .08);
    CHECK(result.success == 1);
  }
}

}  // namespace test_bargaining_learning
