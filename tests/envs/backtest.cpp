#include <polis/envs/market/backtest.hpp>

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "trading_fixture.hpp"

using namespace polis;
using namespace polis_test;

namespace {

double total_return(const std::array<NamedReport, 4>& reports, const char* name) {
  for (const NamedReport& named : reports) {
    if (named.name == name) return named.report.total_return;
  }
  return NAN;
}

}  // namespace

TEST_CASE("envs/backtest: figures of a short curve by hand") {
  // Returns .1, -.1, .2, -.05; mean .0375; squared distances sum to .056875; negative squares to .0125.
  const std::vector<double> equity{100, 110, 99, 118.8, 112.86};
  const TradingReport report = report_of(equity, 4);
  CHECK(report.total_return == doctest::Approx(.1286));
  CHECK(report.annual_return == doctest::Approx(.1286));  // four bars are a year here
  CHECK(report.sharpe == doctest::Approx(.0375 / std::sqrt(.056875 / 3) * 2));
  CHECK(report.sortino == doctest::Approx(.0375 / std::sqrt(.0125 / 4) * 2));
  CHECK(report.max_drawdown == doctest::Approx(.1));
  CHECK(report.calmar == doctest::Approx(1.286));
  CHECK(report.var_95 == doctest::Approx(.1));
  CHECK(report.cvar_99 == doctest::Approx(.1));
  CHECK(report_of(equity, 8).annual_return == doctest::Approx(1.1286 * 1.1286 - 1));
}

TEST_CASE("envs/backtest: value at risk counts the worst returns") {
  std::vector<double> returns;
  for (int i = 1; i <= 200; ++i) returns.push_back(.001 * ((i * 77) % 200 - 100));  // -.1 to .099, shuffled
  double tail = 0;
  CHECK(value_at_risk(returns, .95, tail) == doctest::Approx(.091));  // the 10th worst of 200
  CHECK(tail == doctest::Approx(.0955));                              // the mean of -.1 ... -.091
  CHECK(value_at_risk(returns, .99, tail) == doctest::Approx(.099));  // the 2nd worst
  CHECK(tail == doctest::Approx(.0995));
  CHECK(value_at_risk({.02, .01}, .95, tail) == doctest::Approx(-.01));  // no loss at all
  CHECK(value_at_risk({}, .95, tail) == 0);
}

TEST_CASE("envs/backtest: curves without figures are refused or give zeros, never NaN") {
  const TradingReport flat = report_of(std::vector<double>{1, 1, 1});
  TradingReport::fields(flat, [](const char*, double value) { CHECK(value == 0); });
  CHECK_THROWS_AS((void)report_of(std::vector<double>{1}), Error);
  CHECK_THROWS_AS((void)report_of(std::vector<double>{1, 0, 1}), Error);
  CHECK_THROWS_AS((void)EquityRecorder<>().reports(Trading{}), Error);
  CHECK(report_of(std::vector<double>{1, .5, 0}).annual_return == -1);
}

TEST_CASE("envs/backtest: buy-and-hold earns what the prices did, equal weights what daily rebalancing did") {
  const MarketPrices prices = index_prices();
  const MarketHistory history(prices);
  const MarketData data = history.held_out();
  TradingConfig config = frictionless();
  const auto task = Trading::Task::whole_range(data);
  CHECK(task.bars == 1860 - 1 - 1493);
  const auto reports = reference_reports(data, task, config);
  // Orders of the first day fill at the close of the second, so the holding period starts there.
  const std::size_t first = (1493 + 1) * 4, last = 1859 * 4;
  double held = 0, rebalanced = 1;
  for (std::size_t s = 0; s < 4; ++s)
    held += double(prices.close[last + s]) / double(prices.close[first + s]) / 4;
  CHECK(total_return(reports, "buy and hold") == doctest::Approx(held - 1).epsilon(.01));
  for (std::size_t at = first; at < last; at += 4) {
    double growth = 0;
    for (std::size_t s = 0; s < 4; ++s)
      growth += double(prices.close[at + 4 + s]) / double(prices.close[at + s]) / 4;
    rebalanced *= growth;
  }
  CHECK(total_return(reports, "equal weights") == doctest::Approx(rebalanced - 1).epsilon(.01));
  CHECK(total_return(reports, "cash") == 0);
  CHECK(std::abs(total_return(reports, "random")) < .2);
}

TEST_CASE("envs/backtest: reference policies trade without standing orders and limits on risk") {
  const MarketHistory history(index_prices());
  const MarketData data = history.held_out();
  const auto task = Trading::Task::whole_range(data);
  TradingConfig config = frictionless();
  const auto plain = reference_reports(data, task, config);
  config.orders = {.holding = 20, .stop_loss = .01f};
  config.risk.drawdown_limit = .02f;
  const auto held = reference_reports(data, task, config);
  for (std::size_t i = 0; i < 4; ++i) CHECK(plain[i].report.equity == held[i].report.equity);
  const auto stopped = backtest(BuyAndHold{}, data, task, config);  // which orders would change
  CHECK_FALSE(stopped[0].equity == plain[0].report.equity);
}

TEST_CASE("envs/backtest: costs are reported and taken off") {
  const MarketHistory history(index_prices());
  const MarketData data = history.held_out();
  TradingConfig config = frictionless();
  const auto task = Trading::Task::whole_range(data);
  const auto free = reference_reports(data, task, config);
  config.cost = .01f;
  const auto costly = reference_reports(data, task, config);
  CHECK(costly[0].report.costs == doctest::Approx(.01).epsilon(.02));  // bought once
  CHECK(costly[0].report.turnover == doctest::Approx(1. / task.bars).epsilon(.02));
  CHECK(free[0].report.total_return - costly[0].report.total_return == doctest::Approx(.0155).epsilon(.1));
  CHECK(costly[2].report.costs == 0);
  CHECK(costly[3].report.turnover > .5);
  CHECK(costly[3].report.total_return < -.5);  // fresh random weights every day are ruinous at one percent
}

TEST_CASE("envs/backtest: traders report each their own, from the actions they chose") {
  const MarketHistory history(index_prices());
  const MarketData data = history.training();
  auto task = Trading::Task::whole_range(data);
  task.traders = 2;
  const auto first_buys = [](const Trading&, int trader, const View<Trading>&, Random&) {
    return trader == 0 ? Trading::Vector{{1, 1, 1, 1}} : Trading::Vector{};
  };
  const auto reports = backtest(first_buys, data, task, frictionless());
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].total_return > .5);
  CHECK(reports[1].total_return == 0);
  const TradingReport mean = mean_report(reports);
  CHECK(mean.sharpe == doctest::Approx(reports[0].sharpe / 2));
}
