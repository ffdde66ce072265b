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

TEST_CASE("algorithm/reproducible: few lanes act by the weights of the last update, and of a checkpoint") {
  using namespace test_reproducible;
  using Algorithm = PPO;
  auto config = settings<Algorithm>(1);
  config.lanes = 3, config.algorithm.steps = 20;
  Student<Algorithm> trainer(config), other(config);
  const auto check = [](auto& student) {
    const auto& agents = student.learner().agents().front();
    const auto before = agents.weights();
    student.iterate();
    const auto& rollout = agents.rollout();
    constexpr int rows = 60;
    alignas(64) float features[4 * tile_rows], log_prob[tile_rows], entropy[tile_rows], value[tile_rows];
    gather_tile<Simd>(&rollout.observations(0, 0, 0), 4, nullptr, rows, 4, features);
    alignas(64) float actions[tile_rows];
    gather_tile<Simd>(&rollout.actions(0, 0, 0), 1, nullptr, rows, 1, actions);
    const PolicyBatch batch{
        .rows = rows, .features = features, .critic_features = features, .actions = actions};
    PolicyOutputs out;
    out.log_prob = log_prob, out.entropy = entropy, out.value = value;
    auto workspace = agents.policy().workspace(1);
    agents.policy().template evaluate<Simd>(before, workspace, batch, out);
    for (int row = 0; row < rows; ++row) CHECK(log_prob[row] == (&rollout.log_probs(0, 0))[row]);
  };
  for (int i = 0; i < 3; ++i) check(trainer);
  check(other);
  ArchiveWriter writer;
  trainer.archive(writer);
  ArchiveReader reader(writer.bytes());
  other.archive(reader);
  check(other), check(trainer);
  CHECK(weights_of(other) == weights_of(trainer));
}
