// expect: Config
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO, MultiAgentEnv<CartPole>> trainer({.seed = 7, .laens = 64});
  trainer.train(1000);
}
