// The positive control beside negative_controls.cpp: what leaks must be learnt at once.
#include <doctest/doctest.h>

#include <polis/polis.hpp>

#include "../envs/leaking_trading.hpp"
#include "../envs/market_fixture.hpp"

using namespace polis;

TEST_CASE(
    "train/leak: with the next return in sight, 90% of the clairvoyant's gain within 200 thousand steps" *
    doctest::test_suite("learning")) {
  using Leaking = polis_test::LeakingTrading<TradingSpec{.assets = 1, .traders = 1}>;
  const MarketPrices all = polis_test::index_prices();
  MarketPrices prices{1, {}, {}};  // the first index alone
  for (std::size_t i = 0; i < all.close.size(); i += 4) prices.close.push_back(all.close[i]);
  const MarketHistory history(prices);

  using T = Trainer<PPO, MultiAgentEnv<Leaking>>;
  T::Config config{.seed = 3, .lanes = 64, .threads = 1};
  config.env = {
      .cost = 0, .temporary_impact = 0, .permanent_impact = 0, .adjustment = 1, .synthetic_share = 0};
  config.env.rewards.risk = 0;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.steps = 64;
  config.algorithm.minibatch = 512;
  config.algorithm.entropy_coefficient = 0;
  T trainer(config, history.training());

  const auto clairvoyant = [](LaneTile<Leaking>& tile) {
    float seen[Leaking::Observation::words];
    for (int i = 0; i < tile.lanes; ++i) {
      tile.env->observe(tile.first + i, 0, Row{seen});
      tile.actions[i][0][0] = seen[Leaking::Observation::words - 1] > 0 ? 1.f : -1.f;
    }
  };
  MultiAgentEnv<Leaking> lanes(50, 11, config.env, history.training());
  const double best = run_episodes(lanes, 200, clairvoyant).mean;
  REQUIRE(best > 20);

  CHECK(trainer.evaluate(200).mean < .3 * best);
  trainer.train(200'000);
  const double learnt = trainer.evaluate(200).mean;
  MESSAGE("learnt " << learnt << " of the clairvoyant's " << best);
  CHECK(learnt >= .9 * best);
}
