// expect: ActorsShareWeightsAlone
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<A3C::With<NormalizeObservations>, MultiAgentEnv<Pendulum>> trainer;
  trainer.train(1000);
}
