// expect: CollectiveHasItsLearner
#include <polis/polis.hpp>

using namespace polis;

struct Two : Local {
  static constexpr bool distributed = true;
};

int main() {
  Trainer<DQN, MultiAgentEnv<CartPole>, Collective<Two>> trainer;
  trainer.train(1000);
}
