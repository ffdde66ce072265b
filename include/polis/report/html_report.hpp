// A report on one or more runs as one HTML file that needs nothing else: no network, no other file.
//
//     HtmlReport report("PPO against A2C on Trading");
//     report.add_run("PPO", "runs/1").add_run("PPO", "runs/2").add_run("A2C", "runs/3");
//     report.write("report.html");
//
// Runs of one name are seeds of one group: curves are interquartile means with 95% bootstrap intervals, as
// Agarwal et al. 2021 advise. What is shown follows from what the runs logged: evaluations, a curriculum, a
// backtest. examples/report.cpp is this as a program.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/io/text_file.hpp>
#include <polis/report/backtest_section.hpp>
#include <polis/report/html_text.hpp>
#include <polis/report/page_script.hpp>
#include <polis/report/page_style.hpp>
#include <polis/report/report_sections.hpp>
#include <polis/report/run_groups.hpp>
#include <polis/report/run_log.hpp>
#include <polis/report/svg.hpp>
#include <polis/report/tables.hpp>

namespace polis {

class HtmlReport {
 public:
  explicit HtmlReport(std::string title = "Training report") : title_(std::move(title)) {}

  /// Adds a run to the group of this name. Error: as read_run_log.
  HtmlReport& add_run(const std::string& group, const std::string& directory) {
    return add_run(group, read_run_log(directory));
  }
  HtmlReport& add_run(const std::string& group, RunLog run) {
    auto found = std::find_if(groups_.begin(), groups_.end(), [&](const auto& g) { return g.name == group; });
    if (found == groups_.end()) found = groups_.insert(groups_.end(), {group, {}});
    found->runs.push_back(std::move(run));
    return *this;
  }
  /// Adds a run to the group of those that differ from it in their seed alone, which is named by what sets it
  /// apart from the other groups. Error: as read_run_log.
  HtmlReport& add_run(const std::string& directory) {
    RunLog run = read_run_log(directory);
    for (internal::RunGroup& group : unnamed_) {
      if (internal::same_setting(group.runs[0], run)) {
        group.runs.push_back(std::move(run));
        return *this;
      }
    }
    unnamed_.push_back({"", {}});
    unnamed_.back().runs.push_back(std::move(run));
    return *this;
  }

  /// The page. Error: no run was added.
  [[nodiscard]] std::string html() const {
    const std::vector<internal::RunGroup> groups = all_groups();
    std::string page =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
    page.append(internal::escaped(title_)).append("</title>\n<style>").append(internal::page_style);
    page.append("</style></head>\n<body><main>\n<header><div><h1>").append(internal::escaped(title_));
    page.append("</h1><p>").append(internal::escaped(internal::subtitle(groups)));
    page.append("</p></div><button id=\"theme\" type=\"button\">Light / dark</button></header>\n");
    for (const auto section :
         {internal::tiles_section, internal::group_buttons, internal::results_section,
          internal::learning_section, internal::curriculum_section, internal::backtest_section,
          internal::environment_section, internal::diagnostics_section, internal::speed_section,
          internal::settings_section, internal::notes_section}) {
      page += section(groups);
    }
    page.append("<footer>Written by polis, ").append(today()).append(".</footer>\n</main>\n<script>");
    return page.append(internal::page_script).append("</script></body></html>\n");
  }

  /// The learning curves alone as an SVG: returns of evaluations, or of training where there are none. Error:
  /// no run was added.
  [[nodiscard]] std::string svg() const {
    const std::vector<internal::RunGroup> groups = all_groups();
    internal::Plot plot = internal::column_plot(groups, internal::were_evaluated(groups), "return", false);
    plot.title = title_;
    return internal::SvgDrawing(plot).svg();
  }

  /// The page, or the SVG where the path ends in ".svg". Error: no run was added; the file cannot be written.
  void write(const std::string& path) const {
    const bool picture = path.size() >= 4 && path.compare(path.size() - 4, 4, ".svg") == 0;
    write_text_file(path, picture ? svg() : html());
  }

 private:
  [[nodiscard]] std::vector<internal::RunGroup> all_groups() const {
    std::vector<internal::RunGroup> groups = groups_;
    for (internal::RunGroup& group : internal::named(unnamed_)) groups.push_back(std::move(group));
    if (groups.empty()) throw Error("no run was added", "HtmlReport", "a call of add_run");
    for (internal::RunGroup& group : groups) {
      std::stable_sort(group.runs.begin(), group.runs.end(),
                       [](const RunLog& a, const RunLog& b) { return a.info.seed < b.info.seed; });
    }
    return groups;
  }

  static std::string today() {
    const std::time_t now = std::time(nullptr);
    std::array<char, 64> text{};
    std::tm local{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", localtime_r(&now, &local));
    return text.data();
  }

  std::string title_;
  std::vector<internal::RunGroup> groups_, unnamed_;
};

}  // namespace polis
