// Muon as a word of PPO: it learns, and the same on any number of threads.
#include <doctest/doctest.h>

#include <algorithm>

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/nn/muon.hpp>
#include <polis/train/trainer.hpp>

namespace test_muon_word {

using namespace polis;
using Student = Trainer<PPO::With<Muon>, MultiAgentEnv<CartPole>>;

Student student(int threads) {
  Student::Config config{.seed = 1, .lanes = 64, .threads = threads};
  config.algorithm.steps = 32;
  config.algorithm.minibatch = 512;
  config.algorithm.optimizer.adamw.learning_rate = 1e-3f;
  return Student(config);
}

}  // namespace test_muon_word

TEST_CASE("algorithm/muon: PPO balances the pole after 100 thousand steps" *
          doctest::test_suite("learning")) {
  auto trainer = test_muon_word::student(1);
  CHECK(trainer.evaluate(50, polis::Play::sampled).mean < 40);  // about 22 by chance
  trainer.train(100'000);
  CHECK(trainer.evaluate(50).mean > 400);
}

TEST_CASE("algorithm/muon: one thread and two give the same weights") {
  auto one = test_muon_word::student(1), two = test_muon_word::student(2);
  one.train(64 * 32 * 2);
  two.train(64 * 32 * 2);
  const auto a = one.learner().agents().front().weights().values();
  const auto b = two.learner().agents().front().weights().values();
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}
