// expect: NamesAnEnvironment
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO, CartPole> trainer;
  trainer.train(1000);
}
