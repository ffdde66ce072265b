// The held-out trading of a report: equity curves, drawdowns and the figures of agents and reference
// policies.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/report/html_text.hpp>
#include <polis/report/plot.hpp>
#include <polis/report/run_groups.hpp>
#include <polis/report/run_log.hpp>
#include <polis/report/tables.hpp>

namespace polis::internal {

inline constexpr std::string_view agents_mean = "agents' mean";
inline bool is_agent(std::string_view policy) { return policy.substr(0, 6) == "agent "; }

/// A policy's gain over the bars, as a share of the starting equity.
inline Curve gain(const std::vector<double>& equity) {
  Curve curve;
  for (std::size_t t = 0; t < equity.size(); ++t) {
    curve.x.push_back(static_cast<double>(t)), curve.y.push_back(equity[t] - 1);
  }
  return curve;
}

/// The fall from the highest equity so far, as a negative share of it.
inline Curve drawdown(const std::vector<double>& equity) {
  Curve curve = gain(equity);
  double peak = 0;
  for (double& y : curve.y) {
    if (!std::isfinite(y)) continue;  // traded no longer
    peak = std::max(peak, y + 1);
    y = peak > 0 ? (y + 1) / peak - 1 : 0;
  }
  return curve;
}

/// The curves of one policy in all runs of a group.
template <class Transform>
std::vector<Curve> policy_curves(const RunGroup& group, std::string_view policy, Transform&& transform) {
  std::vector<Curve> curves;
  for (const RunLog& run : group.runs) {
    for (const LogColumn& column : run.backtest.equity) {
      if (column.name == policy) curves.push_back(transform(column.values));
    }
  }
  return curves;
}

/// The agents' mean of every group, and the reference policies of the first run that has them. Agents by
/// themselves where there is one run.
template <class Transform>
Plot backtest_plot(const std::vector<RunGroup>& groups, const RunLog& first, Transform&& transform) {
  Plot plot;
  plot.x_style = NumberStyle::plain, plot.y_style = NumberStyle::change;
  plot.x_name = first.backtest.dated ? "date" : "day";
  plot.moments = first.backtest.moments;
  constexpr std::size_t points = 400;
  const auto add = [&](const Curve& c, std::string label, std::string style, std::size_t g, bool named) {
    if (!c.x.empty())
      plot.lines.push_back(
          {std::move(label), std::move(style), static_cast<int>(g), c.x, c.y, c.low, c.high, named});
  };
  int reference = 0;
  for (const LogColumn& column : first.backtest.equity) {
    if (is_agent(column.name) || column.name == agents_mean) continue;
    add(thinned(transform(column.values), points), column.name, "r" + std::to_string(reference++ % 4),
        groups.size(), true);
  }
  const bool single = groups.size() == 1 && groups[0].runs.size() == 1;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const LogColumn& column : groups[g].runs[0].backtest.equity) {
      if (single && is_agent(column.name))
        add(thinned(transform(column.values), points), column.name, colour(g) + " thin", g, false);
    }
    add(joined(policy_curves(groups[g], agents_mean, transform), points),
        groups.size() == 1 ? "agents' mean" : groups[g].name, colour(g), g, true);
  }
  return plot;
}

/// The figures that are shown, with the names of their columns and how they are written.
struct BacktestColumn {
  const char* figure;
  const char* name;
  NumberStyle style;
};
inline constexpr BacktestColumn backtest_columns[] = {{"total_return", "return", NumberStyle::change},
                                                      {"annual_return", "a year", NumberStyle::change},
                                                      {"sharpe", "Sharpe", NumberStyle::ratio},
                                                      {"sortino", "Sortino", NumberStyle::ratio},
                                                      {"max_drawdown", "max drawdown", NumberStyle::percent},
                                                      {"calmar", "Calmar", NumberStyle::ratio},
                                                      {"cvar_95", "CVaR 95%", NumberStyle::percent},
                                                      {"turnover", "turnover/day", NumberStyle::percent},
                                                      {"costs", "costs", NumberStyle::percent}};

inline std::string backtest_table(const std::vector<RunGroup>& groups, const RunLog& first) {
  std::vector<std::string> header = {""};
  for (const BacktestColumn& column : backtest_columns) header.emplace_back(column.name);
  HtmlTable table(header);
  const auto row = [&](const std::string& name, const RunGroup& group, std::string_view policy,
                       const char* style) {
    std::vector<std::string> cells = {name};
    for (const BacktestColumn& column : backtest_columns) {
      const auto e = estimate(each_run(
          group, [&](const RunLog& run) { return backtest_figure(run.backtest, policy, column.figure); }));
      const bool with_interval = column.figure == std::string_view("total_return") && policy == agents_mean;
      cells.push_back(with_interval ? estimate_cell(e, column.style) : number(e.value, column.style));
    }
    table.row(cells, style);
  };
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups.size() == 1 && groups[0].runs.size() == 1) {
      for (const std::string& policy : first.backtest.names) {
        if (is_agent(policy)) row(escaped(policy), groups[0], policy, "");
      }
    }
    const std::string name = groups.size() == 1 ? "agents' mean" : groups[g].name;
    row("<i class=\"" + colour(g) + "\"></i>" + escaped(name), groups[g], agents_mean, "strong");
  }
  const RunGroup references{"", {first}};
  const char* style = "rule";
  for (const std::string& policy : first.backtest.names) {
    if (is_agent(policy) || policy == agents_mean) continue;
    row(escaped(policy), references, policy, std::exchange(style, ""));
  }
  return table.html();
}

/// Empty where no run left a backtest.
inline std::string backtest_section(const std::vector<RunGroup>& groups) {
  const RunLog* first = nullptr;
  for (const RunGroup& group : groups) {
    for (const RunLog& run : group.runs) {
      if (first == nullptr && !run.backtest.equity.empty() && !run.backtest.moments.empty()) first = &run;
    }
  }
  if (first == nullptr) return {};
  Plot equity = backtest_plot(groups, *first, gain), fall = backtest_plot(groups, *first, drawdown);
  equity.title = "Equity", equity.note = "gain since the first day, after costs and impact";
  equity.height = 320;
  fall.title = "Drawdown", fall.note = "fall from the highest equity so far";
  fall.height = 170;
  for (PlotLine& line : fall.lines) {
    if (groups.size() == 1 && line.named && line.style == colour(0)) line.style += " filled";
  }
  std::erase_if(fall.lines,
                [](const PlotLine& line) { return line.label == "cash" || line.label == "random"; });
  return "<h2>Held-out trading</h2><p>One pass of the greedy agents over data that no training saw, beside "
         "policies "
         "that need no training.</p>\n<div class=\"stack\">" +
         PlotDrawing(equity).html() + PlotDrawing(fall).html() + "</div>" + backtest_table(groups, *first);
}

}  // namespace polis::internal
