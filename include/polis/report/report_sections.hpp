// The sections of a report, each from the groups of runs to HTML. A section for which no run has data is
// empty.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/report/backtest_section.hpp>
#include <polis/report/html_text.hpp>
#include <polis/report/plot.hpp>
#include <polis/report/run_groups.hpp>
#include <polis/report/run_log.hpp>
#include <polis/report/tables.hpp>

namespace polis::internal {

using RunGroups = std::vector<RunGroup>;

inline std::string section(std::string_view title, std::string_view remark) {
  return "<h2>" + escaped(title) + "</h2><p>" + escaped(remark) + "</p>\n";
}

inline bool any_run(const RunGroups& groups, auto&& holds) {
  return std::any_of(groups.begin(), groups.end(), [&](const RunGroup& group) {
    return std::any_of(group.runs.begin(), group.runs.end(), holds);
  });
}

/// Whether the runs were evaluated as they trained: then these figures count, not those of training.
inline bool were_evaluated(const RunGroups& groups) {
  return any_run(groups, [](const RunLog& run) { return run.evaluation.find("return") != nullptr; });
}
inline const LogTable& main_table(const RunLog& run, bool evaluated) {
  return evaluated ? run.evaluation : run.training;
}

inline double run_steps(const RunLog& run) { return run.training.rows() ? run.training.steps.back() : 0; }
inline double run_seconds(const RunLog& run) { return run.training.rows() ? run.training.seconds.back() : 0; }

/// The last value of a figure of each run, summed up.
inline stats::Estimate at_the_end(const RunGroup& group, bool evaluated, std::string_view name) {
  return estimate(
      each_run(group, [&](const RunLog& run) { return last_value(main_table(run, evaluated), name); }),
      {.replicates = 20'000});
}
inline double median_over_runs(const RunGroup& group, std::string_view training_column) {
  std::vector<double> all;
  for (const RunLog& run : group.runs) {
    const auto* values = run.training.find(training_column);
    if (values)
      std::copy_if(values->begin(), values->end(), std::back_inserter(all),
                   [](double v) { return std::isfinite(v); });
  }
  return all.empty() ? LogTable::none : stats::median(all);
}

// The top of the page.

/// The environment's name out of "words on Environment<...> by Curriculum"; empty where there is none.
inline std::string environment_name(const RunLog& run) {
  const std::string& composition = run.info.composition;
  const std::size_t on = composition.find(" on ");
  if (on == composition.npos) return {};
  const std::string name = composition.substr(on + 4);
  return name.substr(0, std::min(name.find('<'), name.find(" by ")));
}

/// "Pendulum · 15 runs · seeds 1 to 5"; no environment where the runs have several.
inline std::string subtitle(const RunGroups& groups) {
  std::string text = environment_name(groups[0].runs[0]);
  if (any_run(groups, [&](const RunLog& run) { return environment_name(run) != text; })) text.clear();
  std::size_t runs = 0;
  std::vector<std::uint64_t> seeds;
  for (const RunGroup& group : groups) {
    runs += group.runs.size();
    for (const RunLog& run : group.runs) {
      if (std::find(seeds.begin(), seeds.end(), run.info.seed) == seeds.end()) seeds.push_back(run.info.seed);
    }
  }
  std::sort(seeds.begin(), seeds.end());
  text += (text.empty() ? "" : " · ") + counted(runs, "run") + (seeds.size() == 1 ? " · seed " : " · seeds ");
  const bool range = seeds.size() > 2 && seeds.back() - seeds.front() + 1 == seeds.size();
  if (range) return text + std::to_string(seeds.front()) + " to " + std::to_string(seeds.back());
  for (std::size_t i = 0; i < seeds.size(); ++i) text += (i ? ", " : "") + std::to_string(seeds[i]);
  return text;
}

inline std::string interval_text(const stats::Estimate& e, NumberStyle style, const std::string& otherwise) {
  if (!std::isfinite(e.low)) return otherwise;
  return "95%: " + number(e.low, style) + " to " + number(e.high, style);
}

/// The group with the highest return at the end.
inline std::size_t best_group(const RunGroups& groups, bool evaluated) {
  std::size_t best = 0;
  double highest = LogTable::none;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double value = at_the_end(groups[g], evaluated, "return").value;
    if (value > highest || (std::isnan(highest) && !std::isnan(value))) best = g, highest = value;
  }
  return best;
}

/// The figures that a reader asks for first; of the best group, where there are several.
inline std::string tiles_section(const RunGroups& groups) {
  const bool evaluated = were_evaluated(groups);
  const RunGroup& group = groups[best_group(groups, evaluated)];
  const std::string of = groups.size() > 1 ? ", " + group.name : "";
  const char* source = evaluated ? "greedy evaluation" : "last 100 episodes of training";
  std::string html = "<div class=\"tiles\">\n";
  const stats::Estimate returns = at_the_end(group, evaluated, "return");
  html += tile((groups.size() > 1 ? "Best return" : "Return") + of, number(returns.value),
               interval_text(returns, NumberStyle::plain, source));
  if (const auto success = at_the_end(group, evaluated, "success"); std::isfinite(success.value)) {
    html += tile("Success" + of, number(success.value, NumberStyle::percent),
                 interval_text(success, NumberStyle::percent, source));
  }
  const auto held_out = [&](std::string_view policy) {
    const auto gain = [&](const RunLog& run) {
      return backtest_figure(run.backtest, policy, "total_return");
    };
    return estimate(each_run(group, gain)).value;
  };
  if (const double agents = held_out(agents_mean); std::isfinite(agents)) {
    html += tile("Held-out return" + of, number(agents, NumberStyle::change),
                 "buy and hold " + number(held_out("buy and hold"), NumberStyle::change));
  }
  html += tile((group.runs.size() > 1 ? "Steps a run" : "Steps") + of,
               number(stats::median(each_run(group, run_steps)), NumberStyle::count),
               "in " + duration(stats::median(each_run(group, run_seconds))));
  const double speed = median_over_runs(group, "steps_per_second");
  const double collecting = median_over_runs(group, "collecting_share");
  if (std::isfinite(speed)) {
    const std::string share = number(collecting, NumberStyle::percent) + " collecting";
    html += tile("Speed" + of, number(speed, NumberStyle::count) + "/s",
                 std::isfinite(collecting) ? share : "median");
  }
  return html + "</div>\n";
}

/// Buttons that hide groups, which are the page's legend too.
inline std::string group_buttons(const RunGroups& groups) {
  if (groups.size() < 2) return {};
  std::string html = "<div class=\"groups\">";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    html += "<button type=\"button\" aria-pressed=\"true\" data-of=\"" + std::to_string(g) +
            "\"><i class=\"" + colour(g) + "\"></i>" + escaped(groups[g].name) + "</button>";
  }
  return html + "</div>\n";
}

/// One row a group, where there are several, or several runs.
inline std::string results_section(const RunGroups& groups) {
  if (groups.size() == 1 && groups[0].runs.size() == 1) return {};
  const bool evaluated = were_evaluated(groups);
  const bool success = any_run(groups, [&](const RunLog& run) {
    return std::isfinite(last_value(main_table(run, evaluated), "success"));
  });
  std::vector<std::string> header = {"", "runs", "return"};
  if (success) header.emplace_back("success");
  header.insert(header.end(), {"best run", "worst run", "steps a run", "time a run"});
  HtmlTable table(header);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const RunGroup& group = groups[g];
    Extent ends;
    ends.add(
        each_run(group, [&](const RunLog& run) { return last_value(main_table(run, evaluated), "return"); }));
    std::vector<std::string> cells = {group_cell(group, g), std::to_string(group.runs.size()),
                                      estimate_cell(at_the_end(group, evaluated, "return"))};
    if (success)
      cells.push_back(estimate_cell(at_the_end(group, evaluated, "success"), NumberStyle::percent));
    cells.push_back(number(ends.empty() ? LogTable::none : ends.high));
    cells.push_back(number(ends.empty() ? LogTable::none : ends.low));
    cells.push_back(number(stats::median(each_run(group, run_steps)), NumberStyle::count));
    cells.push_back(duration(stats::median(each_run(group, run_seconds))));
    table.row(cells);
  }
  const std::string where = evaluated ? "in greedy evaluations" : "over the last 100 episodes of training";
  return section("Results", "At the end of training, " + where +
                                ": interquartile mean over the runs and its 95% bootstrap interval.") +
         table.html();
}

