// expect: AveragedPolicyStandsAlone
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<NFSP::With<Vdn>, MultiAgentEnv<TwoStepGame>> trainer;
  trainer.train(1000);
}
