// expect: CriticLearnsFromTransitions
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<SAC::With<Episodes>, MultiAgentEnv<Pendulum>> trainer;
  trainer.train(1000);
}
