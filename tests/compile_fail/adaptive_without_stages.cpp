// expect: CurriculumHasItsStages
#include <polis/polis.hpp>

using namespace polis;

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>, Curriculum<Adaptive>> trainer;
  trainer.train(1000);
}
