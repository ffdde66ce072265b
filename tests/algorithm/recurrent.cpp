// Memory: what only a recurrent policy can learn, in segments shorter than the rollout and across resets.
#include <doctest/doctest.h>

#include <polis/algorithm/ppo.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_recurrent {

using namespace polis;
using polis_test::Recall;

template <class Network>
double success_after_training() {
  using Student = Trainer<PPO::With<Network>, MultiAgentEnv<Recall<3>>>;
  typename Student::Config config;
  config.seed = 6, config.lanes = 64, config.threads = 1;
  config.algorithm.steps = 20;  // five episodes, so that resets fall into segments
  config.algorithm.segment = 10;
  config.algorithm.minibatch = 320;
  config.algorithm.optimizer.learning_rate = 1e-2f;
  Student trainer(config);
  trainer.train(64 * 20 * 40);
  return trainer.evaluate(200).success;
}

}  // namespace test_recurrent

TEST_CASE("algorithm/recurrent: a GRU recalls a cue, a feed-forward network cannot") {
  CHECK(test_recurrent::success_after_training<polis::Gru<16>>() >= .95);
  CHECK(test_recurrent::success_after_training<polis::Mlp<16>>() <= .6);
}
