// expect: OpponentModelHasItsOpponents
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<OpponentModel<32>>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
