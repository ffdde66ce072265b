// expect: EveryWordHasItsSlot
#include <polis/polis.hpp>

using namespace polis;

struct Cheerful {};

int main() {
  Trainer<PPO::With<Cheerful>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
