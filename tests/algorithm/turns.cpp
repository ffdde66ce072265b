// Agents that take turns: a decision is learnt from when its rewards are in, whichever rollout they come in.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_turns {

using namespace polis;
using polis_test::Sticks;

/// Each of three agents is at turn at every third step, and earns something at every step. 11 steps, then the
/// episode is cut off.
struct Rota {
  static constexpr int agents = 3;
  using Observation = Box<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int at = 0;
  float luck = 0;

  void reset(auto&) { *this = {}; }
  void step(const auto& actions, auto& ctx) {
    luck = ctx.random.uniform();
    for (int i = 0; i < agents; ++i) ctx.reward(i) = luck + static_cast<float>(i + actions[at % 3]);
    if (++at == 11) ctx.truncate();
  }
  void observe(int agent, Row out) const { out[0] = luck, out[1] = static_cast<float>(agent); }
  bool acting(int agent) const { return agent == at % 3; }
};

/// One-step advantages, each noted with its return.
struct NotedReturns {
  using word = word::Returns;
  using Config = Gae::Config;
  static inline std::vector<std::pair<float, float>> notes;

  template <class T>
  static void estimate(const Config& config, const Trajectory& at) {
    Gae::estimate<T>(config, at);
    for (int slot = 0; slot < at.slots; ++slot) {
      const std::ptrdiff_t i = slot * at.stride;
      if (at.decided[i]) notes.emplace_back(at.advantages[i], at.returns[i]);
    }
  }
};

struct Learnt {
  std::vector<std::pair<float, float>> samples;
  double counted = 0;
};

/// All that is learnt from 60 steps of four lanes by a policy that stands still, in rollouts of this many
/// steps.
template <class E>
Learnt learnt_in(int steps, bool time_in_steps) {
  using Noted = Trainer<PPO::With<NotedReturns, Mlp<8>>, MultiAgentEnv<E>>;
  typename Noted::Config config{.seed = 5, .lanes = 4, .threads = 1};
  config.algorithm.steps = steps;
  config.algorithm.epochs = 1;
  config.algorithm.returns.lambda = 0;
  config.algorithm.returns.discount = .9f;
  config.algorithm.returns.time_in_steps = time_in_steps;
  config.algorithm.optimizer.learning_rate = 0;
  config.algorithm.policy.policy_gain = 1;
  NotedReturns::notes.clear();
  Noted trainer(config);
  Learnt result;
  for (int t = 0; t < 60; t += steps) {
    trainer.iterate();
    result.counted += trainer.learner().agents().front().statistics().samples;
  }
  result.samples = std::move(NotedReturns::notes);
  std::sort(result.samples.begin(), result.samples.end());
  return result;
}

}  // namespace test_turns

TEST_CASE_TEMPLATE("algorithm/turns: the same samples are learnt from whatever the length of a rollout", E,
                   polis_test::Sticks, test_turns::Rota) {
  using namespace test_turns;
  for (const bool time_in_steps : {false, true}) {
    const Learnt whole = learnt_in<E>(60, time_in_steps);
    // Each of 240 steps is a decision; of each lane at most one for each player still waits at the end.
    CHECK(whole.samples.size() <= 240);
    CHECK(whole.samples.size() >= 240 - 4 * agent_count<E>);
    CHECK(whole.counted == static_cast<double>(whole.samples.size()));
    for (const int steps : {1, 2, 5, 30}) {
      CAPTURE(steps);
      const Learnt parts = learnt_in<E>(steps, time_in_steps);
      CHECK(parts.counted == static_cast<double>(parts.samples.size()));
      REQUIRE(parts.samples.size() == whole.samples.size());
      for (std::size_t i = 0; i < whole.samples.size(); ++i) {
        CHECK(parts.samples[i].first == doctest::Approx(whole.samples[i].first).epsilon(1e-5));
        CHECK(parts.samples[i].second == doctest::Approx(whole.samples[i].second).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE(
    "algorithm/turns: a resumed run goes on with the decisions that were waiting, and with their time") {
  using namespace test_turns;
  using Player = Trainer<PPO::With<Mlp<8>>, MultiAgentEnv<Rota>>;
  Player::Config config{.seed = 5, .lanes = 4, .threads = 1};
  config.algorithm.steps = 2;
  config.algorithm.returns.time_in_steps = true;
  config.algorithm.returns.discount = .7f;
  Player whole(config), first(config), rest(config);
  for (int i = 0; i < 6; ++i) whole.iterate();
  for (int i = 0; i < 3; ++i) first.iterate();
  ArchiveWriter writer;
  first.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  reader.finish();
  for (int i = 0; i < 3; ++i) rest.iterate();
  const auto expected = whole.learner().agents().front().weights().values();
  const auto found = rest.learner().agents().front().weights().values();
  CHECK(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
}

TEST_CASE("algorithm/turns: both players of the stick game find perfect play") {
  using namespace test_turns;
  using Algorithm = PPO::With<Mlp<32>, SeparateParameters>;
  using Player = Trainer<Algorithm, MultiAgentEnv<Sticks>>;
  Player::Config config{.seed = 2, .lanes = 64, .threads = 1};
  config.algorithm.steps = 7;  // an episode is 4 to 7 steps long: pending decisions in every rollout
  config.algorithm.minibatch = 256;
  config.algorithm.optimizer.learning_rate = 5e-3f;
  config.algorithm.returns.discount = 1;
  Player trainer(config);
  trainer.train(64 * 7 * 150);

  // Greedy play of the first player: 7 -> 6, then 5 -> 3 or 4 -> 3, then 2 -> 0 or 1 -> 0, against both
  // replies.
  MultiAgentEnv<Sticks> env(1, 1);
  int wins = 0;
  for (int replies = 0; replies < 4; ++replies) {
    env.reset();
    auto play = trainer.player(1);
    Actions<Sticks> actions{};
    for (int t = 0; !env.over(0); ++t) {
      LaneTile<Sticks> tile{&env, 0, 1, static_cast<std::uint64_t>(t), 0, &actions};
      play(tile);
      if (env.lane(0).turn == 1) actions[1] = env.lane(0).left == 1 ? 0 : replies >> (t / 2) & 1;
      env.advance(0, actions);
    }
    wins += env.reward(0, 0) == 1.f;
  }
  CHECK(wins == 4);
}
