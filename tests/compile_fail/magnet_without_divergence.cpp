// expect: MagnetHasItsDivergence
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<MMD::With<Beta>, MultiAgentEnv<Pendulum>> trainer;
  trainer.train(1000);
}
