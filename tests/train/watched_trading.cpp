// Trading with everything that its type can be asked for: a learner of tuples of weights and holding periods
// gives the same bits on any number of threads and after a stop.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/curriculum/domain_randomization.hpp>
#include <polis/envs/market/trading.hpp>
#include <polis/train/trainer.hpp>

#include "../envs/market_fixture.hpp"

namespace test_watched_trading {

using namespace polis;

using Watched = BasicTrading<TradingSpec{.assets = 2,
                                         .traders = 2,
                                         .orders = true,
                                         .holding = 3,
                                         .volume = true,
                                         .sentiment = true,
                                         .risk = true}>;
using T = Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<Watched>, Curriculum<DomainRandomization>>;

T::Config settings(int threads) {
  T::Config config{.seed = 5, .lanes = 150, .threads = threads};  // the last tile is not full
  config.env.adjustment = 1;
  config.env.impact_by_volume = true;
  config.env.curriculum = TradingCurriculum::regimes;
  config.env.rewards.shortfall = .1f;
  config.env.orders = {.holding = 2, .stop_loss = .01f, .take_profit = .015f, .cooldown = 1};
  config.env.risk.drawdown_limit = .02f, config.env.risk.value_at_risk_limit = .01f;
  config.algorithm.steps = 40;
  config.algorithm.minibatch = 512;
  return config;
}

std::vector<std::byte> bytes(T& trainer) {
  ArchiveWriter writer;
  trainer.archive(writer);
  return writer.take();
}

MarketHistory history() {
  MarketPrices prices = polis_test::waving_ranges(400, 2);
  for (std::size_t i = 0; i < prices.close.size(); ++i) {
    prices.volume.push_back(static_cast<float>(100 + i * i % 37));
    prices.sentiment.push_back(static_cast<float>(i * i % 11));
  }
  return MarketHistory(prices);
}

TEST_CASE("train/watched_trading: the same bits on any number of threads, and after a stop") {
  const MarketHistory prices = history();
  T one(settings(1), prices.training()), three(settings(3), prices.training());
  T first(settings(2), prices.training()), second(settings(1), prices.training());
  for (int i = 0; i < 4; ++i) one.iterate(), three.iterate();
  CHECK(bytes(three) == bytes(one));
  for (int i = 0; i < 2; ++i) first.iterate();
  ArchiveWriter writer;
  first.archive(writer);
  ArchiveReader reader(writer.bytes());
  second.archive(reader);
  reader.finish();
  CHECK(bytes(second) != bytes(one));
  for (int i = 0; i < 2; ++i) second.iterate();
  CHECK(bytes(second) == bytes(one));

  // All that closes positions has done so.
  std::vector<std::string> seen;
  for (int lane = 0; lane < 150; ++lane) {
    one.lanes().lane(lane).metrics([&](const std::string& name, double value) {
      if (value > 0 && name.rfind("closed_by_", 0) == 0) seen.push_back(name);
    });
  }
  for (const char* name : {"closed_by_holding", "closed_by_stop", "closed_by_target", "closed_by_limit"}) {
    CHECK(std::count(seen.begin(), seen.end(), name) > 0);
  }
}

}  // namespace test_watched_trading
