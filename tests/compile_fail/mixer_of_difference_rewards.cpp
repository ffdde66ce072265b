// expect: ShapingKeepsSharedRewards
#include <polis/polis.hpp>

using namespace polis;

struct Meeting {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;

  void reset(auto&) {}
  void step(const auto& actions, auto& ctx) {
    ctx.reward_all(actions[0] == actions[1] ? 1.f : 0.f);
    ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = 1; }
  float counterfactual(int) const { return 0; }
};

int main() {
  Trainer<VDN::With<DifferenceReward>, MultiAgentEnv<Meeting>> trainer;
  trainer.train(1000);
}
