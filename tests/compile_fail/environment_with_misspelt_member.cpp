// expect: EnvironmentHasObserve
#include <polis/polis.hpp>

using namespace polis;

struct Corridor {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.terminate(); }
  void obsreve(int, Row out) const { out[0] = 0; }
};

int main() {
  Trainer<PPO, MultiAgentEnv<Corridor>> trainer({.seed = 7});
  trainer.train(1000);
}
