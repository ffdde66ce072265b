// expect: CurriculumHasItsSuccess
#include <polis/polis.hpp>

using namespace polis;

struct Ladder {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.terminate(); }
  void observe(int, Row out) const { out[0] = 0; }
  static int stages(const Nothing&, const Nothing&) { return 3; }
  static Nothing task(int, const Nothing&, const Nothing&, Random&) { return {}; }
};

int main() {
  Trainer<PPO, MultiAgentEnv<Ladder>, Curriculum<Adaptive>> trainer;
  trainer.train(1000);
}
