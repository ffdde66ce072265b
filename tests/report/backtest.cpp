// What write_reports leaves of a backtest is what the report reads.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <polis/envs/market/backtest.hpp>
#include <polis/report/run_log.hpp>

#include "scratch.hpp"

using namespace polis;
using namespace test_report;

TEST_CASE("report/backtest: equity curves and figures go through their files") {
  const Scratch scratch("backtest");
  const std::vector<double> rising = {1, 1.1, 1.21}, ruined = {1, .25};
  const std::vector<TradingReport> traders = {report_of(rising), report_of(ruined)};
  const TradingReport mean = mean_report(traders);
  CHECK(mean.equity ==
        std::vector<double>{1, (1.1 + .25) / 2, (1.21 + .25) / 2});  // the ruined keeps its rest
  CHECK(mean.total_return == doctest::Approx((.21 - .75) / 2));

  const std::vector<NamedReport> reports = {
      {"agent 1", traders[0]}, {"the \"other\", agent", traders[1]}, {"agents' mean", mean}};
  const std::vector<std::string> dates = {"before", "2024-01-02", "2024-01-03", "2024-01-04"};
  write_reports(reports, scratch.file(), dates, 1);
  write_text_file(scratch.file("log.jsonl"), "{\"kind\":\"run\"}\n");
  const BacktestLog log = read_run_log(scratch.file()).backtest;
  CHECK(log.moments == std::vector<std::string>(dates.begin() + 1, dates.end()));
  CHECK(log.dated);
  REQUIRE(log.equity.size() == 3);
  CHECK(log.equity[1].name == "the \"other\", agent");
  CHECK(log.equity[0].values == rising);
  CHECK(log.equity[1].values[1] == .25);
  CHECK(std::isnan(log.equity[1].values[2]));  // traded no longer
  CHECK(log.names == std::vector<std::string>{"agent 1", "the \"other\", agent", "agents' mean"});
  REQUIRE(log.figures.size() == 12);
  CHECK(log.figures[0].name == "total_return");
  CHECK(log.figures[0].values[0] == doctest::Approx(.21));

  write_reports(reports, scratch.file());  // without dates, bars have numbers
  CHECK(read_run_log(scratch.file()).backtest.moments == std::vector<std::string>{"0", "1", "2"});
  CHECK_THROWS_WITH_AS(write_reports(reports, scratch.file("missing/")),
                       doctest::Contains("cannot be written"), Error);
}
