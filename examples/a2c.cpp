// A2C balances a pole, and again with other returns: one word changes.
#include <polis/polis.hpp>
using namespace polis;

template <class Algorithm>
void learn(const char* name) {
  Trainer<Algorithm, MultiAgentEnv<CartPole>> trainer({.seed = 7, .lanes = 16});
  trainer.train(200'000);
  std::printf("%s\n", name);
  trainer.evaluate(100).print();
}

int main() {
  learn<A2C>("A2C");
  learn<A2C::With<Gae>>("A2C with generalised advantage estimation");
}
