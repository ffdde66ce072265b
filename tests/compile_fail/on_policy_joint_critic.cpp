// expect: CriticFitsItsAlgorithm
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<JointCritic>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
