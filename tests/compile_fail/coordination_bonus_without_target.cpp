// expect: ShapingHasItsTarget
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<MASAC::With<CoordinationBonus>, MultiAgentEnv<SimpleSpread<>>> trainer;
  trainer.train(1000);
}
