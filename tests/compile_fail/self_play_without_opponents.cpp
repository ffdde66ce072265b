// expect: SelfPlayHasItsOpponents
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<SelfPlay<PPO>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
