// expect: ActorFitsItsActions
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<TD3, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
