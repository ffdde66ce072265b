// expect: ObjectiveIsPointwise
#include <polis/polis.hpp>

using namespace polis;

struct Own {
  using word = word::Objective;
  using Config = PolicyGradient::Config;
  template <class T>
  static PolicyLoss<T> policy_loss(const Config&, const PolicySample<T>& s) {
    return {s.advantage, s.advantage, s.advantage, s.advantage};
  }
};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, Own>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
