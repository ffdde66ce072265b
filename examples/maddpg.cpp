// MADDPG in a coordination game: actions are Discrete, so their relaxation is named.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  using Algorithm = MADDPG::With<GumbelSoftmax, SampledActions>;
  Trainer<Algorithm, MultiAgentEnv<CoordinationGame>> trainer({.seed = 7, .lanes = 8});
  trainer.train(10'000);
  trainer.evaluate(200).print();
}
