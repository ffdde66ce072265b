// expect: MadeOfDenseLayers
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<Bfloat16<Gru<64>>>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
