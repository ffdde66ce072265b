// Opponent models in learners: what they predict comes to what can be known, of whom and when; the policy
// learns through them; and nothing depends on threads or pauses.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <polis/algorithm/a3c.hpp>
#include <polis/algorithm/coma.hpp>
#include <polis/algorithm/mappo.hpp>
#include <polis/algorithm/mmd.hpp>
#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/self_play.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/fields.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/sgd.hpp>
#include <polis/train/trainer.hpp>

namespace test_opponent_model {

using namespace polis;

struct Watcher {};
struct Habitual {};
struct Careful {};

/// A watcher sees a cue, 0 or 1 at even odds, and two others have one legal action each at every step, so
/// that what they do is known whatever they learn. At cue 0 the first does 0, 1 or 2 with probabilities 1/2,
/// 1/4, 1/4, at cue 1 always 2; the second's first index is the cue, its second one of three at even odds.
struct Habits {
  using Roles = polis::Roles<Role<Habitual, 1, Box<1>, Discrete<3>>, Role<Watcher, 1, Discrete<2>, Box<1>>,
                             Role<Careful, 1, Box<1>, MultiDiscrete<2, 3>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int cue = 0, habit = 0, care = 0, at = 0;

  void reset(auto& ctx) {
    at = 0;
    draw(ctx);
  }
  void step(const auto&, auto& ctx) {
    if (++at == 32) ctx.truncate();
    draw(ctx);
  }
  void observe(int agent, Row out) const { out[0] = agent == 1 ? static_cast<float>(cue) : 1.f; }
  void legal(int agent, Row flags) const {
    if (agent == 0) {
      for (int i = 0; i < 3; ++i) flags[i] = i == habit ? 1.f : 0.f;
    } else if (agent == 2) {
      for (int i = 0; i < 2; ++i) flags[i] = i == cue ? 1.f : 0.f;
      for (int i = 0; i < 3; ++i) flags[2 + i] = i == care ? 1.f : 0.f;
    }
  }

 private:
  void draw(auto& ctx) {
    cue = ctx.random.integer(2), care = ctx.random.integer(3);
    habit = cue == 1 ? 2 : std::max(0, ctx.random.integer(4) - 1);
  }
};

/// Three agents of one role, of whom the i-th always does i; with `turns` the first acts at every second step
/// alone.
template <bool turns>
struct Places {
  static constexpr int agents = 3;
  using Observation = Box<1>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto&, auto& ctx) {
    if (++at == 8) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = 1; }
  void legal(int agent, Row flags) const {
    for (int i = 0; i < 3; ++i) flags[i] = i == agent ? 1.f : 0.f;
  }
  bool acting(int agent) const
    requires turns
  {
    return agent > 0 || at % 2 == 0;
  }
};

/// The first agent must do what the second does, which is the parity of four bits that it sees; what it is
/// paid is 1 for that, among noise of deviation 16.
struct Parity {
  static constexpr int agents = 2;
  using Observation = Box<4>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int bits = 0, at = 0, right = 0;

  void reset(auto& ctx) { *this = {.bits = ctx.random.integer(16)}; }
  void step(const auto& actions, auto& ctx) {
    const bool same = actions[0] == actions[1];
    right += same ? 1 : 0;
    ctx.reward(0) = (same ? 1.f : 0.f) + 16 * ctx.random.normal();
    bits = ctx.random.integer(16);
    if (++at == 16) ctx.terminate();
  }
  void observe(int agent, Row out) const {
    for (int i = 0; i < 4; ++i) out[i] = agent == 0 ? static_cast<float>(2 * (bits >> i & 1) - 1) : 0.f;
  }
  void legal(int agent, Row flags) const {
    if (agent == 1) flags[1 - parity()] = 0;
  }
  int parity() const { return (bits ^ bits >> 1 ^ bits >> 2 ^ bits >> 3) & 1; }
  float success() const { return static_cast<float>(right) / 16; }
};

template <class Algorithm, class E>
using Learning = Trainer<Algorithm, MultiAgentEnv<E>>;

