// The T-maze, short: only a recurrent policy carries the cue to the junction. benchmarks/learning_t_maze.cpp
// is the long one.
#include <doctest/doctest.h>

#include <cstdint>

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/classic/t_maze.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

namespace test_t_maze_learning {

using namespace polis;

/// What PPO's greedy policy comes to after 24 thousand steps with a corridor of four.
template <class Network>
EvaluationResult after_training(std::uint64_t seed) {
  using Student = Trainer<PPO::With<Network>, MultiAgentEnv<TMaze<4>>>;
  typename Student::Config config;
  config.seed = seed, config.lanes = 16, config.threads = 1;
  config.algorithm.steps = 32;
  config.algorithm.segment = 16;
  config.algorithm.minibatch = 128;
  config.algorithm.optimizer.learning_rate = 1e-2f;
  config.algorithm.entropy_coefficient = .05f;
  config.algorithm.returns.discount = .98f;
  Student trainer(config);
  trainer.train(24'000);
  return trainer.evaluate(400);
}

}  // namespace test_t_maze_learning

TEST_CASE("algorithm/t_maze: a GRU turns right at the junction, a feed-forward network half of the time" *
          doctest::test_suite("learning")) {
  using namespace test_t_maze_learning;
  int remember = 0;  // of three seeds: about one in twenty does not find the cue's worth in so few steps
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const EvaluationResult gru = after_training<Gru<16>>(seed);
    remember += gru.success >= .95 ? 1 : 0;
    CHECK(gru.length < 6);  // straight to the junction, five steps at least
  }
  CHECK(remember >= 2);
  const EvaluationResult mlp = after_training<Mlp<16>>(1);
  CHECK(mlp.success <= .6);
  CHECK(mlp.metrics.at("at_junction") > .95);  // it gets there, and does not know where to turn
}
