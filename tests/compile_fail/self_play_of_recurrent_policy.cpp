// expect: SelfPlayHasItsOpponents
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<SelfPlay<PPO::With<Gru<32>>>, MultiAgentEnv<KuhnPoker>> trainer;
  trainer.train(1000);
}
