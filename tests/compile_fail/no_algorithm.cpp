// expect: NamesAnAlgorithm
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<MultiAgentEnv<CartPole>, Curriculum<None>> trainer({.seed = 7});
  trainer.train(1000);
}
