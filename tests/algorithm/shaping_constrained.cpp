// A constrained learner comes to the saddle point that is known.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/shaping/constrained.hpp>
#include <polis/train/trainer.hpp>

namespace test_shaping_constrained {

using namespace polis;

/// One decision: the risky choice earns 1 and is a risk, the safe one nothing.
struct Gamble {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  bool risky = false;
  void reset(auto&) { risky = false; }
  void step(const auto& actions, auto& ctx) {
    risky = actions[0] == 1;
    ctx.reward(0) = risky ? 1.f : 0.f;
    ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = 1; }
  void reward_components(int, auto&& visit) const { visit("safety", risky ? -1.f : 0.f); }
};

struct Ending {
  double share = 0, multiplier = 0;  // means over the last third of training
  double widest = 0;                 // the largest distance of the share from .3 in it
};

using Learning = Trainer<PPO::With<Mlp<8>, Constrained>, MultiAgentEnv<Gamble>>;

Learning::Config settings(std::uint64_t seed, int threads) {
  Learning::Config config{.seed = seed, .lanes = 64, .threads = threads};
  config.algorithm.shaping = {
      .component = "safety", .floor = -.3f, .proportional = 1, .integral = .1f, .derivative = 0};
  config.algorithm.steps = 16;
  config.algorithm.minibatch = 0;
  config.algorithm.epochs = 2;
  config.algorithm.normalize_advantages = false;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  return config;
}

Ending gamble(std::uint64_t seed) {
  Learning trainer(settings(seed, 1));
  Ending ending;
  const int updates = 300;
  for (int update = 0; update < updates; ++update) {
    trainer.iterate();
    if (update < 2 * updates / 3) continue;
    trainer.learner().metrics([&](std::string_view name, double value) {
      if (name == "multiplier") ending.multiplier += value / (updates / 3);
      if (name == "constrained") {
        ending.share -= value / (updates / 3);
        ending.widest = std::max(ending.widest, std::abs(-value - .3));
      }
    });
  }
  return ending;
}

TEST_CASE(
    "algorithm/shaping_constrained: a gamble is taken as often as allowed, at the price that makes it even" *
    doctest::test_suite("learning")) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Ending ending = gamble(seed);
    CHECK(std::abs(ending.share - .3) < .08);
    CHECK(ending.widest < .3);
    CHECK(std::abs(ending.multiplier - 1) < .1);
  }
}

TEST_CASE("algorithm/shaping_constrained: the same bits on one thread and on three, and after a resume") {
  const auto all = [](Learning& trainer) {
    ArchiveWriter writer;
    trainer.learner().archive(writer);
    const auto bytes = writer.bytes();
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  Learning one(settings(4, 1)), three(settings(4, 3)), rest(settings(4, 2));
  for (int i = 0; i < 8; ++i) one.iterate();
  for (int i = 0; i < 4; ++i) three.iterate();
  ArchiveWriter writer;
  three.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  reader.finish();
  CHECK(rest.learner().shaping().multiplier() > 0);
  for (int i = 0; i < 4; ++i) three.iterate(), rest.iterate();
  CHECK(all(three) == all(one));
  CHECK(all(rest) == all(one));
}

}  // namespace test_shaping_constrained
