// A2C balances a pole; by other returns in a2c_gae.cpp.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<A2C, MultiAgentEnv<CartPole>> trainer({.seed = 7, .lanes = 16});
  trainer.train(200'000);
  trainer.evaluate(100).print();
}
