// expect: ShapingHasItsPotential
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<PotentialBased>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
