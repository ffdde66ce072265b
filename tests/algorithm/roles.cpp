// Roles with spaces of their own learn together, whoever shares weights with whom, and by one algorithm or
// two.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_roles {

using namespace polis;
using polis_test::Receiver;
using polis_test::Sender;
using polis_test::Signalling;
using SmallPpo = PPO::With<Mlp<16>>;

template <class Algorithm, class E>
typename Trainer<Algorithm, MultiAgentEnv<E>>::Config settings() {
  typename Trainer<Algorithm, MultiAgentEnv<E>>::Config config;
  config.seed = 3, config.lanes = 64, config.threads = 1;
  return config;
}

void quick(auto& algorithm) {
  algorithm.steps = 8;
  algorithm.minibatch = 256;
  algorithm.optimizer.learning_rate = 1e-2f;
}

/// Two roles whose spaces are equal: each is paid for the action that its own observation names.
struct Twins {
  using Roles =
      polis::Roles<Role<Sender, 1, Discrete<2>, Discrete<2>>, Role<Receiver, 2, Discrete<2>, Discrete<2>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int wanted[3] = {}, at = 0;

  void reset(auto& ctx) {
    at = 0;
    for (int& w : wanted) w = ctx.random.integer(2);
  }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(Sender{}, 0) = actions.of(Sender{})[0] == wanted[0] ? 1.f : 0.f;
    for (int i = 0; i < 2; ++i)
      ctx.reward(Receiver{}, i) = actions.of(Receiver{})[i] == wanted[1 + i] ? 1.f : 0.f;
    for (int& w : wanted) w = ctx.random.integer(2);
    if (++at == 4) ctx.truncate();
  }
  void observe(int agent, Row out) const { out[0] = static_cast<float>(wanted[agent]); }
};

template <class Sharing>
void check_twins(int sets_of_weights) {
  using Algorithm = SmallPpo::With<Sharing>;
  auto config = settings<Algorithm, Twins>();
  quick(config.algorithm);
  Trainer<Algorithm, MultiAgentEnv<Twins>> trainer(config);
  trainer.train(64 * 8 * 30);
  CHECK(trainer.evaluate(64).mean > 3.9);  // of 4
  int sets = 0;
  sets += static_cast<int>(trainer.learner().template agents<0>().size());
  if constexpr (!std::is_same_v<Sharing, SharedParameters>) {
    sets += static_cast<int>(trainer.learner().template agents<1>().size());
  }
  CHECK(sets == sets_of_weights);
}

}  // namespace test_roles

TEST_CASE("algorithm/roles: two roles with spaces of their own learn a code") {
  using namespace test_roles;
  auto config = settings<SmallPpo, Signalling>();
  quick(config.algorithm);
  Trainer<SmallPpo, MultiAgentEnv<Signalling>> trainer(config);
  const double before = trainer.evaluate(200, Play::sampled).mean;
  CHECK(before < 4);  // 3.5 by chance
  trainer.train(64 * 8 * 100);
  CHECK(trainer.evaluate(200).mean > 6.9);
}

TEST_CASE("algorithm/roles: a sentence with a name of its own is the sentence") {
  using namespace test_roles;
  struct Mine : SmallPpo {};
  CHECK(Trainer<Mine, MultiAgentEnv<Twins>>::name() == Trainer<SmallPpo, MultiAgentEnv<Twins>>::name());
}

TEST_CASE("algorithm/roles: weights are shared by all, by the agents of a role, or by nobody") {
  test_roles::check_twins<polis::SharedParameters>(1);
  test_roles::check_twins<polis::PerRoleParameters>(2);
  test_roles::check_twins<polis::SeparateParameters>(3);
}

namespace test_roles {

using Both = Policies<For<Receiver, SmallPpo::With<Gru<8>, SharedParameters>>, For<Sender, SmallPpo>>;
using BothTrainer = Trainer<Both, MultiAgentEnv<Signalling>>;

BothTrainer::Config both_settings() {
  auto config = settings<Both, Signalling>();
  quick(config.algorithm.of(Sender{}));
  quick(config.algorithm.of(Receiver{}));
  config.algorithm.of(Sender{}).steps = 12;  // due at 8, 12, 16, 24, ...
  config.algorithm.of(Receiver{}).epochs = 2;
  return config;
}

std::vector<std::byte> bytes(BothTrainer& trainer) {
  ArchiveWriter writer;
  writer(trainer.learner());
  return writer.take();
}

}  // namespace test_roles

TEST_CASE("algorithm/policies: two algorithms learn side by side, each in its own time") {
  using namespace test_roles;
  BothTrainer trainer(both_settings());
  std::vector<std::uint64_t> stops;
  for (int i = 0; i < 5; ++i) {
    trainer.iterate();
    stops.push_back(trainer.clock().batch_steps);
  }
  CHECK(stops == std::vector<std::uint64_t>{8, 12, 16, 24, 32});
  trainer.train(64 * 8 * 120);
  CHECK(trainer.evaluate(200).mean > 6.8);
}

TEST_CASE("algorithm/policies: settings, metrics and names say which role they are of") {
  using namespace test_roles;
  BothTrainer::Config config = both_settings();
  set_field(config, "algorithm.Sender.objective.clip", ".125");
  CHECK(config.algorithm.of(Sender{}).objective.clip == .125f);
  CHECK(config.algorithm.of(Receiver{}).objective.clip == .2f);
  CHECK_THROWS_WITH_AS(set_field(config, "algorithm.Buyer.epochs", "1"),
                       doctest::Contains("algorithm.Sender.epochs"), Error);
  BothTrainer trainer(config);
  trainer.iterate();
  std::vector<std::string> names;
  trainer.learner().metrics([&](const char* name, double) { names.emplace_back(name); });
  CHECK(std::count(names.begin(), names.end(), "Sender.entropy") == 1);
  CHECK(std::count(names.begin(), names.end(), "Receiver.approximate_kl") == 1);
  CHECK(BothTrainer::name().find("Policies<For<polis_test::Receiver,ActorCritic<") != std::string::npos);
}

TEST_CASE("algorithm/policies: saved between the parts' updates, it goes on bit by bit") {
  using namespace test_roles;
  BothTrainer whole(both_settings()), first(both_settings()), second(both_settings());
  for (int i = 0; i < 7; ++i) whole.iterate();
  for (int i = 0; i < 3; ++i) first.iterate();
  ArchiveWriter writer;
  first.archive(writer);
  ArchiveReader reader(writer.bytes());
  second.archive(reader);
  reader.finish();
  for (int i = 0; i < 4; ++i) second.iterate();
  CHECK(second.clock().batch_steps == whole.clock().batch_steps);
  CHECK(bytes(second) == bytes(whole));
}
