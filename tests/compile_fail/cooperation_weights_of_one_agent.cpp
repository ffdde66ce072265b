// expect: ShapingHasItsOthers
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<CooperationWeights>, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
