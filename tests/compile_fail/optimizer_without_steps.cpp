// expect: OptimizerStepsBlocks
#include <polis/polis.hpp>

using namespace polis;

struct Own {
  using word = word::Optimizer;
  using Config = Adam::Config;
  Own(const Config&, std::size_t) {}
};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, Own>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
