// The parts of a report that are no plots: tiles, tables, ribbons of curriculum stages, settings.
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

namespace polis::internal {

/// A large figure with what it is, and a line that puts it into proportion.
inline std::string tile(std::string_view what, const std::string& value, const std::string& remark) {
  return "<div class=\"tile\"><span>" + escaped(what) + "</span><b>" + escaped(value) + "</b><span>" +
         escaped(remark) + "</span></div>\n";
}

/// The class of a group's colour.
inline std::string colour(std::size_t group) { return "c" + std::to_string(group % 8); }

/// A table, cell by cell; cells are HTML.
class HtmlTable {
 public:
  explicit HtmlTable(const std::vector<std::string>& header, std::string_view style = {}) {
    html_ = "<div class=\"card\"><table class=\"" + std::string(style) + "\"><thead><tr>";
    for (const std::string& name : header) html_ += "<th>" + escaped(name) + "</th>";
    html_ += "</tr></thead><tbody>\n";
  }
  void row(const std::vector<std::string>& cells, std::string_view style = {}) {
    html_ += "<tr class=\"" + std::string(style) + "\">";
    for (const std::string& cell : cells) html_ += "<td>" + cell + "</td>";
    html_ += "</tr>\n";
  }
  [[nodiscard]] std::string html() const { return html_ + "</tbody></table></div>\n"; }

 private:
  std::string html_;
};

/// A group's name after a dash of its colour.
inline std::string group_cell(const RunGroup& group, std::size_t index) {
  return "<i class=\"" + colour(index) + "\"></i>" + escaped(group.name);
}

/// "12.3 [11.8, 12.9]", the interval in small type where there is one.
inline std::string estimate_cell(const stats::Estimate& estimate, NumberStyle style = NumberStyle::plain) {
  std::string cell = number(estimate.value, style);
  if (std::isfinite(estimate.low)) {
    cell += "<small>[" + number(estimate.low, style) + ", " + number(estimate.high, style) + "]</small>";
  }
  return cell;
}

/// "1 run", "5 runs".
inline std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

/// A composition, which a page may break after its commas.
inline std::string breakable(std::string_view composition) {
  std::string html;
  for (const char c : escaped(composition)) {
    html += c;
    if (c == ',') html += "<wbr>";
  }
  return html;
}

/// Settings that are not the same in all groups, one row a key.
inline std::string settings_differences(const std::vector<RunGroup>& groups) {
  std::vector<SettingsList> lists;
  std::vector<std::string> keys, header = {"setting"};
  for (const RunGroup& group : groups) {
    lists.push_back(settings_of(group.runs[0]));
    lists.back().insert(lists.back().begin(), {"composition", group.runs[0].info.composition});
    header.push_back(group.name);
    for (const auto& [key, value] : lists.back()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  HtmlTable table(header, "settings");
  bool any = false;
  for (const std::string& key : keys) {
    std::vector<std::string> cells = {"<code>" + escaped(key) + "</code>"};
    for (const SettingsList& list : lists) {
      const auto found =
          std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.first == key; });
      cells.push_back(found == list.end() ? "–" : "<code>" + breakable(found->second) + "</code>");
    }
    const bool same =
        std::all_of(cells.begin() + 1, cells.end(), [&](const auto& cell) { return cell == cells[1]; });
    if (same || is_identity(key)) continue;
    table.row(cells);
    any = true;
  }
  return any ? table.html() : "";
}

/// All settings of a group's first run, folded away, a small table for each part of them.
inline std::string all_settings(const RunGroup& group) {
  std::string html = "<details class=\"card\"><summary>All settings of " + escaped(group.name) +
                     "</summary><p style=\"margin-top:10px\"><code>" +
                     breakable(group.runs[0].info.composition) + "</code></p><div class=\"columns\">";
  std::string part, open;
  for (const auto& [key, value] : settings_of(group.runs[0])) {
    const std::size_t dot = key.rfind('.');
    part = dot == key.npos ? "run" : key.substr(0, dot);
    if (part != open) {
      if (!open.empty()) html += "</tbody></table></section>";
      html += "<section><h3>" + escaped(part) + "</h3><table class=\"settings\"><tbody>";
      open = part;
    }
    html += "<tr><td>" + escaped(dot == key.npos ? key : key.substr(dot + 1)) + "</td><td><code>" +
            escaped(value) + "</code></td></tr>\n";
  }
  if (!open.empty()) html += "</tbody></table></section>";
  return html + "</div></details>\n";
}

/// A run as a ribbon over its steps, coloured by the stage it was at. `steps` is the ribbon's length.
inline std::string ribbon(const RunLog& run, double steps, int stages) {
  const std::vector<double>& stage = *run.training.find("curriculum.stage");
  std::string html = "<div class=\"ribbon\">";
  double begin = 0;
  for (std::size_t i = 0; i < stage.size(); ++i) {
    const bool ends = i + 1 == stage.size() || stage[i + 1] != stage[i];
    if (!ends || !std::isfinite(stage[i])) continue;
    const double width = (run.training.steps[i] - begin) / steps,
                 at = stages > 1 ? stage[i] / (stages - 1) : 1;
    html += std::string("<span") + (at > .6 ? " class=\"high\"" : "") +
            " style=\"width:" + coordinate(100 * width, 2) + "%;--t:" + coordinate(at, 2) +
            "\" title=\"stage " + coordinate(stage[i] + 1, 0) + ", steps " +
            number(begin, NumberStyle::count) + " to " + number(run.training.steps[i], NumberStyle::count) +
            "\">" + (width > .03 ? coordinate(stage[i] + 1, 0) : "") + "</span>";
    begin = run.training.steps[i];
  }
  return html + "</div>\n";
}

/// The stages of all runs that have a curriculum; nothing where none has.
inline std::string ribbons(const std::vector<RunGroup>& groups) {
  double steps = 0, highest = 0;
  for (const RunGroup& group : groups) {
    for (const RunLog& run : group.runs) {
      const auto* stage = run.training.find("curriculum.stage");
      if (stage == nullptr || run.training.rows() == 0) continue;
      steps = std::max(steps, run.training.steps.back());
      for (const double value : *stage) highest = std::max(highest, value);
    }
  }
  if (highest <= 0 || steps <= 0) return {};
  std::string html = "<div class=\"card\"><div class=\"ribbons\">\n";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (g > 0) html += "<div class=\"gap\"></div>";
    for (const RunLog& run : groups[g].runs) {
      if (run.training.find("curriculum.stage") == nullptr) continue;
      html += "<div data-group=\"" + std::to_string(g) + "\">" + escaped(groups[g].name) + ", seed " +
              std::to_string(run.info.seed) + "</div><div data-group=\"" + std::to_string(g) + "\">" +
              ribbon(run, steps, static_cast<int>(highest) + 1) + "</div>";
    }
  }
  html += "<div class=\"scale\">";
  const Axis axis{0, steps, tick_step(steps, 6)};
  int index = 0;
  for (const double tick : axis.ticks()) {
    html += std::string("<span class=\"xtick") + (index++ % 2 ? " odd" : "") +
            "\" style=\"top:0;margin:0;left:" + coordinate(100 * axis.share(tick), 2) + "%\">" +
            tick_text(tick, axis.step, NumberStyle::count) + "</span>";
  }
  return html + "</div></div></div>\n";
}

}  // namespace polis::internal
