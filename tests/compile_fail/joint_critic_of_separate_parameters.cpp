// expect: JointCriticHasOneSetOfWeights
#include <polis/polis.hpp>

using namespace polis;

int main() {
  using Apart = MADDPG::With<GumbelSoftmax, SampledActions, SeparateParameters>;
  Trainer<Apart, MultiAgentEnv<CoordinationGame>> trainer;
  trainer.train(1000);
}
