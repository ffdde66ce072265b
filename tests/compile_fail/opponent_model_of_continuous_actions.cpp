// expect: OpponentActionsAreDiscrete
#include <polis/polis.hpp>

using namespace polis;

struct Lift {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using Action = Box<1>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  float height = 0;

  void reset(auto&) { height = 0; }
  void step(const auto& actions, auto& ctx) {
    height += actions[0][0] + actions[1][0];
    ctx.reward_all(-height * height);
    ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = height; }
};

int main() {
  Trainer<PPO::With<OpponentModel<32>>, MultiAgentEnv<Lift>> trainer;
  trainer.train(1000);
}
