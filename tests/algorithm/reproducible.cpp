// Whatever the estimator: the same bits on any number of threads, and after stop and resume.
#include <doctest/doctest.h>

#include <vector>

#include <polis/algorithm/a2c.hpp>
#include <polis/algorithm/reinforce.hpp>
#include <polis/core/archive.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/objective/dual_clip.hpp>
#include <polis/returns/group_normalised.hpp>
#include <polis/returns/lambda_return.hpp>
#include <polis/returns/v_trace.hpp>
#include <polis/train/trainer.hpp>

namespace test_reproducible {

using namespace polis;

template <class Algorithm>
using Student = Trainer<Algorithm, MultiAgentEnv<CartPole>>;

template <class Algorithm>
typename Student<Algorithm>::Config settings(int threads) {
  typename Student<Algorithm>::Config config{.seed = 9, .lanes = 160, .threads = threads};
  config.algorithm.steps = 30;
  config.algorithm.epochs = 2;
  config.algorithm.minibatch = 1000;
  return config;
}

std::vector<float> weights_of(auto& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

}  // namespace test_reproducible

TEST_CASE_TEMPLATE("algorithm/reproducible: on one thread and on three, and after a resume", Algorithm,
                   polis::A2C, polis::REINFORCE, polis::PPO::With<polis::VTrace>,
                   polis::PPO::With<polis::LambdaReturn, polis::DualClip>,
                   polis::PPO::With<polis::GroupNormalised>) {
  using namespace test_reproducible;
  Student<Algorithm> one(settings<Algorithm>(1)), three(settings<Algorithm>(3)), rest(settings<Algorithm>(1));
  const auto first_weights = weights_of(one);
  for (int i = 0; i < 4; ++i) one.iterate();
  for (int i = 0; i < 2; ++i) three.iterate();
  ArchiveWriter writer;
  three.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  reader.finish();
  for (int i = 0; i < 2; ++i) three.iterate(), rest.iterate();
  CHECK(weights_of(one) != first_weights);
  CHECK(weights_of(three) == weights_of(one));
  CHECK(weights_of(rest) == weights_of(one));
}
