// Estimates that depend on the policy at hand: made anew before every epoch, with its ratios and values.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

#include <polis/algorithm/a2c.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/nn/gru.hpp>
#include <polis/returns/v_trace.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_off_policy {

using namespace polis;

/// What an estimator was given for one row.
struct Given {
  bool ratios_given = false, weigh = false;
  std::vector<float> ratios, values, advantages;
  std::vector<bool> decided;
};

/// V-trace, with a note of all that it is given.
struct NotedVTrace {
  using word = word::Returns;
  using Config = VTrace::Config;
  static constexpr bool recomputes = true;
  static inline std::vector<Given> notes;

  template <class T>
  static void estimate(const Config& config, const Trajectory& at) {
    VTrace::estimate<T>(config, at);
    if constexpr (!is_batch<T>) {
      Given given{at.ratios != nullptr, at.weigh_advantages, {}, {}, {}, {}};
      for (int slot = 0; slot < at.slots; ++slot) {
        const std::ptrdiff_t i = slot * at.stride;
        given.ratios.push_back(at.ratios ? at.ratios[i] : 1.f);
        given.values.push_back(at.values[i]);
        given.advantages.push_back(at.advantages[i]);
        given.decided.push_back(at.decided[i] != 0);
      }
      notes.push_back(given);
    }
  }
};

/// One update; fewer lanes than a register has, so that all rows are noted one by one.
template <class Algorithm, class E>
auto updated(int epochs, float learning_rate, int updates = 1) {
  using Noting = Trainer<Algorithm, MultiAgentEnv<E>>;
  typename Noting::Config config{.seed = 5, .lanes = 2, .threads = 1};
  config.algorithm.steps = 40;
  config.algorithm.segment = 10;
  config.algorithm.minibatch = 16;
  config.algorithm.epochs = epochs;
  config.algorithm.policy.policy_gain = 1;
  config.algorithm.optimizer.learning_rate = learning_rate;
  NotedVTrace::notes.clear();
  auto trainer = std::make_unique<Noting>(config);
  for (int i = 0; i < updates; ++i) trainer->iterate();
  return trainer;
}

}  // namespace test_off_policy

TEST_CASE("algorithm/off_policy: the ratios are those of the policy after the epochs before") {
  using namespace test_off_policy;
  using Algorithm = PPO::With<NotedVTrace, Mlp<8>>;
  // The weights with which the second epoch begins are those after an update of one epoch.
  const auto one = updated<Algorithm, CartPole>(1, .02f);
  REQUIRE(NotedVTrace::notes.size() == 2);
  for (const Given& row : NotedVTrace::notes) CHECK(!row.ratios_given);
  const auto& agents = one->learner().agents().front();
  const auto& rollout = agents.rollout();
  using Policy = std::remove_cvref_t<decltype(agents.policy())>;
  auto workspace = agents.policy().workspace(1);
  alignas(64) float features[Policy::features * tile_rows] = {}, action[tile_rows] = {};
  alignas(64) float log_prob[tile_rows], entropy[tile_rows], value[tile_rows];

  const auto two = updated<Algorithm, CartPole>(2, .02f);
  REQUIRE(NotedVTrace::notes.size() == 4);
  double farthest = 0;
  for (int row = 0; row < 2; ++row) {
    const Given& again = NotedVTrace::notes[static_cast<std::size_t>(2 + row)];
    REQUIRE(again.ratios_given);
    for (int slot = 0; slot < 40; ++slot) {
      for (int k = 0; k < Policy::features; ++k) features[k * tile_rows] = rollout.observations(slot, row, k);
      action[0] = rollout.actions(slot, row, 0);
      const PolicyBatch batch{
          .rows = 1, .features = features, .critic_features = features, .actions = action};
      agents.policy().template evaluate<Simd>(agents.weights(), workspace, batch, {log_prob, entropy, value});
      const float ratio = std::exp(log_prob[0] - rollout.log_probs(slot, row));
      CHECK(again.ratios[static_cast<std::size_t>(slot)] == doctest::Approx(ratio).epsilon(1e-4));
      CHECK(again.values[static_cast<std::size_t>(slot)] == doctest::Approx(value[0]).epsilon(1e-4));
      farthest = std::max(farthest, std::abs(static_cast<double>(ratio) - 1));
    }
  }
  CHECK(farthest > .05);  // the policy has moved, so that the comparison says something
}

