// expect: ShapingHasItsCounterfactual
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<DQN::With<DifferenceReward>, MultiAgentEnv<PrisonersDilemma<5>>> trainer;
  trainer.train(1000);
}
