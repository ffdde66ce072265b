// IPPO in the coordination game. With IPPO::With<NoAgentIds> its agents would not know who they are.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<IPPO, MultiAgentEnv<CoordinationGame>> trainer({.seed = 7, .lanes = 32});
  trainer.train(50'000);
  trainer.evaluate(100).print();
}