TEST_CASE("algorithm/off_policy: an objective with a ratio of its own gets advantages without") {
  using namespace test_off_policy;
  updated<PPO::With<NotedVTrace, Mlp<8>>, CartPole>(2, .01f);
  for (const Given& row : NotedVTrace::notes) CHECK(!row.weigh);
  updated<PPO::With<NotedVTrace, Mlp<8>, PolicyGradient>, CartPole>(2, .01f);
  for (const Given& row : NotedVTrace::notes) CHECK(row.weigh);
}

TEST_CASE(
    "algorithm/off_policy: while the weights stand still the estimates stay, with a memory and by turns") {
  using namespace test_off_policy;
  const auto check_same = [](std::size_t rows) {
    const auto& notes = NotedVTrace::notes;
    REQUIRE(notes.size() >= 2 * rows);
    for (std::size_t i = 0; i + rows < notes.size(); ++i) {
      if (!notes[i + rows].ratios_given) continue;  // the first epoch of the next update
      REQUIRE(notes[i].values.size() == notes[i + rows].values.size());
      for (std::size_t slot = 0; slot < notes[i].values.size(); ++slot) {
        if (!notes[i].decided[slot]) continue;
        CHECK(notes[i + rows].ratios[slot] == doctest::Approx(1).epsilon(1e-4));
        CHECK(notes[i + rows].values[slot] == doctest::Approx(notes[i].values[slot]).epsilon(1e-4));
        CHECK(notes[i + rows].advantages[slot] == doctest::Approx(notes[i].advantages[slot]).epsilon(1e-3));
      }
    }
  };
  updated<PPO::With<NotedVTrace, Gru<8>>, polis_test::Recall<3>>(3, 0, 2);  // resets fall into segments
  check_same(2);
  updated<PPO::With<NotedVTrace, Mlp<8>>, polis_test::Sticks>(3, 0, 2);
  check_same(4);
  updated<PPO::With<NotedVTrace, Gru<8>>, polis_test::Sticks>(3, 0, 2);
  check_same(4);
}

TEST_CASE("algorithm/off_policy: with turns a decision carried over is weighed from the first epoch on") {
  using namespace test_off_policy;
  updated<PPO::With<NotedVTrace, Mlp<8>>, polis_test::Sticks>(1, .05f, 2);
  bool moved = false;
  for (const Given& row : NotedVTrace::notes) {
    if (row.ratios_given && row.decided[0] && std::abs(row.ratios[0] - 1) > 1e-3f) moved = true;
  }
  CHECK(moved);
}

TEST_CASE("algorithm/off_policy: PPO and A2C learn with V-trace over many epochs") {
  using namespace test_off_policy;
  const auto trained = [](auto algorithm, float learning_rate) {
    using Student = Trainer<typename decltype(algorithm)::template With<Mlp<32>>, MultiAgentEnv<CartPole>>;
    typename Student::Config config{.seed = 1, .lanes = 32, .threads = 1};
    config.algorithm.steps = 32;
    config.algorithm.epochs = 4;
    config.algorithm.minibatch = 256;
    config.algorithm.optimizer.learning_rate = learning_rate;
    Student trainer(config);
    trainer.train(100'000);
    return trainer.evaluate(50).mean;
  };
  CHECK(trained(PPO::With<VTrace>{}, 3e-3f) > 150);
  CHECK(trained(A2C::With<VTrace, Adam>{}, 1e-3f) > 150);
}
