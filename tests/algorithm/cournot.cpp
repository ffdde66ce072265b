// Firms that learn: each for itself they come to Cournot's equilibrium, with a part in each other's profit to
// what that makes best, and with an equal one to the cartel.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/envs/games/cournot.hpp>
#include <polis/shaping/cooperation_weights.hpp>
#include <polis/train/trainer.hpp>

namespace test_learning_cournot {

using namespace polis;

/// What two firms make, when `own` of what each learns from is its own profit and the rest the other's.
Array<float, 2> quantities(float own, std::uint64_t seed) {
  using E = RescaledActions<Cournot<2>>;
  using Learning = Trainer<PPO::With<Mlp<8>, SeparateParameters, CooperationWeights>, MultiAgentEnv<E>>;
  Learning::Config config{.seed = seed, .lanes = 64, .threads = 1};
  config.algorithm.shaping.own = own;
  config.algorithm.steps = 8;
  config.algorithm.minibatch = 0;
  config.algorithm.entropy_coefficient = 0;
  config.algorithm.optimizer.learning_rate = 3e-3f;
  Learning trainer(config);
  for (int update = 0; update < 200; ++update) trainer.iterate();
  auto env = trainer.evaluation_lanes(1, {}, {});
  env.reset();
  std::vector<Actions<E>> actions(1);
  LaneTile<E> tile{&env, 0, 1, 0, 0, actions.data()};
  auto player = trainer.player(1);
  player(tile);
  env.advance(0, actions[0]);
  return env.lane(0).env().quantity;
}

TEST_CASE("algorithm/cournot: firms learn the equilibrium of what they care for, within 1.5" *
          doctest::test_suite("learning")) {
  for (const float own : {1.f, .8f, .5f}) {
    // own (90 - 3 q) = (1 - own) q: the best response of both at once
    const double expected = 90 * static_cast<double>(own) / (2 * static_cast<double>(own) + 1);
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto made = quantities(own, seed);
      if (own == .5f) {  // only the sum matters to them
        CHECK(std::abs(static_cast<double>(made[0] + made[1]) - 2 * expected) < 1.5);
      } else {
        for (const float each : made) CHECK(std::abs(static_cast<double>(each) - expected) < 1.5);
      }
    }
  }
}

}  // namespace test_learning_cournot
