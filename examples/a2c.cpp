// A2C balances a pole. With other returns, A2C::With<Gae>, one word would change.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<A2C, MultiAgentEnv<CartPole>> trainer({.seed = 7, .lanes = 16});
  trainer.train(200'000);
  trainer.evaluate(100).print();
}
