// expect: MappableBuffer
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<Mapped<Rollout>>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
