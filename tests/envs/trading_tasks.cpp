// The stages of Trading, its synthetic episodes, and its own statement of success.
#include <cmath>
#include <set>
#include <vector>

#include <doctest/doctest.h>
#include <polis/core/fields.hpp>
#include <polis/envs/market/backtest.hpp>
#include <polis/envs/market/trading.hpp>

#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

static_assert(fields_complete<Trading::Config>() && fields_complete<Trading::Task>());
static_assert(fields_complete<MarketSettings>());  // a TradingReport also has its curve, which is no field

namespace {

/// The share of windows in which `policy` ends above the random portfolio, on training windows of any
/// volatility.
template <class Policy>
double win_share(const MarketData& data, int assets, float cost, Policy&& policy, int windows = 1500) {
  using Alone = BasicTrading<TradingSpec{.assets = 4, .traders = 1}>;
  Lane<Alone> lane;
  lane.data = data;
  lane.config = reference_config<Alone>(frictionless());
  lane.config.cost = cost;
  lane.task.assets = assets;
  Random choices(12, 0, 0, 0, Purpose::test);
  double wins = 0;
  for (int w = 0; w < windows; ++w) {
    lane.number = static_cast<std::uint32_t>(w);
    lane.episode = End::none;
    lane.task.start = data.starts[choices.integer(data.start_count)];
    lane.reset();
    // The shadow portfolio must hold weights in [-1, 1] / assets, which is what a position limit of 1 asks
    // for.
    while (lane.episode == End::none) {
      Actions<Alone> actions{};
      actions[0] = policy(lane.env, 0, lane.view(), choices);
      lane.step(actions);
    }
    wins += static_cast<double>(lane.env.success()) / windows;
  }
  return wins;
}

}  // namespace

TEST_CASE("envs/trading_tasks: stages grow from one calm asset without costs to everything") {
  const MarketHistory history(index_prices());
  const MarketData data = history.training();
  const TradingConfig config;
  CHECK(Trading::stages(config, data) == 4);
  Random random(1, 0, 0, 0, Purpose::test);
  std::vector<int> tercile(1860, -1);
  for (int i = 0; i < data.start_count; ++i) tercile[std::size_t(data.starts[i])] = i * 3 / data.start_count;
  const int assets[] = {1, 2, 4, 4}, wildest[] = {0, 1, 2, 2};
  const float costs[] = {0, .5f, 1, 1}, impacts[] = {0, 0, 0, 1};
  for (int stage = 0; stage < 4; ++stage) {
    std::set<int> seen;
    int synthetic = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto task = Trading::task(stage, config, data, random);
      CHECK_UNARY(task.assets == assets[stage] && task.traders == 4 && task.bars == 120);
      CHECK_UNARY(task.cost_scale == costs[stage] && task.impact_scale == impacts[stage]);
      synthetic += task.synthetic ? 1 : 0;
      if (!task.synthetic) seen.insert(tercile[std::size_t(task.start)]);
    }
    CHECK(*seen.begin() == 0);
    CHECK(*seen.rbegin() == wildest[stage]);
    CHECK(std::abs(synthetic - (stage == 3 ? 500 : 0)) < 60);
  }
  const MarketData held_out = history.held_out();
  for (int i = 0; i < 100; ++i) CHECK_UNARY(!Trading::task(3, config, held_out, random).synthetic);
  CHECK(Trading::curriculum_template().advance_at == .65f);
  CHECK(Trading::curriculum_template().regress_at == .45f);
}

TEST_CASE("envs/trading_tasks: without data every stage runs on the default synthetic market") {
  Random random(2, 0, 0, 0, Purpose::test);
  for (int stage = 0; stage < 4; ++stage) {
    Lane<Trading> lane;
    lane.task = Trading::task(stage, {}, {}, random);
    CHECK(lane.task.synthetic);
    lane.reset();
    CHECK(lane.env.active_assets() == (stage == 0 ? 1 : stage == 1 ? 2 : 4));
    while (lane.episode == End::none) {
      lane.step(random_actions<Trading>(random));
      CHECK_UNARY(lane.env.path().regime() <= lane.task.volatility);
      for (const float x : observation(lane, 3)) CHECK_UNARY(std::abs(x) <= 5);
    }
    CHECK(lane.episode == End::truncated);
    CHECK(lane.env.bar() == 120);
  }
}

TEST_CASE("envs/trading_tasks: observed figures are of order one, on data and on synthetic paths") {
  const MarketHistory history(index_prices());
  for (const MarketData& data : {history.training(), MarketData{}}) {
    Lane<Trading> lane;
    lane.data = data;
    Random random(3, 0, 0, 0, Purpose::test);
    double squares = 0, count = 0;
    for (int episode = 0; episode < 40; ++episode) {
      lane.number = static_cast<std::uint32_t>(episode);
      lane.task = Trading::task(3, {}, data, random);
      lane.episode = End::none;
      lane.reset();
      while (lane.episode == End::none) {
        lane.step(random_actions<Trading>(random));
        for (const float x : observation(lane, 0)) squares += double(x) * double(x), count += 1;
      }
    }
    CHECK(std::sqrt(squares / count) > .3);
    CHECK(std::sqrt(squares / count) < 1.5);
  }
}

