// expect: PolicyModelsItsOpponents
#include <polis/polis.hpp>

using namespace polis;

/// A policy of the user's own, which knows nothing of the word.
struct Own {
  using word = word::Policy;
  template <class Parts>
  using policy = ActorCriticPolicy<Mlp<8>::network<Parts::features, Parts::Distribution::inputs, Tanh>,
                                   Mlp<8>::network<Parts::critic_features, 1, Tanh>,
                                   typename Parts::Distribution, Orthogonal>;
  template <class Initialization>
  using Config = ActorCriticConfig<Initialization>;
};

int main() {
  Trainer<PPO::With<Own, OpponentModel<32>>, MultiAgentEnv<CueGame>> trainer;
  trainer.train(1000);
}
