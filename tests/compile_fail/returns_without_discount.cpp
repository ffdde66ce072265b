// expect: ReturnsAreEstimated
#include <polis/polis.hpp>

using namespace polis;

struct Own {
  using word = word::Returns;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  template <class T>
  static void estimate(const Config&, const Trajectory&) {}
};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, Own>;

int main() {
  Trainer<Mine, MultiAgentEnv<CartPole>> trainer;
  trainer.train(1000);
}