TEST_CASE("envs/trading_tasks: settings that make no market are refused by their key") {
  const auto refused = [](auto&& change, const char* key) {
    TradingConfig config;
    change(config);
    try {
      (void)Trading::stages(config, {});
    } catch (const Error& error) {
      return error.where() == key;
    }
    return false;
  };
  CHECK(refused([](TradingConfig& config) { config.liquidity = 0; }, "liquidity"));
  CHECK(refused([](TradingConfig& config) { config.cost = -.001f; }, "cost"));
  CHECK(refused([](TradingConfig& config) { config.adjustment = 1.5f; }, "adjustment"));
  CHECK(refused([](TradingConfig& config) { config.leverage_limit = NAN; }, "leverage_limit"));
  CHECK(refused([](TradingConfig& config) { config.synthetic_share = 2; }, "synthetic_share"));
  CHECK_FALSE(refused([](TradingConfig& config) { config.short_limit = 0; }, "short_limit"));
}

TEST_CASE("envs/trading_tasks: inactive slots show zeros, and every subset of assets occurs") {
  const MarketHistory history(index_prices());
  Lane<Trading> lane;
  lane.data = history.training();
  lane.task.assets = 2;
  std::set<std::vector<int>> subsets;
  for (std::uint32_t number = 0; number < 200; ++number) {
    lane.number = number;
    lane.reset();
    std::vector<int> subset;
    const auto seen = observation(lane, 1);
    for (int a = 0; a < 4; ++a) {
      if (lane.env.symbol(a) >= 0) {
        CHECK_UNARY(lane.env.symbol(a) == a);  // a symbol keeps its slot
        subset.push_back(a);
        CHECK_UNARY(seen[std::size_t(a) * 15 + 11] == 1);
      } else {
        for (int f = 0; f < 15; ++f) CHECK_UNARY(seen[std::size_t(a * 15 + f)] == 0);
      }
    }
    subsets.insert(subset);
  }
  CHECK(subsets.size() == 6);
}

TEST_CASE("envs/trading_tasks: orders in inactive slots are ignored, and inactive traders never decide") {
  const MarketHistory history(index_prices());
  Lane<Trading> lane;
  lane.data = history.training();
  lane.task.assets = 1, lane.task.traders = 2;
  lane.reset();
  Actions<Trading> actions{};
  for (int i = 0; i < 4; ++i) actions[i] = {{1, 1, 1, 1}};
  for (int bar = 0; bar < 20; ++bar) lane.step(actions);
  for (int a = 0; a < 4; ++a) CHECK((lane.env.account(0).position[a] == 0) == (lane.env.symbol(a) < 0));
  CHECK(lane.env.acting(1));
  CHECK_FALSE(lane.env.acting(2));
  CHECK(lane.rewards[2] == 0);
  CHECK(lane.env.account(3).equity == 1);
}

TEST_CASE("envs/trading_tasks: data of more symbols than slots gives each symbol its turn") {
  const MarketHistory history(waving_prices(400, 9, false));
  Lane<Trading> lane;
  lane.data = history.training();
  std::vector<int> counts(9);
  for (std::uint32_t number = 0; number < 900; ++number) {
    lane.number = number;
    lane.reset();
    for (int a = 0; a < 4; ++a) {
      ++counts[std::size_t(lane.env.symbol(a))];
      if (a > 0) CHECK_UNARY(lane.env.symbol(a) > lane.env.symbol(a - 1));
    }
  }
  for (const int count : counts) CHECK(std::abs(count - 400) < 75);  // 5 standard errors
}

TEST_CASE("envs/trading_tasks: an episode repeats with its seed and differs with another") {
  const auto play = [](std::uint32_t number) {
    Lane<Trading> lane;
    lane.number = number;
    lane.task.synthetic = true;
    lane.reset();
    while (lane.episode == End::none) lane.step({});
    return lane.env.path().log_close(0) + lane.env.shadow().equity;
  };
  CHECK(play(1) == play(1));
  CHECK_FALSE(play(1) == play(2));
}

// The known answers: plain buy-and-hold beats a portfolio of fresh random weights in .72 of the training
// windows with one asset and no costs, .83 with two and 5 basis points, .92 with four and 10; another random
// one in .50.
TEST_CASE("envs/trading_tasks: buy-and-hold beats the random portfolio in the known share of windows") {
  const MarketHistory history(index_prices());
  const MarketData data = history.training();
  CHECK(std::abs(win_share(data, 1, 0, BuyAndHold{}) - .72) < .04);
  CHECK(std::abs(win_share(data, 2, .0005f, BuyAndHold{}) - .83) < .04);
  CHECK(std::abs(win_share(data, 4, .001f, BuyAndHold{}) - .92) < .04);
  CHECK(std::abs(win_share(data, 1, 0, RandomWeights{}) - .5) < .04);
  CHECK(std::abs(win_share(data, 4, .001f, RandomWeights{}) - .5) < .04);
}
