// MAA2C in the climbing game, where a miss of one agent costs both of them 30.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<MAA2C, MultiAgentEnv<ClimbingGame>> trainer({
      .seed = 7,
      .lanes = 32,
      .algorithm = {.optimizer = {.learning_rate = 3e-3f}, .entropy_coefficient = .1f},
  });
  trainer.train(100'000);
  trainer.evaluate(100).print();
}
