// expect: ReplayedNetworkHasNoMemory
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<DQN::With<Gru<64>>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