// Curves.

/// A plot of one column for all groups; with single runs as thin lines, where `runs_too`.
inline Plot column_plot(const RunGroups& groups, bool evaluation, const std::string& name, bool runs_too) {
  Plot plot;
  plot.title = heading(name);
  const std::size_t points = runs_too ? 240 : 120;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<Curve> curves;
    for (const RunLog& run : groups[g].runs)
      curves.push_back(column_curve(evaluation ? run.evaluation : run.training, name));
    Curve all = joined(curves, points);
    if (all.x.empty()) continue;
    if (runs_too && curves.size() > 1) {
      for (const Curve& curve : curves) {
        Curve thin = thinned(curve, points);
        plot.lines.push_back({"",
                              colour(g) + " thin",
                              static_cast<int>(g),
                              std::move(thin.x),
                              std::move(thin.y),
                              {},
                              {},
                              false});
      }
    }
    plot.lines.push_back({groups[g].name, colour(g), static_cast<int>(g), std::move(all.x), std::move(all.y),
                          std::move(all.low), std::move(all.high)});
  }
  return plot;
}

inline std::string draw(const Plot& plot) { return PlotDrawing(plot).html(); }

inline std::string learning_section(const RunGroups& groups) {
  const bool several =
      std::any_of(groups.begin(), groups.end(), [](const RunGroup& g) { return g.runs.size() > 1; });
  const bool evaluated = were_evaluated(groups);
  std::string html = "<h2>Learning curves</h2>";
  if (several) {
    html +=
        "<p>Thick lines: interquartile mean over a group's runs. Bands: 95% bootstrap intervals of that "
        "mean. "
        "Thin lines: single runs.</p>\n";
  }
  html += "<div class=\"stack\">";
  if (evaluated) {
    Plot plot = column_plot(groups, true, "return", true);
    plot.title = "Return in evaluation", plot.note = "greedy policy, mean over the episodes of an evaluation";
    html += draw(plot);
  }
  Plot plot = column_plot(groups, false, "return", true);
  plot.title = "Return in training", plot.note = "with exploration, mean over the last 100 episodes";
  if (evaluated) plot.height = 220;
  html += draw(plot);
  std::string success;
  for (const bool evaluation : {true, false}) {
    Plot small = column_plot(groups, evaluation, "success", false);
    if (small.lines.empty()) continue;
    small.title = evaluation ? "Success in evaluation" : "Success in training";
    small.y_style = NumberStyle::percent, small.small = true, small.height = 150;
    success += draw(small);
  }
  if (!success.empty()) html += "<div class=\"grid\">" + success + "</div>";
  return html + "</div>\n";
}

