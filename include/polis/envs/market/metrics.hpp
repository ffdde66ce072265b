// Figures of a trading account, computed from its equity curve.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>

namespace polis {

/// What a table of trading results shows. Returns, drawdowns and losses are shares (.1 is 10%); ratios are
/// per year. Ratios whose denominator is zero are zero.
struct TradingReport {
  double total_return = 0;
  double annual_return = 0;  ///< compound annual growth rate
  double sharpe = 0;   ///< mean over sample deviation of the returns per bar, times the root of bars a year
  double sortino = 0;  ///< the same over the root mean square of the negative returns
  double max_drawdown = 0;  ///< largest fall from a peak, as a share of the peak
  double calmar = 0;        ///< annual return over largest drawdown
  double var_95 = 0, cvar_95 = 0, var_99 = 0, cvar_99 = 0;  ///< historical, per bar, as losses
  double turnover = 0;                                      ///< value traded per bar, as a share of equity
  double costs = 0;            ///< proportional costs and impact paid, as a share of the starting equity
  std::vector<double> equity;  ///< the curve itself, a value a bar and the starting one first; no figure

  /// Calls visit(name, value) for every figure.
  static constexpr void fields(auto& self, auto&& visit) {
    visit("total_return", self.total_return);
    visit("annual_return", self.annual_return);
    visit("sharpe", self.sharpe);
    visit("sortino", self.sortino);
    visit("max_drawdown", self.max_drawdown);
    visit("calmar", self.calmar);
    visit("var_95", self.var_95);
    visit("cvar_95", self.cvar_95);
    visit("var_99", self.var_99);
    visit("cvar_99", self.cvar_99);
    visit("turnover", self.turnover);
    visit("costs", self.costs);
  }
};

/// Historical value at risk at `level` (.95, .99): the k-th worst of n returns as a loss, k = (1 - level) n
/// rounded up. `tail` receives the mean of the k worst, as a loss: the conditional value at risk.
inline double value_at_risk(std::vector<double> returns, double level, double& tail) {
  if (returns.empty()) return tail = 0;
  std::sort(returns.begin(), returns.end());
  const double exact = (1 - level) * static_cast<double>(returns.size());
  const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(exact - 1e-9)));
  tail = 0;
  for (std::size_t i = 0; i < count; ++i) tail -= returns[i] / static_cast<double>(count);
  return -returns[count - 1];
}

/// The figures of an equity curve, one value per bar and the starting one first. Turnover and costs are not
/// in the curve and stay zero. Throws polis::Error for a curve without a bar, or one that is not positive
/// before its end.
[[gnu::cold]] inline TradingReport report_of(std::span<const double> equity, double bars_per_year = 252) {
  if (equity.size() < 2) throw Error("an equity curve without a bar", "report_of", "at least two values");
  TradingReport report;
  std::vector<double> returns;
  double peak = equity[0], sum = 0, squares = 0, downside = 0;
  for (std::size_t t = 1; t < equity.size(); ++t) {
    if (!(equity[t - 1] > 0)) throw Error("equity is not positive", "report_of", "a curve that ends there");
    returns.push_back(equity[t] / equity[t - 1] - 1);
    sum += returns.back();
    downside += std::min(returns.back(), 0.) * std::min(returns.back(), 0.);
    peak = std::max(peak, equity[t]);
    report.max_drawdown = std::max(report.max_drawdown, 1 - equity[t] / peak);
  }
  const double bars = static_cast<double>(returns.size()), mean = sum / bars,
               growth = equity.back() / equity[0];
  for (const double r : returns) squares += (r - mean) * (r - mean);
  const double deviation = bars > 1 ? std::sqrt(squares / (bars - 1)) : 0, fall = std::sqrt(downside / bars);
  report.total_return = growth - 1;
  report.annual_return = growth > 0 ? std::pow(growth, bars_per_year / bars) - 1 : -1;
  report.sharpe = deviation > 1e-12 ? mean / deviation * std::sqrt(bars_per_year) : 0;
  report.sortino = fall > 1e-12 ? mean / fall * std::sqrt(bars_per_year) : 0;
  report.calmar = report.max_drawdown > 1e-12 ? report.annual_return / report.max_drawdown : 0;
  report.var_95 = value_at_risk(returns, .95, report.cvar_95);
  report.var_99 = value_at_risk(std::move(returns), .99, report.cvar_99);
  report.equity.assign(equity.begin(), equity.end());
  return report;
}

/// The mean of every figure, and of the equity curves; one that ended early keeps its last value.
[[gnu::cold]] inline TradingReport mean_report(std::span<const TradingReport> reports) {
  TradingReport mean;
  const double share = 1 / static_cast<double>(reports.size());
  std::size_t bars = 0;
  for (const TradingReport& report : reports) {
    std::vector<double> values;
    TradingReport::fields(report, [&](const char*, double value) { values.push_back(value); });
    std::size_t at = 0;
    TradingReport::fields(mean, [&](const char*, double& value) { value += values[at++] * share; });
    bars = std::max(bars, report.equity.size());
  }
  mean.equity.assign(bars, 0.);
  for (const TradingReport& report : reports) {
    for (std::size_t t = 0; t < bars && !report.equity.empty(); ++t) {
      mean.equity[t] += report.equity[std::min(t, report.equity.size() - 1)] * share;
    }
  }
  return mean;
}

}  // namespace polis
