// expect: QLearningHasDiscreteActions
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<NFSP, MultiAgentEnv<Pendulum>> trainer;
  trainer.train(1000);
}