inline std::string curriculum_section(const RunGroups& groups) {
  const std::string drawn = ribbons(groups);
  if (drawn.empty()) return {};
  return section("Curriculum", "The stage of every run over its steps; the first is the easiest.") + drawn;
}

/// The columns that no other section shows, in the order of the logs.
inline std::vector<std::string> other_columns(const RunGroups& groups, bool evaluation) {
  std::vector<std::string> names;
  for (const RunGroup& group : groups) {
    for (const RunLog& run : group.runs) {
      for (const LogColumn& column : (evaluation ? run.evaluation : run.training).columns)
        names.push_back(column.name);
    }
  }
  std::vector<std::string> others;
  for (const std::string& name : names) {
    bool shown =
        name.substr(0, 11) == "curriculum." || std::find(others.begin(), others.end(), name) != others.end();
    for (const char* elsewhere : {"return", "success", "episodes", "steps_per_second", "collecting_share"}) {
      shown = shown || name == elsewhere;
    }
    if (!shown) others.push_back(name);
  }
  return others;
}

/// All other columns of a table, as small plots beside each other; those that never change in a sentence.
inline std::string other_plots(const RunGroups& groups, bool evaluation, const char* title,
                               std::string remark) {
  std::string plots, constants;
  for (const std::string& name : other_columns(groups, evaluation)) {
    Plot plot = column_plot(groups, evaluation, name, false);
    Extent extent;
    for (const PlotLine& line : plot.lines) extent.add(line.y), extent.add(line.low), extent.add(line.high);
    if (extent.empty()) continue;
    if (extent.low == extent.high) {
      constants += (constants.empty() ? " Constant: " : ", ") + name + " = " + printed("%.4g", extent.low);
      continue;
    }
    plot.small = true, plot.height = 130;
    plots += draw(plot);
  }
  if (plots.empty()) return {};
  if (!constants.empty()) remark += constants + '.';
  return section(title, remark) + "<div class=\"grid\">" + plots + "</div>\n";
}
inline std::string environment_section(const RunGroups& groups) {
  return other_plots(groups, true, "Figures of the environment", "In evaluation, means over its episodes.");
}
inline std::string diagnostics_section(const RunGroups& groups) {
  return other_plots(groups, false, "Diagnostics", "What the learner reports of its updates.");
}

