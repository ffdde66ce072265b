// Runs that differ in their seed alone form a group; a group's curve is the interquartile mean of its runs,
// with the bootstrap interval of that mean (Agarwal et al. 2021).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/report/run_log.hpp>
#include <polis/stats/bootstrap.hpp>

namespace polis::internal {

/// The runs of one setting.
struct RunGroup {
  std::string name;
  std::vector<RunLog> runs;
};

/// Settings as pairs of key and value.
using SettingsList = std::vector<std::pair<std::string, std::string>>;

inline SettingsList settings_of(const RunLog& run) {
  SettingsList settings;
  const std::string& text = run.info.settings;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::size_t equals = std::min(text.find('=', at), end);
    if (end > at) {
      settings.emplace_back(text.substr(at, equals - at),
                            text.substr(std::min(equals + 1, end), end - equals - (equals < end)));
    }
    at = end + 1;
  }
  return settings;
}

/// Whether a setting may differ within a group: what a run is called, not what it does.
inline bool is_identity(std::string_view key) {
  return key == "seed" || key == "threads" || key == "checkpoint.path" || key == "checkpoint.seconds";
}

/// Whether two runs differ in nothing but their seed and what runs are called.
inline bool same_setting(const RunLog& a, const RunLog& b) {
  const auto substance = [](const RunLog& run) {
    SettingsList settings = settings_of(run);
    std::erase_if(settings, [](const auto& entry) { return is_identity(entry.first); });
    return settings;
  };
  return a.info.composition == b.info.composition && substance(a) == substance(b);
}

/// The groups with names made of the settings in which they differ; "Training" where there is but one.
inline std::vector<RunGroup> named(std::vector<RunGroup> groups) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::string name;
    for (const auto& setting : settings_of(groups[g].runs[0])) {
      const bool differs = std::any_of(groups.begin(), groups.end(), [&](const RunGroup& other) {
        const SettingsList list = settings_of(other.runs[0]);
        return std::find(list.begin(), list.end(), setting) == list.end();
      });
      if (!differs || is_identity(setting.first) || name.size() >= 30) continue;
      const std::size_t dot = setting.first.rfind('.') + 1;  // 0 where there is none
      name.append(name.empty() ? "" : ", ")
          .append(setting.first.substr(dot))
          .append("=")
          .append(setting.second);
    }
    const auto taken = [&] {
      return std::any_of(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(g),
                         [&](const RunGroup& other) { return other.name == name; });
    };
    if (name.empty()) name = groups.size() == 1 ? "Training" : "group " + std::to_string(g + 1);
    if (taken()) name += " (" + std::to_string(g + 1) + ')';
    groups[g].name = name;
  }
  return groups;
}

/// Figures over steps.
struct Curve {
  std::vector<double> x, y, low, high;
};

/// A column of a run against the steps, without the rows that lack it at the start.
inline Curve column_curve(const LogTable& table, std::string_view name) {
  Curve curve;
  const std::vector<double>* values = table.find(name);
  if (values == nullptr) return curve;
  std::size_t first = 0;
  while (first < values->size() && !std::isfinite((*values)[first])) ++first;
  curve.x.assign(table.steps.begin() + static_cast<std::ptrdiff_t>(first), table.steps.end());
  curve.y.assign(values->begin() + static_cast<std::ptrdiff_t>(first), values->end());
  return curve;
}

/// The curve with at most `points` of them: means over equal stretches of x, at their mean x. A stretch in
/// which any value is missing has none, so that a gap stays one.
inline Curve thinned(const Curve& curve, std::size_t points) {
  if (curve.x.size() <= points) return curve;
  Curve thin;
  const double first = curve.x.front(), width = (curve.x.back() - first) / static_cast<double>(points);
  for (std::size_t i = 0, cell = 1; i < curve.x.size(); ++cell) {
    const double end = cell == points ? HUGE_VAL : first + width * static_cast<double>(cell);
    double x = 0, y = 0, count = 0;
    for (; i < curve.x.size() && curve.x[i] < end; ++i) x += curve.x[i], y += curve.y[i], ++count;
    if (count > 0) thin.x.push_back(x / count), thin.y.push_back(y / count);
  }
  return thin;
}

/// The curve's value at x, linear between its points; NaN outside of them.
inline double value_at(const Curve& curve, double x) {
  const auto above = std::lower_bound(curve.x.begin(), curve.x.end(), x);
  if (above == curve.x.end()) return LogTable::none;
  const auto i = static_cast<std::size_t>(above - curve.x.begin());
  if (*above == x) return curve.y[i];
  if (i == 0) return LogTable::none;
  const double share = (x - curve.x[i - 1]) / (curve.x[i] - curve.x[i - 1]);
  return curve.y[i - 1] + share * (curve.y[i] - curve.y[i - 1]);
}

inline constexpr stats::Bootstrap curve_bootstrap = {.replicates = 1000};

/// The interquartile mean of finite values and its interval; NaN where there are none, no interval for one.
inline stats::Estimate estimate(const std::vector<double>& values,
                                const stats::Bootstrap& settings = curve_bootstrap) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double v) { return std::isfinite(v); });
  if (finite.empty()) return {LogTable::none, LogTable::none, LogTable::none};
  if (finite.size() == 1) return {finite[0], LogTable::none, LogTable::none};
  return stats::bootstrap(
      stats::Scores{finite}, [](std::span<const double> s) { return stats::iqm(s); }, settings);
}

/// One curve of several, over the steps that all of them have; one run's own, where there is one. A point at
/// which a run lacks its value is the others'.
inline Curve joined(const std::vector<Curve>& runs, std::size_t points) {
  std::vector<Curve> curves;
  for (const Curve& run : runs) {
    if (!run.x.empty()) curves.push_back(thinned(run, points));
  }
  if (curves.size() < 2) return curves.empty() ? Curve{} : curves[0];
  double first = -HUGE_VAL, last = HUGE_VAL;
  const Curve* finest = &curves[0];
  for (const Curve& curve : curves) {
    first = std::max(first, curve.x.front()), last = std::min(last, curve.x.back());
    if (curve.x.size() > finest->x.size()) finest = &curve;
  }
  Curve joint;
  std::vector<double> values;
  for (const double x : finest->x) {
    if (x < first || x > last) continue;
    values.clear();
    for (const Curve& curve : curves) values.push_back(value_at(curve, x));
    const stats::Estimate at = estimate(values);
    joint.x.push_back(x), joint.y.push_back(at.value);
    joint.low.push_back(at.low), joint.high.push_back(at.high);
  }
  return joint;
}

/// The last value of a column that there is.
inline double last_value(const LogTable& table, std::string_view name) {
  const std::vector<double>* values = table.find(name);
  for (std::size_t i = values ? values->size() : 0; i-- > 0;) {
    if (std::isfinite((*values)[i])) return (*values)[i];
  }
  return LogTable::none;
}

/// A figure of each run of a group.
template <class Figure>
std::vector<double> each_run(const RunGroup& group, Figure&& figure) {
  std::vector<double> values;
  for (const RunLog& run : group.runs) values.push_back(figure(run));
  return values;
}

/// A figure of a backtest by the names of policy and figure.
inline double backtest_figure(const BacktestLog& log, std::string_view policy, std::string_view figure) {
  for (const LogColumn& column : log.figures) {
    if (column.name != figure) continue;
    for (std::size_t i = 0; i < log.names.size(); ++i) {
      if (log.names[i] == policy) return column.values[i];
    }
  }
  return LogTable::none;
}

}  // namespace polis::internal
