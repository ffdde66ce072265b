// Agents that die one by one: the dead cost no forward pass, their returns end with them, the others learn
// on.
#include <doctest/doctest.h>

#include <atomic>

#include <polis/algorithm/ppo.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_deaths {

using namespace polis;
using polis_test::Minefield;

std::atomic<long> rows_acted{0};

/// The native policy, which counts the rows it acts for.
struct CountedPolicy {
  using word = word::Policy;
  template <class Parts>
  struct policy : NativePolicy::policy<Parts> {
    using Base = NativePolicy::policy<Parts>;
    using Base::Base;
    template <class Arch>
    void act(const typename Base::Parameters& weights, typename Base::Workspace& w, const PolicyBatch& batch,
             const float* uniforms, float* carry, float* actions, float* log_prob) const {
      rows_acted += batch.rows;
      Base::template act<Arch>(weights, w, batch, uniforms, carry, actions, log_prob);
    }
  };
  template <class Initialization>
  using Config = NativePolicy::Config<Initialization>;
};

using Algorithm = PPO::With<CountedPolicy, Mlp<16>>;
using Survivor = Trainer<Algorithm, MultiAgentEnv<Minefield>>;

Survivor::Config settings() {
  Survivor::Config config{.seed = 4, .lanes = 32, .threads = 1};
  config.algorithm.steps = 24;
  config.algorithm.minibatch = 256;
  config.algorithm.optimizer.learning_rate = 1e-2f;
  config.algorithm.returns.lambda = 1;
  config.algorithm.returns.discount = 1;
  return config;
}

}  // namespace test_deaths

TEST_CASE("algorithm/deaths: only the living are gathered, and a return ends with its agent") {
  using namespace test_deaths;
  Survivor trainer(settings());
  rows_acted = 0;
  trainer.iterate();
  const auto& rollout = trainer.learner().agents().front().rollout();
  long living = 0, died = 0;
  for (int row = 0; row < rollout.shape().rows; ++row) {
    for (int slot = 0; slot < 24; ++slot) {
      living += rollout.decided(slot, row);
      if (!rollout.decided(slot, row)) CHECK(rollout.rewards(slot, row) == 0.f);
      if (rollout.ends(slot, row) != End::terminated) continue;
      ++died;
      CHECK(rollout.returns(slot, row) == doctest::Approx(0.f).epsilon(1e-5));
      // Before a death lie the rewards until it, and nothing of the next life.
      float until = 0;
      for (int s = slot - 1; s >= 0 && rollout.ends(s, row) == End::none && rollout.decided(s, row); --s) {
        until += 1;
        CHECK(rollout.returns(s, row) == doctest::Approx(until).epsilon(1e-4));
      }
    }
  }
  CHECK(died > 32);
  CHECK(rows_acted == living);
  CHECK(living < 32 * 3 * 24 * 3 / 4);  // a quarter of all rows and more were dead
  CHECK(trainer.learner().agents().front().statistics().samples == 4. * static_cast<double>(living));
}

TEST_CASE("algorithm/deaths: they learn to survive, and an episode without anyone left is over") {
  using namespace test_deaths;
  Survivor trainer(settings());
  const EvaluationResult before = trainer.evaluate(100, Play::sampled);
  CHECK(before.mean < 2);    // 1 by chance
  CHECK(before.length < 6);  // far from 12: over when the third is dead
  trainer.train(32 * 24 * 40);
  CHECK(trainer.evaluate(100).mean > 11.9);
}
