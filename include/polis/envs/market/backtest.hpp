// Running any policy through one episode of Trading, and the reference policies that a result is compared
// with: buy-and-hold, equal weights, cash, and random weights.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/random.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/market/metrics.hpp>
#include <polis/envs/market/trading.hpp>

namespace polis {

/// The equity curves of one episode's traders: `add` once a bar, `reports` at its end. For those who step the
/// environment themselves, as a trainer does.
template <class E = Trading>
class EquityRecorder {
 public:
  /// Takes note of a bar that has just been stepped.
  void add(const E& env) {
    if (curves_.empty()) curves_.resize(static_cast<std::size_t>(env.active_traders()), {1.});
    for (int i = 0; i < env.active_traders(); ++i) {
      auto& curve = curves_[static_cast<std::size_t>(i)];
      if (curve.back() > 0) curve.push_back(static_cast<double>(env.account(i).equity));
    }
  }

  /// One report a trader. Throws polis::Error before the first bar.
  [[nodiscard, gnu::cold]] std::vector<TradingReport> reports(const E& env) const {
    if (curves_.empty()) throw Error("no bar was recorded", "EquityRecorder", "a call of add for each bar");
    std::vector<TradingReport> reports;
    for (int i = 0; i < env.active_traders(); ++i) {
      const TraderTotals& totals = env.totals(i);
      reports.push_back(report_of(curves_[static_cast<std::size_t>(i)]));
      reports.back().turnover = static_cast<double>(totals.turnover) / env.bar();
      reports.back().costs = static_cast<double>(totals.cost + totals.impact);
    }
    return reports;
  }

