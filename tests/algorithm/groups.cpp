// Advantages within a group of lanes that begin alike: what the start is worth drops out, without a critic.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/core/error.hpp>
#include <polis/nn/gru.hpp>
#include <polis/returns/group_normalised.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_groups {

using namespace polis;

/// Which of two actions is right is seen; so is a fortune of up to +-50 that the episode pays in any case. It
/// lasts one to four steps.
struct Fortune {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int side = 0, left = 0;
  float fortune = 0;
  bool right = true;

  void reset(auto& ctx) {
    *this = {.side = ctx.random.integer(2), .left = 1 + ctx.random.integer(4)};
    fortune = ctx.random.uniform(-50.f, 50.f);
  }
  void step(const auto& actions, auto& ctx) {
    right = right && actions[0] == side;
    ctx.reward(0) = (actions[0] == side ? 1.f : 0.f);
    if (--left > 0) return;
    ctx.reward(0) += fortune;
    ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(2 * side - 1); }
  float success() const { return right ? 1.f : 0.f; }
};

using Algorithm = PPO::With<GroupNormalised, Mlp<16>>;
using Student = Trainer<Algorithm, MultiAgentEnv<Fortune>>;

Student::Config settings() {
  Student::Config config{.seed = 2, .lanes = 64, .threads = 1};
  config.algorithm.steps = 8;
  config.algorithm.minibatch = 128;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  return config;
}

std::vector<float> critic_of(auto& agents) {
  std::vector<float> values;
  agents.weights().for_each_block([&](const Block& block, std::size_t, auto block_values) {
    if (block.name.rfind("critic.", 0) == 0)
      values.insert(values.end(), block_values.begin(), block_values.end());
  });
  return values;
}

template <class Made>
std::string refusal(const typename Made::Config& config) {
  try {
    Made trainer(config);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace test_groups

TEST_CASE("algorithm/groups: members of a group play the same episodes, and the advantage is the group's") {
  using namespace test_groups;
  Student trainer(settings());
  const auto& rollout = trainer.learner().agents().front().rollout();
  long counted = 0;
  for (int update = 0; update < 3; ++update) {
    trainer.iterate();
    for (int first = 0; first < 64; first += 8) {
      // All members see the same, and end at the same steps: the start alone decides on that here.
      float sum = 0, different = 0;
      for (int slot = 0; slot < 8; ++slot) {
        for (int row = first; row < first + 8; ++row) {
          CHECK(rollout.observations(slot, row, 0) == rollout.observations(slot, first, 0));
          CHECK(rollout.ends(slot, row) == rollout.ends(slot, first));
          sum += rollout.advantages(slot, row);
          different += rollout.returns(slot, row) != rollout.returns(slot, first) ? 1.f : 0.f;
        }
      }
      CHECK(std::abs(sum) < 1e-3f);
      counted += different > 0;
    }
  }
  CHECK(counted > 10);  // what they do tells them apart
  int alike = 0;        // of different groups
  for (int first = 8; first < 64; first += 8) {
    alike += rollout.observations(0, 0, 0) == rollout.observations(0, first, 0) &&
             rollout.ends(0, 0) == rollout.ends(0, first) && rollout.ends(1, 0) == rollout.ends(1, first);
  }
  CHECK(alike < 6);
}

TEST_CASE("algorithm/groups: learns what is right whatever the fortune, and its critic stands still") {
  using namespace test_groups;
  Student trainer(settings());
  const auto critic = critic_of(trainer.learner().agents().front());
  CHECK(critic.size() > 16);
  CHECK(trainer.evaluate(200, Play::sampled).success < .5f);
  trainer.train(64 * 8 * 40);
  CHECK(trainer.evaluate(200).success > .98f);
  CHECK(critic_of(trainer.learner().agents().front()) == critic);
}

TEST_CASE("algorithm/groups: with a memory, with several agents that die, and by turns") {
  using namespace test_groups;
  using polis_test::Minefield, polis_test::Recall, polis_test::Sticks;
  Trainer<Algorithm::With<Gru<8>>, MultiAgentEnv<Recall<2>>>::Config memory{
      .seed = 3, .lanes = 64, .threads = 1};
  memory.algorithm.steps = 12, memory.algorithm.segment = 12, memory.algorithm.minibatch = 256;
  memory.algorithm.optimizer.learning_rate = 1e-2f;
  Trainer<Algorithm::With<Gru<8>>, MultiAgentEnv<Recall<2>>> student(memory);
  student.train(64 * 12 * 40);
  CHECK(student.evaluate(100).success > .95f);

  Trainer<Algorithm, MultiAgentEnv<Minefield>>::Config mines{.seed = 4, .lanes = 32, .threads = 1};
  mines.algorithm.steps = 12, mines.algorithm.minibatch = 256;
  mines.algorithm.optimizer.learning_rate = 1e-2f;
  Trainer<Algorithm, MultiAgentEnv<Minefield>> survivor(mines);
  survivor.train(32 * 12 * 50);
  CHECK(survivor.evaluate(100).mean > 11);

  Trainer<Algorithm, MultiAgentEnv<Sticks>>::Config sticks{.seed = 4, .lanes = 16, .threads = 1};
  sticks.algorithm.steps = 7;
  Trainer<Algorithm, MultiAgentEnv<Sticks>> player(sticks);
  for (int i = 0; i < 3; ++i) {
    player.iterate();
    // Every decision of seven steps is learnt from: of the first episode of each lane at least.
    CHECK(player.learner().agents().front().statistics().samples >= 4 * 16 * 4);
  }
}

TEST_CASE("algorithm/groups: groups that the lanes do not come to are refused") {
  using namespace test_groups;
  auto config = settings();
  config.algorithm.returns.group = 7;
  CHECK(refusal<Student>(config).find("algorithm.returns.group") != std::string::npos);
  config.algorithm.returns.group = 1;
  CHECK(refusal<Student>(config).find("at least 2") != std::string::npos);
  // Beside other algorithms lanes cannot begin anew when one of them wants it.
  using polis_test::Receiver, polis_test::Sender, polis_test::Signalling;
  using Both = Trainer<Policies<For<Sender, Algorithm>, For<Receiver, PPO>>, MultiAgentEnv<Signalling>>;
  CHECK(refusal<Both>({}).find("begin alike in groups of 1") != std::string::npos);
}
