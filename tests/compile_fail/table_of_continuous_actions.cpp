// expect: QLearningHasDiscreteActions
#include <polis/polis.hpp>

using namespace polis;

struct Thermostat {
  static constexpr int agents = 1;
  using Observation = Discrete<4>;
  using Action = Box<1>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.terminate(); }
  void observe(int, Row out) const { out[0] = 0; }
};

int main() {
  Trainer<TabularQ, MultiAgentEnv<Thermostat>> trainer;
  trainer.train(1000);
}
