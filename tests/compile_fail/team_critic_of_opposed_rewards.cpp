// expect: TeamCriticHasItsTeam
#include <polis/polis.hpp>

using namespace polis;

struct Duel {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using State = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  float advantage = 0;

  void reset(auto&) { advantage = 0; }
  void step(const auto& actions, auto& ctx) {
    advantage = static_cast<float>(actions[0] - actions[1]);
    ctx.reward(0) = advantage;
    ctx.reward(1) = -advantage;
    ctx.terminate();
  }
  void observe(int agent, Row out) const { out[0] = agent == 0 ? advantage : -advantage; }
  void state(Row out) const { out[0] = advantage; }
};

int main() {
  Trainer<PPO::With<TeamCritic<>>, MultiAgentEnv<Duel>> trainer;
  trainer.train(1000);
}
