// What Trading tells its traders and its users: observations, reward components, metrics.
#include <cmath>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>
#include <polis/envs/market/trading.hpp>

#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

TEST_CASE("envs/trading_figures: the observation shows the market, the account and the others") {
  const MarketHistory history(index_prices());
  const MarketData data = history.training();
  auto lane = start<Trading>(data, frictionless(), 500);
  Actions<Trading> actions{};
  actions[0][1] = 1;
  actions[1][1] = -1, actions[2][1] = -.5f;
  lane.step(actions);
  const auto seen = observation(lane, 0);
  const auto& account = lane.env.account(0);
  for (int f = 0; f < market_features; ++f)
    CHECK(seen[15 + std::size_t(f)] == data.features[(501 * 4 + 1) * 11 + f]);
  CHECK(seen[15 + 11] == 1);
  CHECK(seen[15 + 12] == doctest::Approx(account.position[1] / account.equity * 4));
  CHECK(seen[15 + 13] == doctest::Approx(-.5).epsilon(.02));  // the mean of -1, -.5 and 0
  CHECK(seen[60] == doctest::Approx(account.cash / account.equity));
  CHECK(seen[61] == doctest::Approx(.25).epsilon(.02));
  CHECK(seen[67] == doctest::Approx(1 - 1. / 120));
  CHECK(seen[68] == 1);
  CHECK(seen[69] == 1);
  // Rolling figures need `window` returns; then they are those of the last 20 bars.
  CHECK(seen[65] == 0);
  std::vector<double> returns;
  for (int bar = 0; bar < 30; ++bar) {
    const double before = double(lane.env.account(0).equity);
    lane.step(actions);
    returns.push_back(100 * (double(lane.env.account(0).equity) / before - 1));
  }
  double mean = 0, squares = 0, worst = 0;
  for (std::size_t i = 10; i < 30; ++i) mean += returns[i] / 20, worst = std::min(worst, returns[i]);
  for (std::size_t i = 10; i < 30; ++i) squares += (returns[i] - mean) * (returns[i] - mean) / 19;
  const auto later = observation(lane, 0);
  CHECK(double(later[65]) == doctest::Approx(4 * mean / std::sqrt(squares)).epsilon(.01));
  CHECK(double(later[66]) == doctest::Approx(-.5 * worst).epsilon(.01));
  for (const float x : later) CHECK_UNARY(std::abs(x) <= 5);
}

TEST_CASE("envs/trading_figures: unrealised profit follows the average cost, drawdown the peak") {
  TraderRecord<1, 20> record;
  record.trade(0, 0, 1);       // buys 1
  record.trade(0, 1.5f, .5f);  // it rose to 1.5; buys .5 more
  CHECK(record.basis[0] == doctest::Approx(1.5));
  record.trade(0, 2, -1);  // sells half
  CHECK(record.basis[0] == doctest::Approx(.75));
  record.trade(0, 1, -1.5f);  // and through zero to short .5
  CHECK(record.basis[0] == doctest::Approx(-.5));
  CHECK(record.mark(25, 1.25f, .95f) == 0);
  CHECK(record.mark(-20, 1, .95f) == doctest::Approx(.2));
  CHECK(record.mark(10, 1.1f, .95f) == 0);
  CHECK(record.drawdown == doctest::Approx(.12));
  CHECK(record.totals.drawdown == doctest::Approx(.2));
}

TEST_CASE("envs/trading_figures: the reward is the weighted sum of its components, and metrics name them") {
  const MarketHistory history(index_prices());
  TradingConfig config;
  config.rewards = {
      .profit = .7f, .risk = .3f, .cost = 2, .impact = 3, .cooperation = .2f, .exploration = .05f};
  auto lane = start<Trading>(history.training(), config);
  Random random(6, 0, 0, 0, Purpose::test);
  double total = 0;
  while (lane.episode == End::none) {
    lane.step(random_actions<Trading>(random));
    for (int i = 0; i < 4; ++i) total += double(lane.rewards[i]) / 4;
  }
  double sum = 0, net = 0, traders = 0, costs = 0;
  int figures = 0;
  lane.env.metrics([&](const char* name, double value) {
    ++figures;
    const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
    if (is("reward_profit")) sum += .7 * value;
    if (is("reward_risk")) sum += .3 * value;
    if (is("reward_cost")) sum += 2 * value;
    if (is("reward_impact")) sum += 3 * value;
    if (is("reward_cooperation")) sum += .2 * value;
    if (is("reward_exploration")) sum += .05 * value;
    if (is("net_return")) net = value;
    if (is("costs")) costs = value;
    if (is("bankrupt")) traders = value;
  });
  for (int i = 0; i < 4; ++i) net -= 25 * (double(lane.env.account(i).equity) - 1);
  for (int i = 0; i < 4; ++i) costs -= 25 * double(lane.env.totals(i).cost);
  CHECK(figures == 22);
  CHECK(sum == doctest::Approx(total).epsilon(1e-3));
  CHECK(std::abs(net) < 1e-3);
  CHECK(std::abs(costs) < 1e-3);
  CHECK(traders == 0);
}

TEST_CASE("envs/trading_figures: exploration rewards an even spread, cooperation the team's mean") {
  const MarketHistory history(index_prices());
  TradingConfig config = frictionless();
  config.rewards = {.profit = 0, .risk = 0, .cost = 0, .impact = 0, .cooperation = 0, .exploration = 1};
  auto lane = start<Trading>(history.training(), config);
  Actions<Trading> actions{};
  for (int a = 0; a < 4; ++a) actions[0][a] = a % 2 ? 1.f : -1.f;  // even, fully invested
  actions[1][2] = 1;                                               // one asset
  actions[2][0] = actions[2][1] = 1;                               // two of four, half invested
  lane.step(actions);
  CHECK(lane.rewards[0] == doctest::Approx(1).epsilon(.02));
  CHECK(std::abs(lane.rewards[1]) < 1e-5f);
  CHECK(lane.rewards[2] == doctest::Approx(.5 * (4. / 3) * .5).epsilon(.02));
  CHECK(lane.rewards[3] == 0);

  config.rewards.exploration = 0, config.rewards.cooperation = 1;
  auto team = start<Trading>(history.training(), config);
  team.step(actions);
  Array<float, 4> before{};
  for (int i = 0; i < 4; ++i) before[i] = team.env.account(i).equity;
  team.step(actions);
  float mean = 0;
  for (int i = 0; i < 4; ++i) mean += 25 * (team.env.account(i).equity / before[i] - 1);
  for (int i = 0; i < 4; ++i) CHECK(team.rewards[i] == doctest::Approx(mean).epsilon(.01));
}
