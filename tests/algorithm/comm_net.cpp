// Agents that learn what to tell one another, by gradients through their messages.
#include <doctest/doctest.h>

#include <polis/algorithm/ppo.hpp>
#include <polis/env/together.hpp>
#include <polis/nn/comm_net.hpp>
#include <polis/train/trainer.hpp>

namespace test_comm_net_learning {

using namespace polis;

/// Each of three agents sees a number of its own, 0 to 3, and is to name that of the agent before it: the
/// team earns a third of 1 for each who does. Mute, the best is .25.
struct Neighbours {
  static constexpr int agents = 3, numbers = 4;
  using Observation = Box<agents + numbers>;
  using Action = Discrete<numbers>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  Array<int, agents> number{};

  POLIS_HD void reset(auto& ctx) { draw(ctx); }
  POLIS_HD void step(const auto& actions, auto& ctx) {
    int right = 0;
    for (int i = 0; i < agents; ++i) right += actions[i] == number[(i + agents - 1) % agents] ? 1 : 0;
    ctx.reward_all(static_cast<float>(right) / agents);
    draw(ctx);
    ctx.terminate();
  }
  POLIS_HD void observe(int agent, Row out) const {
    for (int i = 0; i < agents; ++i) out[i] = i == agent ? 1.f : 0.f;
    for (int i = 0; i < numbers; ++i) out[agents + i] = i == number[agent] ? 1.f : 0.f;
  }

 private:
  POLIS_HD void draw(auto& ctx) {
    for (int& each : number) each = ctx.random.integer(numbers);
  }
};

template <class NetworkWord>
double learnt() {
  using Algorithm = PPO::With<NetworkWord>;
  typename Trainer<Algorithm, MultiAgentEnv<Together<Neighbours>>>::Config config{
      .seed = 3, .lanes = 64, .threads = 1};
  config.algorithm.steps = 16;
  config.algorithm.minibatch = 256;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  config.algorithm.schedule = {.kind = ScheduleKind::linear};
  Trainer<Algorithm, MultiAgentEnv<Together<Neighbours>>> trainer(config);
  trainer.train(200'000);
  return trainer.evaluate(500).mean;
}

}  // namespace test_comm_net_learning

TEST_CASE("algorithm/comm_net: what the others see is told, in numbers and in bits" *
          doctest::test_suite("learning")) {
  using namespace test_comm_net_learning;
  const double mute = learnt<CommNet<3, 32, 0>>(), numbers = learnt<CommNet<3, 32, 1>>(),
               bits = learnt<CommNet<3, 32, 1, 8>>();
  MESSAGE("mute " << mute << ", in numbers " << numbers << ", in bits " << bits);
  CHECK(mute < .35);
  CHECK(numbers > .75);
  CHECK(bits > .7);
}
