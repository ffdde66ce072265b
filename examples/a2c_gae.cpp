// A2C by generalised advantage estimates instead of its returns of n steps: one word more.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<A2C::With<Gae>, MultiAgentEnv<CartPole>> trainer({.seed = 7, .lanes = 16});
  trainer.train(200'000);
  trainer.evaluate(100).print();
}
