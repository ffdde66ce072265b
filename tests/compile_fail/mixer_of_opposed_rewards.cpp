// expect: MixerHasSharedRewards
#include <polis/polis.hpp>

using namespace polis;

struct Duel {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using State = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;

  void reset(auto&) {}
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = actions[0] == actions[1] ? 1.f : -1.f;
    ctx.reward(1) = -ctx.reward(0);
    ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = 1; }
  void state(Row out) const { out[0] = 1; }
};

int main() {
  Trainer<QMIX, MultiAgentEnv<Duel>> trainer;
  trainer.train(1000);
}