 private:
  std::vector<std::vector<double>> curves_;
};

/// Plays one episode in which `policy(env, trader, view, random)` returns each trader's action (an Array of
/// numbers in [-1, 1]), and reports every trader. `config` and `task` hold as given; all randomness comes
/// from `seed`.
template <class E = Trading, class Policy>
std::vector<TradingReport> backtest(Policy&& policy, const MarketData& data, const TaskOf<E>& task,
                                    const TradingConfig& config, std::uint64_t seed = 0) {
  const View<E> view(config, task, data);
  E env{};
  Array<float, E::agents> rewards{};
  Array<End, E::agents> ends{};
  Random choices(seed, 0, 0, 0, Purpose::action);
  auto play = [&](std::uint64_t step, Purpose purpose, auto&& body) {
    Context<E> ctx(view, Random(seed, step, 0, 0, purpose), rewards.data(), ends.data());
    body(ctx);
    return ctx.episode() == End::none;
  };
  play(0, Purpose::reset, [&](auto& ctx) { env.reset(ctx); });
  EquityRecorder<E> recorder;
  bool running = true;
  for (std::uint64_t step = 1; running; ++step) {
    Actions<E> actions{};
    for (int i = 0; i < env.active_traders(); ++i) {
      if (env.acting(i)) actions[i] = E::action_of(policy(env, i, view, choices));
    }
    running = play(step, Purpose::environment, [&](auto& ctx) { env.step(actions, ctx); });
    recorder.add(env);
  }
  return recorder.reports(env);
}

// Reference policies state weights of the equity, and need a configuration under which an action can express
// them and reaches them in one bar: `reference_config`.

/// The same frictions and limits on weights, with each weight free up to 1 and orders for all of the way; and
/// nothing that closes positions by itself, which would make other policies of them.
template <class E = Trading>
TradingConfig reference_config(TradingConfig config) {
  config.position_limit = E::assets;
  config.adjustment = 1;
  config.orders = {};
  config.risk = {};
  return config;
}

namespace internal {

/// The action that asks for `weight(slot)` of the equity in each active slot.
template <class E>
typename E::Vector weights(const E& env, const View<E>& view, auto&& weight) {
  typename E::Vector action{};
  for (int a = 0; a < E::assets; ++a) {
    if (env.symbol(a) >= 0) action[a] = weight(a) / env.weight_unit(view.config());
  }
  return action;
}

}  // namespace internal

/// Equal money in every asset at the start, then no trade.
struct BuyAndHold {
  template <class E>
  typename E::Vector operator()(const E& env, int trader, const View<E>& view, Random&) const {
    const auto& account = env.account(trader);
    return internal::weights(env, view, [&](int a) {
      return env.bar() == 0 ? 1.f / static_cast<float>(env.active_assets())
                            : account.position[a] / account.equity;
    });
  }
};

/// Equal weights, restored on every bar.
struct EqualWeights {
  template <class E>
  typename E::Vector operator()(const E& env, int, const View<E>& view, Random&) const {
    return internal::weights(env, view, [&](int) { return 1.f / static_cast<float>(env.active_assets()); });
  }
};

/// No position.
struct HoldCash {
  template <class E>
  typename E::Vector operator()(const E&, int, const View<E>&, Random&) const {
    return {};
  }
};

/// Fresh weights in [-1, 1] / assets on every bar.
struct RandomWeights {
  template <class E>
  typename E::Vector operator()(const E& env, int, const View<E>& view, Random& random) const {
    return internal::weights(
        env, view, [&](int) { return random.uniform(-1.f, 1.f) / static_cast<float>(env.active_assets()); });
  }
};

/// A reference policy's name and its figures, the mean of all traders that follow it.
struct NamedReport {
  std::string name;
  TradingReport report;
};

/// Prints one line a report: return, Sharpe, Sortino, largest drawdown, turnover a day and costs.
[[gnu::cold]] inline void print_reports(std::span<const NamedReport> reports, std::FILE* to = stdout) {
  std::fprintf(to, "%-14s%9s%9s%9s%14s%14s%9s\n", "", "return", "Sharpe", "Sortino", "max drawdown",
               "turnover/day", "costs");
  for (const auto& [name, figures] : reports) {
    std::fprintf(to, "%-14s%8.1f%%%9.2f%9.2f%13.1f%%%13.2f%%%8.2f%%\n", name.c_str(),
                 100 * figures.total_return, figures.sharpe, figures.sortino, 100 * figures.max_drawdown,
                 100 * figures.turnover, 100 * figures.costs);
  }
}

/// Leaves the reports for those who draw them: `prefix`equity.csv has a row a bar and a column a report,
/// `prefix`backtest.csv a row a report and a column a figure. Bar t is named dates[first_day + t], where
/// there are dates. Error: a file cannot be written.
[[gnu::cold]] inline void write_reports(std::span<const NamedReport> reports, const std::string& prefix,
                                        std::span<const std::string> dates = {}, int first_day = 0) {
  const auto quoted = [](const std::string& text) {
    std::string field = "\"";
    for (const char c : text) field.append(c == '"' ? 2 : 1, c);
    return field + '"';
  };
  const auto write = [&](const std::string& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if ((file && std::fclose(file) != 0) || !written) throw Error("cannot be written", path);
  };

  std::string curves = dates.empty() ? "bar" : "date", figures = "name";
  std::size_t bars = 0;
  for (const auto& [name, report] : reports) {
    curves += ',' + quoted(name);
    bars = std::max(bars, report.equity.size());
  }
  for (std::size_t t = 0; t < bars; ++t) {
    const std::size_t day = static_cast<std::size_t>(first_day) + t;
    curves += '\n' + (day < dates.size() ? quoted(dates[day]) : std::to_string(t));
    for (const auto& [name, report] : reports) {
      curves += ',';
      if (t < report.equity.size()) curves += std::to_string(report.equity[t]);
    }
  }
  const TradingReport none;
  TradingReport::fields(none, [&](const char* figure, double) { figures.append(1, ',').append(figure); });
  for (const auto& [name, report] : reports) {
    figures += '\n' + quoted(name);
    TradingReport::fields(report, [&](const char*, double value) { figures += ',' + std::to_string(value); });
  }
  write(prefix + "equity.csv", curves + '\n');
  write(prefix + "backtest.csv", figures + '\n');
}

/// The four reference policies on one task.
template <class E = Trading>
std::array<NamedReport, 4> reference_reports(const MarketData& data, const TaskOf<E>& task,
                                             const TradingConfig& config, std::uint64_t seed = 0) {
  auto run = [&](const char* name, auto policy) {
    return NamedReport{name, mean_report(backtest<E>(policy, data, task, reference_config<E>(config), seed))};
  };
  return {run("buy and hold", BuyAndHold{}), run("equal weights", EqualWeights{}), run("cash", HoldCash{}),
          run("random", RandomWeights{})};
}

}  // namespace polis
