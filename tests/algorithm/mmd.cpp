// Magnetic mirror descent: self-play comes to the equilibria of poker, which it goes round without a magnet.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <polis/algorithm/action_probabilities.hpp>
#include <polis/algorithm/mmd.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/fields.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/envs/games/exploitability.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>
#include <polis/train/trainer.hpp>

namespace test_mmd {

using namespace polis;
template <class Algorithm, class E = KuhnPoker>
using Playing = Trainer<Algorithm, MultiAgentEnv<E>>;

template <class Algorithm>
auto settings_in_kuhn() {
  typename Playing<Algorithm>::Config config{.seed = 1, .lanes = 256};
  config.algorithm.steps = 16;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.returns.discount = 1;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  return config;
}

template <class E>
double exploitability(const auto& trainer) {
  return GameTree<E>().exploitability(action_probabilities(trainer.learner()));
}

std::vector<float> values(const auto& parameters) {
  return {parameters.values().begin(), parameters.values().end()};
}

/// What plain self-play has: the same settings, without a magnet.
struct Plain : MMD::With<NoMagnet> {};
struct PlainPpo : PPO::With<MmdDefaults> {};

TEST_CASE("algorithm/mmd: Kuhn poker is played within .05 of an equilibrium" *
          doctest::test_suite("learning")) {
  auto config = settings_in_kuhn<MMD>();
  config.algorithm.magnet = {.coefficient = .2f, .target = {.every = 50}};
  Playing<MMD> trainer(config);
  trainer.train(1'000'000);
  CHECK(exploitability<KuhnPoker>(trainer) < .05);
  const GameTree<KuhnPoker> tree;
  const auto policy = action_probabilities(trainer.learner());
  CHECK(std::abs(tree.value(0, policy) - KuhnPoker::value) < .03);
}

TEST_CASE_TEMPLATE("algorithm/mmd: without a magnet self-play stays exploitable" *
                       doctest::test_suite("learning"),
                   Algorithm, Plain, PlainPpo) {
  // Uniform play loses 11/24 = .458.
  Playing<Algorithm> trainer(settings_in_kuhn<Algorithm>());
  trainer.train(500'000);
  CHECK(exploitability<KuhnPoker>(trainer) > .15);
}

TEST_CASE("algorithm/mmd: Leduc poker's exploitability falls to a quarter of uniform play's" *
          doctest::test_suite("learning")) {
  Playing<MMD, LeducPoker>::Config config{.seed = 1, .lanes = 256};
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.returns.discount = 1;
  config.algorithm.objective.step_size = .1f;
  config.algorithm.magnet = {.coefficient = 1, .target = {.every = 50}};
  Playing<MMD, LeducPoker> trainer(config);
  trainer.train(500'000);
  CHECK(exploitability<LeducPoker>(trainer) < 2.373611 / 4);
}

TEST_CASE("algorithm/mmd: a magnet follows in steps, on an average, or not at all") {
  const auto updates = [](auto& trainer, int count) {
    for (int i = 0; i < count; ++i) trainer.iterate();
  };
  const auto member = [](auto& trainer) -> const auto& { return trainer.learner().agents().front(); };

  auto config = settings_in_kuhn<MMD>();
  config.lanes = 8;
  config.algorithm.magnet.target.every = 2;
  Playing<MMD> steps(config);
  const auto first = values(member(steps).weights());
  updates(steps, 1);
  CHECK(values(member(steps).magnet().weights()) == first);
  CHECK(values(member(steps).weights()) != first);
  updates(steps, 1);
  const auto second = values(member(steps).weights());
  CHECK(values(member(steps).magnet().weights()) == second);
  updates(steps, 1);
  CHECK(values(member(steps).magnet().weights()) == second);

  using Average = MMD::With<Magnet<SoftTarget>>;
  auto softly = settings_in_kuhn<Average>();
  softly.lanes = 8;
  softly.algorithm.magnet.target.rate = .25f;
  Playing<Average> average(softly);
  softly.algorithm.magnet.target.rate = 0;
  Playing<Average> fixed(softly);
  updates(average, 1), updates(fixed, 3);
  const auto now = values(member(average).weights());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(member(average).magnet().weights().values()[i] ==
          doctest::Approx(first[i] + .25f * (now[i] - first[i])).epsilon(1e-5));
  }
  CHECK(values(member(fixed).magnet().weights()) == first);
}

/// The mean divergence from the first policy after learning with this coefficient.
double distance_with(float coefficient) {
  using Fixed = MMD::With<Magnet<SoftTarget>>;
  auto config = settings_in_kuhn<Fixed>();
  config.lanes = 64;
  config.algorithm.magnet = {.coefficient = coefficient, .target = {.rate = 0}};
  Playing<Fixed> trainer(config);
  trainer.train(60'000);
  double distance = -1;
  trainer.learner().metrics([&](const char* name, double value) {
    if (std::string_view(name) == "magnet_divergence") distance = value;
  });
  return distance;
}

TEST_CASE("algorithm/mmd: every setting has its key") {
  CHECK(fields_complete<MMD::Config>());
  CHECK(fields_complete<MMD::With<Magnet<SoftTarget>>::Config>());
}

TEST_CASE("algorithm/mmd: the stronger a magnet, the closer play stays to it") {
  const double none = distance_with(0), weak = distance_with(.5f), strong = distance_with(10);
  CHECK(none > .15);
  CHECK(weak < .7 * none);
  CHECK(strong < .1 * weak);
  CHECK(strong >= 0);
}

TEST_CASE("algorithm/mmd: probabilities are those that are played by") {
  auto config = settings_in_kuhn<MMD>();
  config.lanes = 64;
  config.algorithm.policy.policy_gain = 2;
  Playing<MMD> trainer(config);
  const auto policy = action_probabilities(trainer.learner());
  double count[3] = {}, bets[3] = {};
  auto env = trainer.evaluation_lanes(20'000, {}, {});
  auto player = trainer.player(env.lanes(), Play::sampled);
  (void)run_episodes(env, 20'000, [&](LaneTile<KuhnPoker>& tile) {
    player(tile);
    for (int lane = 0; lane < tile.lanes; ++lane) {
      if (tile.env->steps_in_episode(lane) != 0) continue;
      const int card = tile.env->lane(lane).hand[0];
      ++count[card], bets[card] += tile.actions[lane][0] == 1 ? 1. : 0.;
    }
  });
  for (int card = 0; card < 3; ++card) {
    float seen[7] = {}, legal[2] = {1, 1};
    seen[card] = 1;
    const double p = policy(0, {seen, 1}, {legal, 1})[1];
    CHECK(std::abs(bets[card] / count[card] - p) < 4 * std::sqrt(p * (1 - p) / count[card]));
  }
}

TEST_CASE("algorithm/mmd: the same bits at any number of threads, and after a pause") {
  auto config = settings_in_kuhn<MMD>();
  config.lanes = 40, config.threads = 1;
  config.algorithm.magnet.target.every = 3;
  Playing<MMD> one(config), paused(config), resumed(config);
  config.threads = 2;
  Playing<MMD> two(config);
  for (int i = 0; i < 8; ++i) one.iterate(), two.iterate();
  for (int i = 0; i < 4; ++i) paused.iterate();
  ArchiveWriter writer;
  paused.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.archive(reader);
  reader.finish();
  for (int i = 0; i < 4; ++i) resumed.iterate();
  CHECK(to_bytes(one.learner()) == to_bytes(two.learner()));
  CHECK(to_bytes(one.learner()) == to_bytes(resumed.learner()));
}

TEST_CASE("algorithm/mmd: a magnet of Gaussian actions") {
  using Torques = Playing<MMD, Pendulum>;
  Torques::Config config{.seed = 2, .lanes = 8};
  config.algorithm.magnet.coefficient = 1;
  Torques trainer(config);
  for (int i = 0; i < 4; ++i) trainer.iterate();
  double distance = 0;
  trainer.learner().metrics([&](const char* name, double value) {
    if (std::string_view(name) == "magnet_divergence") distance = value;
  });
  CHECK(distance > 0);
}

}  // namespace test_mmd
