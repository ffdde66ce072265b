// The agents' code: training, and one pass over the held-out days.
#include "agents.hpp"

#include <cstdio>
#include <string>
#include <vector>

using namespace polis;

POLIS_INSTANTIATE_TRAINER(PPO::With<SeparateParameters>, MultiAgentEnv<Market>, Curriculum<Adaptive>);

namespace {

/// One pass of the greedy agents over all held-out days.
std::vector<TradingReport> trade(const Agents& agents, const MarketData& held_out) {
  MultiAgentEnv<Market> env(1, agents.config().seed, agents.config().env, held_out);
  const Market& market = env.lane(0);
  EquityRecorder<Market> recorder;
  auto act = [&, play = agents.whole().player(1)](LaneTile<Market>& tile) mutable {
    if (market.bar() > 0) recorder.add(market);
    play(tile);
  };
  auto whole_range = [&](Random&) { return Assignment<Market>{.task = Market::Task::whole_range(held_out)}; };
  std::vector<TradingReport> reports;
  run_episodes(env, 1, act, whole_range, [&](int) {
    recorder.add(market);
    reports = recorder.reports(market);
  });
  return reports;
}

}  // namespace

std::vector<NamedReport> print_comparison(const Agents& agents, const MarketData& held_out) {
  std::vector<NamedReport> rows;
  const std::vector<TradingReport> traders = trade(agents, held_out);
  for (const TradingReport& trader : traders)
    rows.push_back({"agent " + std::to_string(rows.size() + 1), trader});
  const TradingReport mean = mean_report(traders);
  rows.push_back({"agents' mean", mean});
  const auto references =
      reference_reports<Market>(held_out, Market::Task::whole_range(held_out), agents.config().env);
  rows.insert(rows.end(), references.begin(), references.end());
  const TradingReport& market = references[0].report;

  std::printf("\nThe last %d days, which no training saw, after costs and impact:\n\n",
              held_out.end_day - held_out.first_day);
  print_reports(rows);
  const double advantage = mean.sharpe - market.sharpe;
  std::printf(
      "\nThe agents %s buy-and-hold: a return of %.1f%% against %.1f%%. Their Sharpe ratio is %s: %.2f "
      "against "
      "%.2f.\nThis is one period of one market; other seeds and periods may say otherwise.\n",
      mean.total_return > market.total_return ? "beat" : "did not beat", 100 * mean.total_return,
      100 * market.total_return,
      advantage > .1    ? "higher"
      : advantage < -.1 ? "lower"
                        : "about the same",
      mean.sharpe, market.sharpe);
  return rows;
}
