// IPPO in the coordination game, and without being told who is who: one word changes.
#include <polis/polis.hpp>
using namespace polis;

template <class Algorithm>
void learn(const char* name) {
  Trainer<Algorithm, MultiAgentEnv<CoordinationGame>> trainer({.seed = 7, .lanes = 32});
  trainer.train(50'000);
  std::printf("%s\n", name);
  trainer.evaluate(100).print();
}

int main() {
  learn<IPPO>("IPPO");
  learn<IPPO::With<NoAgentIds>>("IPPO whose agents do not know who they are");
}
