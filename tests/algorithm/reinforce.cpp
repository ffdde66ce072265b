// REINFORCE: only what came of whole episodes is learnt from.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <polis/algorithm/reinforce.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_reinforce {

using namespace polis;

/// Decisions whose episode has ended when the rollout has, their returns compared with the rewards added up.
template <class Rollout>
long check_complete(const Rollout& rollout, float discount) {
  long complete = 0;
  for (int row = 0; row < rollout.shape().rows; ++row) {
    bool ended = false;
    float sum = 0;
    for (int slot = rollout.shape().slots() - 1; slot >= 0; --slot) {
      if (rollout.ends(slot, row) != End::none) ended = true, sum = 0;
      sum = rollout.rewards(slot, row) + discount * sum;
      if (!ended || !rollout.decided(slot, row)) continue;
      ++complete;
      CHECK(rollout.returns(slot, row) == doctest::Approx(sum));
    }
  }
  return complete;
}

/// Trains for one rollout of CartPole at first, whose episodes are about 22 steps long.
template <class Algorithm>
void check_rollout(int steps) {
  Trainer<Algorithm, MultiAgentEnv<CartPole>> trainer(
      {.seed = 3, .lanes = 20, .threads = 1, .algorithm = {.steps = steps}});
  trainer.iterate();
  const auto& agents = trainer.learner().agents().front();
  const long complete = check_complete(agents.rollout(), trainer.config().algorithm.returns.discount);
  CHECK(complete > 0);
  CHECK(complete < 20 * steps);
  CHECK(agents.statistics().samples == static_cast<double>(complete));
}

}  // namespace test_reinforce

TEST_CASE("algorithm/reinforce: decisions of episodes that have ended are learnt from, and no others") {
  using namespace test_reinforce;
  check_rollout<REINFORCE>(60);
  check_rollout<REINFORCE::With<Gru<8>>>(60);
}

TEST_CASE("algorithm/reinforce: before the first end there is nothing to learn") {
  using namespace test_reinforce;
  Trainer<REINFORCE, MultiAgentEnv<CartPole>> trainer(
      {.seed = 3, .lanes = 4, .threads = 1, .algorithm = {.steps = 4}});
  const auto weights = [&] {
    const auto values = trainer.learner().agents().front().weights().values();
    return std::vector<float>(values.begin(), values.end());
  };
  const auto before = weights();
  trainer.iterate();
  CHECK(trainer.learner().agents().front().statistics().samples == 0);
  CHECK(weights() == before);
  trainer.train(4 * 60);
  CHECK(weights() != before);
}

TEST_CASE("algorithm/reinforce: turns") {
  using namespace test_reinforce;
  Trainer<REINFORCE::With<SeparateParameters, Mlp<8>>, MultiAgentEnv<polis_test::Sticks>> trainer(
      {.seed = 3, .lanes = 10, .threads = 1, .algorithm = {.steps = 9}});
  for (int i = 0; i < 4; ++i) {
    trainer.iterate();
    for (const auto& agents : trainer.learner().agents()) {
      // Slot 0 of the next rollout has been filled already; the others are as they were learnt from.
      const auto& rollout = agents.rollout();
      for (int row = 0; row < rollout.shape().rows; ++row) {
        for (int slot = 1; slot < rollout.shape().slots(); ++slot) {
          bool ended = false;
          float outcome = 0;
          for (int s = slot; s < rollout.shape().slots() && !ended; ++s) {
            ended = rollout.ends(s, row) != End::none;
            if (ended) outcome = rollout.rewards(s, row);
          }
          if (!ended || !rollout.decided(slot, row)) continue;
          // Won or lost, discounted by the decisions until then.
          const float value = rollout.returns(slot, row) / outcome;
          CHECK((value > .95f && value <= 1.f));
        }
      }
      CHECK(agents.statistics().samples > 10);
    }
  }
}

TEST_CASE("algorithm/reinforce: balances the pole after 300 thousand steps" *
          doctest::test_suite("learning")) {
  using namespace test_reinforce;
  Trainer<REINFORCE, MultiAgentEnv<CartPole>>::Config config{.seed = 1, .lanes = 8, .threads = 1};
  config.algorithm.optimizer.learning_rate = 3e-3f;
  Trainer<REINFORCE, MultiAgentEnv<CartPole>> trainer(config);
  CHECK(trainer.evaluate(50, Play::sampled).mean < 40);  // about 22 by chance
  trainer.train(300'000);
  CHECK(trainer.evaluate(50).mean > 300);
}
