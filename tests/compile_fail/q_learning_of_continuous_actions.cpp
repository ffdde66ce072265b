// expect: QLearningHasDiscreteActions
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<DQN, MultiAgentEnv<Pendulum>> trainer;
  trainer.train(1000);
}
