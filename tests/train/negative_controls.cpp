// Negative controls: what cannot be learnt is not learnt.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include <polis/algorithm/ppo.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_negative_controls {

using namespace polis;
using polis_test::Guess;

/// E with rewards that have the distribution of a random policy's (here a fair coin's) and nothing to do with
/// what is done. What E itself would have paid is still among its metrics.
template <class E>
struct ShuffledRewards {
  static constexpr int agents = agent_count<E>;
  using Observation = typename RoleOf<E, 0>::Observation;
  using Action = typename RoleOf<E, 0>::Action;
  static constexpr RewardStructure rewards = E::rewards;
  E env{};

  void reset(auto& ctx) { env.reset(ctx); }
  void step(const auto& actions, auto& ctx) {
    env.step(actions, ctx);
    for (int i = 0; i < agents; ++i) ctx.reward(i) = static_cast<float>(ctx.random.integer(2));
  }
  void observe(int agent, Row out) const { env.observe(agent, out); }
  void metrics(auto&& visit) const { env.metrics(visit); }
};

struct Score {
  double mean = 0, standard_error = 0;
};

/// What E would have paid, over 10 seeds, under the policy as it samples after training for this many steps.
template <class E>
Score true_return(std::uint64_t steps) {
  using Student = Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<E>>;
  constexpr int seeds = 10;
  double sum = 0, squares = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    typename Student::Config config;
    config.seed = static_cast<std::uint64_t>(seed), config.lanes = 64, config.threads = 1;
    config.algorithm.steps = 16;
    config.algorithm.optimizer.learning_rate = 1e-3f;
    Student trainer(config);
    trainer.train(steps);
    const double right = trainer.evaluate(100, Play::sampled).metrics.at("right");
    sum += right, squares += right * right;
  }
  const double mean = sum / seeds;
  return {mean, std::sqrt((squares / seeds - mean * mean) / (seeds - 1))};
}

}  // namespace test_negative_controls

TEST_CASE("train/negative_controls: shuffled rewards give no learning, true ones do" *
          doctest::test_suite("learning")) {
  using namespace test_negative_controls;
  constexpr std::uint64_t steps = 64 * 16 * 80;
  CHECK(true_return<Guess>(steps).mean > 7);  // of 8: the control of the control
  const Score shuffled = true_return<ShuffledRewards<Guess>>(steps);
  CHECK(shuffled.standard_error < .3);
  CHECK(std::abs(shuffled.mean - 4) < 2 * shuffled.standard_error);  // a random policy's 4
}
