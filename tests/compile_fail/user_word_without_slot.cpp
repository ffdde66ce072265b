// expect: EveryWordHasItsSlot
#include <polis/polis.hpp>

using namespace polis;

struct Mood {};

struct Cheerful {
  using word = Mood;
};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, Cheerful>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
