// expect: MagnetHasItsDivergence
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<Magnet<SoftTarget>, Gru<32>>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
