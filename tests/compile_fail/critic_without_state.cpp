// expect: CriticHasItsState
#include <polis/polis.hpp>

using namespace polis;

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, CentralCritic>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
