// expect: DistributionFitsItsActions
#include <polis/polis.hpp>

using namespace polis;

struct Unbounded {
  static constexpr int agents = 1;
  using Observation = Box<3>;
  using Action = Box<1>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.terminate(); }
  void observe(int, Row out) const { out[0] = 0; }
};

using Mine = PPO::With<Gru<128>, Relu, Orthogonal, PolicyGradient, Sgd, SeparateParameters,
                       NormalizeObservations, ScaleRewards, Beta>;

int main() {
  Trainer<Mine, MultiAgentEnv<Unbounded>> trainer;
  trainer.train(1000);
}
