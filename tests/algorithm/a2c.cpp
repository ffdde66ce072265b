// A2C: its own values, and that it learns.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/algorithm/a2c.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/nn/sgd.hpp>
#include <polis/train/trainer.hpp>

namespace test_a2c {

using namespace polis;

constexpr bool is_a2c(const auto& config) {
  return config.epochs == 1 && config.minibatch == 0 && config.value_coefficient == 1.f &&
         config.entropy_coefficient == 0.f && !config.normalize_advantages;
}

}  // namespace test_a2c

TEST_CASE("algorithm/a2c: its values are its own, wherever it is re-composed, and the user's come first") {
  using namespace test_a2c;
  CHECK(is_a2c(A2C::Config{}));
  CHECK(A2C::Config{}.steps == 5);
  CHECK(is_a2c(A2C::Config{.steps = 20}));
  CHECK(A2C::Config{.steps = 20}.steps == 20);
  CHECK(A2C::Config{.epochs = 3}.epochs == 3);
  CHECK(is_a2c(A2C::With<Adam, Gae, Mlp<32>>::Config{}));
  CHECK(!is_a2c(PPO::Config{}));
  CHECK(PPO::Config{}.epochs == 4);
  // One word brings them all, to any sentence, and another takes their place.
  CHECK(is_a2c(PPO::With<A2CDefaults>::Config{}));
  CHECK(!is_a2c(A2C::With<CommonDefaults>::Config{}));
  const Trainer<A2C, MultiAgentEnv<CartPole>>::Config config{.lanes = 3, .algorithm = {.segment = 4}};
  CHECK(is_a2c(config.algorithm));
}

TEST_CASE("algorithm/a2c: every sample of a rollout is used once, in one step") {
  using namespace test_a2c;
  // With plain gradients the weights move by learning rate times gradient, once.
  Trainer<A2C::With<Sgd>, MultiAgentEnv<CartPole>> trainer({.seed = 1, .lanes = 100, .threads = 1});
  const std::vector<float> before(trainer.learner().agents().front().weights().values().begin(),
                                  trainer.learner().agents().front().weights().values().end());
  trainer.iterate();
  const auto& agents = trainer.learner().agents().front();
  CHECK(agents.statistics().samples == 500);
  double square = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double moved = static_cast<double>(agents.weights().values()[i] - before[i]);
    square += moved * moved;
  }
  const auto& config = trainer.config().algorithm;
  const double norm =
      std::min(agents.statistics().gradient_norm, static_cast<double>(config.max_gradient_norm));
  CHECK(std::sqrt(square) ==
        doctest::Approx(norm * static_cast<double>(config.optimizer.learning_rate)).epsilon(1e-3));
}

TEST_CASE("algorithm/a2c: balances the pole after 200 thousand steps" * doctest::test_suite("learning")) {
  using namespace test_a2c;
  Trainer<A2C, MultiAgentEnv<CartPole>> trainer({.seed = 1, .lanes = 8, .threads = 1});
  CHECK(trainer.evaluate(50, Play::sampled).mean < 40);  // about 22 by chance
  trainer.train(200'000);
  CHECK(trainer.evaluate(50).mean > 300);
}
