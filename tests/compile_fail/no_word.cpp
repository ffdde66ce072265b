// expect: EveryArgumentHasItsPlace
#include <polis/polis.hpp>

using namespace polis;

struct Cheerful {};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>, Cheerful> trainer;
  trainer.train(1000);
}
