// expect: ExplorationFitsItsActions
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<DQN::With<GaussianNoise>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
