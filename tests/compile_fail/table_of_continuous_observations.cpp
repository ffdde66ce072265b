// expect: TableNumbersItsObservations
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<TabularQ, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
