// expect: ShapingHasItsComponents
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<Constrained>, MultiAgentEnv<Pendulum>> trainer;
  trainer.train(1000);
}
