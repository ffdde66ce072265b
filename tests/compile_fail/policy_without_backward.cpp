// expect: PolicyFitsItsSpaces
#include <polis/polis.hpp>

using namespace polis;

struct Own {
  using word = word::Policy;
  template <class Parts>
  struct policy {
    using Parameters = FlatParameters;
  };
  template <class Initialization>
  using Config = ActorCriticConfig<Initialization>;
};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, Own>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
