// expect: ActorFitsItsActions
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<MADDPG, MultiAgentEnv<CoordinationGame>> trainer;
  trainer.train(1000);
}