template <class Algorithm, class E>
auto settings(int lanes = 32) {
  typename Learning<Algorithm, E>::Config config{.seed = 1, .lanes = lanes, .threads = 1};
  config.algorithm.steps = 32;
  config.algorithm.segment = 8;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  return config;
}

template <class Algorithm, class E>
auto trained(int updates, int lanes = 32) {
  auto trainer = std::make_unique<Learning<Algorithm, E>>(settings<Algorithm, E>(lanes));
  for (int i = 0; i < updates; ++i) trainer->iterate();
  return trainer;
}

template <int R = 0>
const auto& member(const auto& trainer) {
  return trainer->learner().template agents<R>().front();
}

std::map<std::string, double> metrics(const auto& trainer) {
  std::map<std::string, double> result;
  trainer->learner().metrics([&](const char* name, double value) { result[name] = value; });
  return result;
}

/// The weights of a set whose blocks' names begin so.
std::vector<float> weights(const auto& set, const std::string& prefix) {
  std::vector<float> result;
  for (const Block& block : set.weights().layout()) {
    if (block.name.rfind(prefix, 0) != 0) continue;
    const auto values = set.weights().values().subspan(block.offset, block.size());
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

}  // namespace test_opponent_model

using namespace test_opponent_model;

TEST_CASE("algorithm/opponent_model: cross-entropy and accuracy come to what the cue tells of the others") {
  using Model = PPO::With<Mlp<8>, OpponentModel<4, Mlp<8>>>;
  using Plain = PPO::With<Mlp<8>>;
  using Trio = Policies<For<Habitual, Plain>, For<Watcher, Model>, For<Careful, Plain>>;
  Learning<Trio, Habits>::Config config{.seed = 1, .lanes = 128, .threads = 1};
  config.algorithm.of(Watcher{}).optimizer.learning_rate = 3e-3f;
  config.algorithm.of(Habitual{}).epochs = config.algorithm.of(Careful{}).epochs = 1;
  Learning<Trio, Habits> trainer(config);
  for (int i = 0; i < 10; ++i) trainer.iterate();
  const auto& watcher = trainer.learner().of(Watcher{}).agents().front().statistics();
  // Entropies given the cue: of the first 3/2 ln 2 or 0, of the second ln 3; without it 1.35 in the mean. The
  // mean of a rollout's 16,384 cross-entropies has a standard error of .0023, that of accuracies .0025.
  CHECK(std::abs(watcher.opponent_loss - .5 * (.75 * std::log(2.) + std::log(3.))) < .015);
  // The likeliest action is right half the time or always; the second's in one case of three.
  CHECK(std::abs(watcher.opponent_accuracy - .5 * (.75 + 1. / 3)) < .015);
  CHECK(watcher.predicted == watcher.samples);
}

TEST_CASE("algorithm/opponent_model: each of the others is predicted in its place") {
  // Those whose weights are one see the same: the first of the others is agent 1, 0 and 0, the second 2, 2
  // and 1, of which nobody can know more than 1/3 and 2/3. Who is told its number knows all.
  using Blind = PPO::With<Mlp<8>, OpponentModel<4, Mlp<8>>>;
  const auto blind = trained<Blind, Places<false>>(40);
  const auto told = trained<Blind::With<AgentIds>, Places<false>>(40);
  const double entropy = std::log(3.) - 2. / 3 * std::log(2.);
  CHECK(std::abs(member(blind).statistics().opponent_loss - entropy) < .02);
  CHECK(std::abs(member(blind).statistics().opponent_accuracy - 2. / 3) < .01);
  CHECK(member(told).statistics().opponent_loss < .02);
  CHECK(member(told).statistics().opponent_accuracy == 1);
  const auto& rollout = member(told).rollout();
  for (int slot = 0; slot < 32; ++slot) {
    for (int row = 0; row < 96; ++row) {
      for (int who = 0; who < 3; ++who)
        CHECK(rollout.joint_actions(slot, row, who) == static_cast<float>(who));
    }
  }
}

TEST_CASE("algorithm/opponent_model: a step of the head is one along the mean over decisions and others") {
  using Model = PPO::With<Mlp<8>, OpponentModel<4, Mlp<8>>, Sgd>;
  auto config = settings<Model, Places<false>>();
  config.algorithm.policy.policy_gain = 0;  // predictions are uniform at first
  config.algorithm.optimizer.learning_rate = 1;
  config.algorithm.optimizer.momentum = 0;
  config.algorithm.epochs = 1, config.algorithm.minibatch = 0, config.algorithm.max_gradient_norm = 0;
  config.algorithm.opponent_model.coefficient = .3f;
  Learning<Model, Places<false>> trainer(config);
  trainer.iterate();
  CHECK(trainer.learner().agents().front().statistics().opponent_loss == doctest::Approx(std::log(3.)));
  // Frequencies 2/3, 1/3, 0 of the first of the others and 0, 1/3, 2/3 of the second, less 1/3 each.
  const auto bias = weights(trainer.learner().agents().front(), "opponent_model.head.bias");
  const double expected[6] = {1, 0, -1, -1, 0, 1};
  REQUIRE(bias.size() == 6);
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(std::abs(static_cast<double>(bias[i]) - .3 * expected[i] / 3 / 2) < 1e-6);
}

TEST_CASE("algorithm/opponent_model: who does not act is no target") {
  using Model = PPO::With<Mlp<8>, OpponentModel<4, Mlp<8>>, SeparateParameters>;
  const auto trainer = trained<Model, Places<true>>(40);
  const auto sets = &trainer->learner().agents();
  for (const auto& set : *sets) {
    CHECK(set.statistics().opponent_loss < .02);
    CHECK(set.statistics().opponent_accuracy == 1);
  }
  // Rollouts without the slot of a pending decision, which is one of the rollout before.
  const auto& rollout = (*sets)[1].rollout();
  for (int slot = 1; slot < rollout.shape().slots(); ++slot) {
    for (int row = 0; row < rollout.shape().rows; ++row) {
      CHECK(rollout.joint_actions(slot, row, 0) == (slot % 2 == 1 ? 0.f : -1.f));
      CHECK(rollout.joint_actions(slot, row, 2) == 2.f);
    }
  }
}

TEST_CASE("algorithm/opponent_model: where turns are strict nobody is there to be predicted") {
  const auto trainer = trained<PPO::With<OpponentModel<4>>, KuhnPoker>(2);
  const auto& statistics = member(trainer).statistics();
  CHECK(statistics.predicted == 0);
  CHECK(statistics.opponent_loss == 0);
  CHECK(statistics.samples > 0);
}

TEST_CASE("algorithm/opponent_model: a past policy that plays the other side is predicted too") {
  using Pool = SelfPlay<PPO::With<OpponentModel<4>>>;
  Learning<Pool, RockPaperScissors>::Config config{.seed = 1, .lanes = 32, .threads = 1};
  config.algorithm.learner.steps = 16;
  config.algorithm.pool = {.size = 8, .every = 1, .latest = 0};
  Learning<Pool, RockPaperScissors> trainer(config);
  for (int i = 0; i < 3; ++i) trainer.iterate();
  CHECK(trainer.learner().past(0).games > 0);
  const auto& statistics = trainer.learner().learner().agents().front().statistics();
  CHECK(statistics.samples == 32 * 16 * PPO::Config{}.epochs);  // one side of each lane
  CHECK(statistics.predicted == statistics.samples);
}

TEST_CASE("algorithm/opponent_model: losses and accuracies are among the metrics") {
  const auto with = metrics(trained<MAPPO::With<OpponentModel<4>>, CueGame>(1));
  CHECK(with.at("opponent_loss") == doctest::Approx(std::log(2.)).epsilon(.05));
  CHECK(with.at("opponent_accuracy") > .3);
  CHECK(with.at("opponent_accuracy") < .7);
  CHECK(metrics(trained<A3C::With<OpponentModel<4>>, CueGame>(1)).contains("opponent_loss"));
  CHECK(!metrics(trained<MAPPO, CueGame>(1)).contains("opponent_loss"));
}

TEST_CASE("algorithm/opponent_model: every setting has its key and its effect") {
  using Model = PPO::With<OpponentModel<4>>;
  CHECK(fields_complete<Model::Config>());
  const auto moved = [](float coefficient, bool detached, const std::string& block) {
    auto config = settings<Model, CueGame>();
    config.algorithm.opponent_model = {.coefficient = coefficient, .detached = detached};
    Learning<Model, CueGame> trainer(config);
    const auto before = weights(trainer.learner().agents().front(), block);
    REQUIRE(!before.empty());
    trainer.iterate();
    return weights(trainer.learner().agents().front(), block) != before;
  };
  CHECK(moved(1, false, "opponent_model.encoder."));
  CHECK(moved(1, true, "opponent_model.encoder."));
  CHECK(moved(0, false, "opponent_model.encoder."));
  CHECK(!moved(0, true, "opponent_model.encoder."));
  CHECK(moved(1, false, "opponent_model.head."));
  CHECK(!moved(0, false, "opponent_model.head."));
  CHECK(moved(0, true, "actor."));
}

TEST_CASE("algorithm/opponent_model: the policy learns as it does without, in every composition" *
          doctest::test_suite("learning")) {
  const auto best = [](const auto& trainer) { return trainer->evaluate(50).mean == doctest::Approx(2); };
  CHECK(best(trained<PPO::With<OpponentModel<8>>, CoordinationGame>(30)));
  CHECK(best(trained<PPO::With<Gru<16>, OpponentModel<8, Gru<8>>>, CoordinationGame>(30)));
  CHECK(best(trained<COMA::With<OpponentModel<8>>, CoordinationGame>(80)));
  CHECK(trained<MAPPO::With<OpponentModel<8>>, CueGame>(60)->evaluate(100).success == doctest::Approx(1));
}

TEST_CASE("algorithm/opponent_model: what the others do teaches what rewards say too faintly" *
          doctest::test_suite("learning")) {
  // The same policies with and without the prediction's loss: parity is a linear function of what predicts
  // it, and of the four bits none that 50,000 noisy rewards give away.
  using Model = PPO::With<OpponentModel<16>, SeparateParameters>;
  const auto score = [](float coefficient) {
    double sum = 0;
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
      auto config = settings<Model, Parity>(64);
      config.seed = seed;
      config.algorithm.minibatch = 256;
      config.algorithm.returns.discount = 0;
      config.algorithm.value_coefficient = .01f;
      config.algorithm.max_gradient_norm = 10;
      config.algorithm.opponent_model.coefficient = coefficient;
      Learning<Model, Parity> trainer(config);
      for (int i = 0; i < 25; ++i) trainer.iterate();
      sum += static_cast<double>(trainer.evaluate(50).success);
    }
    return sum / 4;
  };
  const double with = score(1), without = score(0);
  CAPTURE(with);
  CAPTURE(without);
  CHECK(with > .8);
  CHECK(with > without + .1);
}

TEST_CASE_TEMPLATE("algorithm/opponent_model: the same bits at any number of threads, and after a pause",
                   Algorithm, PPO::With<OpponentModel<4>>, PPO::With<Gru<8>, OpponentModel<4, Gru<8>>>,
                   MAPPO::With<OpponentModel<4>>, COMA::With<OpponentModel<4>>, MMD::With<OpponentModel<4>>) {
  using Student = Learning<Algorithm, CueGame>;
  auto config = settings<Algorithm, CueGame>(40);
  config.algorithm.minibatch = 300;
  Student one(config), paused(config), resumed(config);
  config.threads = 2;
  Student two(config);
  for (int i = 0; i < 4; ++i) one.iterate(), two.iterate();
  for (int i = 0; i < 2; ++i) paused.iterate();
  ArchiveWriter writer;
  paused.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.archive(reader);
  reader.finish();
  for (int i = 0; i < 2; ++i) resumed.iterate();
  CHECK(to_bytes(one.learner()) == to_bytes(two.learner()));
  CHECK(to_bytes(one.learner()) == to_bytes(resumed.learner()));
}