// Speed, settings, notes.

inline std::string speed_section(const RunGroups& groups) {
  if (!any_run(groups, [](const RunLog& run) { return run.training.find("steps_per_second") != nullptr; }))
    return {};
  HtmlTable table({"", "lanes", "threads", "steps/s", "slowest 10%", "collecting", "learning", ""});
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const RunGroup& group = groups[g];
    std::vector<double> speeds;
    for (const RunLog& run : group.runs) {
      if (const auto* values = run.training.find("steps_per_second"))
        speeds.insert(speeds.end(), values->begin(), values->end());
    }
    std::erase_if(speeds, [](double value) { return !std::isfinite(value); });
    const double collecting = median_over_runs(group, "collecting_share");
    const std::string bar = std::isfinite(collecting)
                                ? "<div class=\"share\"><span style=\"width:" + coordinate(100 * collecting) +
                                      "%\"></span><span style=\"width:" + coordinate(100 - 100 * collecting) +
                                      "%\"></span></div>"
                                : "";
    table.row({group_cell(group, g), std::to_string(group.runs[0].info.lanes),
               std::to_string(group.runs[0].info.threads),
               number(speeds.empty() ? LogTable::none : stats::median(speeds), NumberStyle::count),
               number(speeds.empty() ? LogTable::none : stats::quantile(speeds, .1), NumberStyle::count),
               number(collecting, NumberStyle::percent), number(1 - collecting, NumberStyle::percent), bar});
  }
  Plot plot = column_plot(groups, false, "steps_per_second", false);
  plot.title = "Environment steps a second", plot.y_style = NumberStyle::count, plot.height = 160;
  return section("Speed",
                 "Medians over all updates; a step is one of all agents in one copy of the environment.") +
         "<div class=\"stack\">" + draw(plot) + "</div>" + table.html();
}

inline std::string settings_section(const RunGroups& groups) {
  if (!any_run(groups, [](const RunLog& run) { return !run.info.settings.empty(); })) return {};
  std::string html = section(
      "Settings", groups.size() > 1 ? "What differs between the groups, and all there is." : "All there is.");
  if (groups.size() > 1) html += settings_differences(groups);
  for (const RunGroup& group : groups) {
    if (!group.runs[0].info.settings.empty()) html += all_settings(group);
  }
  return html;
}

/// What the logs say of themselves, and runs whose figures ended before they did.
inline std::string notes_section(const RunGroups& groups) {
  std::string items;
  const bool evaluated = were_evaluated(groups);
  for (const RunGroup& group : groups) {
    for (const RunLog& run : group.runs) {
      const std::string who = "<li>" + escaped(group.name) + ", seed " + std::to_string(run.info.seed) + ": ";
      for (const std::string& note : run.notes) items += who + escaped(note) + "</li>\n";
      for (const std::string& message : run.messages) items += who + escaped(message) + "</li>\n";
      if (evaluated && run.evaluation.find("return") == nullptr) {
        items += who + "it was not evaluated, as others were, and has no return among the results.</li>\n";
      }
      const LogTable& table = main_table(run, evaluated);
      const auto* values = table.find("return");
      if (values && !values->empty() && !std::isfinite(values->back()) &&
          std::isfinite(last_value(table, "return"))) {
        items += who + "its return is no number at the end, so curves go on without this run.</li>\n";
      }
    }
  }
  if (items.empty()) return {};
  return section("Notes", "What to know about these logs.") + "<div class=\"card\"><ul class=\"notes\">" +
         items + "</ul></div>\n";
}

}  // namespace polis::internal
