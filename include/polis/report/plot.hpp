// Line plots as HTML: lines and bands in an SVG that stretches with the page, numbers and names as HTML text
// over it, which keeps its size. Colours are classes, so that the page's style decides on light and dark.
//
// A plot needs no script to be read. Its lines carry their names and its frame the axes' ranges, from which
// the page's script reads the values under the pointer.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/report/html_text.hpp>

namespace polis::internal {

/// One line, with an interval around it where `low` and `high` are given.
struct PlotLine {
  std::string label;
  std::string style;  ///< classes: a colour (c0 to c7 of a group, r0 to r3 of a reference), thin, filled
  int group = 0;      ///< its group's button hides it
  std::vector<double> x, y, low, high;
  bool named = true;  ///< at its end, and in the legend
};

struct Plot {
  std::string title, note;
  std::vector<PlotLine> lines;
  std::string x_name = "environment steps";
  NumberStyle x_style = NumberStyle::count, y_style = NumberStyle::plain;
  std::vector<std::string> moments;  ///< names of x = 0, 1, ..., where x is no number
  int height = 300;                  ///< of the plotting area, in CSS pixels
  bool small = false;                ///< one of several beside each other, without names at the lines
};

/// An interval of an axis and the distance of its ticks: 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1, step = .2;

  /// Where a value lies between the ends, as a share.
  [[nodiscard]] double share(double value) const { return (value - low) / (high - low); }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> ticks;
    const double slack = 1e-9 * (high - low);
    for (double k = std::ceil((low - slack) / step); k * step <= high + slack; ++k) ticks.push_back(k * step);
    return ticks;
  }
};

/// The tick distance that gives about `wanted` ticks.
inline double tick_step(double range, int wanted) {
  const double rough = range / wanted, power = std::pow(10, std::floor(std::log10(rough)));
  const double lead = rough / power;
  return power * (lead < 1.41 ? 1 : lead < 3.16 ? 2 : lead < 7.07 ? 5 : 10);
}

/// Extremes of finite values.
struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(const std::vector<double>& values) {
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value), high = std::max(high, value);
    }
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

inline Axis x_axis(const Plot& plot) {
  Extent extent;
  for (const PlotLine& line : plot.lines) extent.add(line.x);
  if (extent.empty()) return {};
  if (plot.moments.empty()) extent.low = std::min(0., extent.low);
  if (extent.high <= extent.low) extent.high = extent.low + 1;
  double step = tick_step(extent.high - extent.low, plot.small ? 4 : 6);
  if (plot.moments.empty()) {  // a tick that lies just beyond the last value ends the axis
    const double next = step * std::ceil(extent.high / step);
    if (next - extent.high < .02 * (extent.high - extent.low)) extent.high = next;
  } else {
    step = std::max(1., step);
  }
  return {extent.low, extent.high, step};
}

inline Axis y_axis(const Plot& plot) {
  Extent extent;
  bool to_zero = false;
  for (const PlotLine& line : plot.lines) {
    extent.add(line.y), extent.add(line.low), extent.add(line.high);
    to_zero = to_zero || line.style.find("filled") != std::string::npos;
  }
  if (extent.empty()) return {};
  const bool shares = plot.y_style == NumberStyle::percent && extent.low >= 0 && extent.high <= 1;
  if (shares && !to_zero) return {0, 1, plot.small ? .5 : .2};
  if (to_zero || (extent.low > 0 && extent.low < .4 * extent.high)) extent.low = std::min(extent.low, 0.);
  if (to_zero) extent.high = std::max(extent.high, 0.);
  double range = extent.high - extent.low;
  if (range <= 1e-9 * std::max(std::fabs(extent.high), std::fabs(extent.low))) {  // level: a range around it
    range = extent.high == 0 ? 1 : std::fabs(extent.high) / 2;
    extent.low -= range / 2, extent.high += range / 2;
  }
  if (extent.low != 0) extent.low -= .05 * range;
  if (extent.high != 0) extent.high += .05 * range;
  return {extent.low, extent.high, tick_step(extent.high - extent.low, plot.small ? 3 : plot.height / 55)};
}

/// A number for an SVG or a style, with so many digits after the point.
inline std::string coordinate(double value, int decimals = 1) {
  std::string text = fixed(value, decimals);
  if (const auto minus = text.find("−"); minus != text.npos) {
    text.replace(minus, std::string_view("−").size(), "-");
  }
  return text;
}

/// Draws one plot.
class PlotDrawing {
 public:
  explicit PlotDrawing(const Plot& plot) : plot_(plot), x_(x_axis(plot)), y_(y_axis(plot)) {}

  [[nodiscard]] std::string html() {
    open();
    if (std::all_of(plot_.lines.begin(), plot_.lines.end(), [](const PlotLine& l) { return l.x.empty(); })) {
      html_ += "<p class=\"empty\">No values.</p></figure>\n";
      return std::move(html_);
    }
    frame();
    picture();
    tick_labels();
    if (!plot_.small) line_names();
    html_ += "</div></div>";
    if (!plot_.small) html_ += "<p class=\"xname\">" + escaped(plot_.x_name) + "</p>";
    legend();
    html_ += "</figure>\n";
    return std::move(html_);
  }

 private:
  static constexpr double extent = 1000;  // of the SVG's own coordinates, both ways

  [[nodiscard]] double across(double x) const { return extent * x_.share(x); }
  [[nodiscard]] double down(double y) const { return extent * (1 - y_.share(y)); }
  [[nodiscard]] std::string point(double x, double y) const {
    return coordinate(across(x)) + ',' + coordinate(down(y));
  }
  [[nodiscard]] std::vector<const PlotLine*> named() const {
    std::vector<const PlotLine*> lines;
    for (const PlotLine& line : plot_.lines) {
      if (line.named) lines.push_back(&line);
    }
    if (lines.size() < 2) lines.clear();  // the title says what a single line is
    return lines;
  }

  void open() {
    html_ += plot_.small ? "<figure class=\"chart small\">" : "<figure class=\"chart\">";
    html_ += "<figcaption><h3>" + escaped(plot_.title) + "</h3>";
    if (!plot_.note.empty()) html_ += "<p>" + escaped(plot_.note) + "</p>";
    html_ += "</figcaption>";
  }

  /// The frame, with what a script needs to know of the axes.
  void frame() {
    std::size_t longest = 0;
    for (const PlotLine* line : named()) longest = std::max(longest, line->label.size());
    const double right =
        plot_.small || longest == 0 ? 10. : std::min(170., 24 + 7.2 * static_cast<double>(longest));
    html_ += "<div class=\"plot\" style=\"height:" + std::to_string(plot_.height) +
             "px;--right:" + coordinate(right, 0) + "px\"" + axis("x", x_, plot_.x_style) +
             axis("y", y_, plot_.y_style);
    if (!plot_.moments.empty()) {
      html_ += " data-moments=\"";
      for (const std::string& moment : plot_.moments) html_ += escaped(moment) + '|';
      html_ += '"';
    }
    html_ += "><div class=\"area\">";
  }
  static std::string axis(const char* name, const Axis& axis, NumberStyle style) {
    static constexpr const char* styles[] = {"plain", "ratio", "count", "percent", "change"};
    return std::string(" data-") + name + "=\"" + coordinate(axis.low, 9) + ' ' + coordinate(axis.high, 9) +
           ' ' + styles[static_cast<int>(style)] + '"';
  }

  void picture() {
    html_ += "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" +
             escaped(plot_.title) + "\"><path class=\"grid\" d=\"";
    for (const double tick : y_.ticks()) html_ += "M0," + coordinate(down(tick)) + "H1000";
    html_ += "\"/>";
    if (y_.low < 0 && y_.high > 0)
      html_ += "<path class=\"zero\" d=\"M0," + coordinate(down(0)) + "H1000\"/>";
    for (const PlotLine& line : plot_.lines) band(line);
    for (const PlotLine& line : plot_.lines) {
      if (!line.named) path(line);
    }
    for (const PlotLine& line : plot_.lines) {  // over the single runs
      if (line.named) path(line);
    }
    html_ += "</svg>";
  }

  void band(const PlotLine& line) {
    const bool filled = line.style.find("filled") != std::string::npos;
    if (line.low.empty() && !filled) return;
    const std::vector<double>& low = filled ? line.y : line.low;
    std::string outline;
    for (std::size_t i = 0; i < line.x.size();) {  // a polygon for every stretch without gaps
      std::size_t end = i;
      const auto known = [&](std::size_t at) {
        return at < line.x.size() && std::isfinite(low[at]) && (filled || std::isfinite(line.high[at]));
      };
      while (known(end)) ++end;
      for (std::size_t k = i; k < end; ++k) outline += (k == i ? 'M' : 'L') + point(line.x[k], low[k]);
      for (std::size_t k = end; k > i; --k)
        outline += 'L' + point(line.x[k - 1], filled ? 0. : line.high[k - 1]);
      if (end > i) outline += 'Z';
      i = std::max(end, i + 1);
    }
    html_ += "<path class=\"band " + line.style + group(line) + " d=\"" + outline + "\"/>";
  }

  void path(const PlotLine& line) {
    std::string d;
    bool drawing = false;
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      const bool known = std::isfinite(line.y[i]);
      if (known) d += (drawing ? 'L' : 'M') + point(line.x[i], line.y[i]);
      const bool alone = known && !drawing && (i + 1 == line.x.size() || !std::isfinite(line.y[i + 1]));
      if (alone) d += "h0";  // a dot: the line's round cap
      drawing = known;
    }
    const bool dots =
        std::count(line.x.begin(), line.x.end(), line.x.empty() ? 0 : line.x[0]) > 0 && line.x.size() < 3;
    html_ += std::string("<path class=\"line ") + (dots ? "dots " : "") + line.style + group(line);
    if (line.named) html_ += " data-name=\"" + escaped(line.label) + '"';
    html_ += " d=\"" + d + "\"/>";
  }

  /// Closes the class attribute of a line and names its group.
  static std::string group(const PlotLine& line) {
    return "\" data-group=\"" + std::to_string(line.group) + '"';
  }

  void tick_labels() {
    for (const double tick : y_.ticks()) {
      html_ += "<span class=\"ytick\" style=\"top:" + coordinate(down(tick) / 10, 2) + "%\">" +
               tick_text(tick, y_.step, plot_.y_style) + "</span>";
    }
    int index = 0;
    for (const double tick : x_.ticks()) {
      std::string text = tick_text(tick, x_.step, plot_.x_style);
      const auto moment = static_cast<std::size_t>(std::max(0., tick));
      if (!plot_.moments.empty()) text = moment < plot_.moments.size() ? escaped(plot_.moments[moment]) : "";
      html_ += std::string("<span class=\"xtick") + (index++ % 2 ? " odd" : "") +
               "\" style=\"left:" + coordinate(across(tick) / 10, 2) + "%\">" + text + "</span>";
    }
  }

  /// The names at the lines' ends, moved apart where they would overlap.
  void line_names() {
    constexpr double line_height = 16;
    std::vector<std::pair<double, const PlotLine*>> names;  // [px from the top]
    for (const PlotLine* line : named()) {
      for (std::size_t i = line->y.size(); i-- > 0;) {
        if (!std::isfinite(line->y[i])) continue;
        names.emplace_back((1 - y_.share(line->y[i])) * plot_.height, line);
        break;
      }
    }
    std::stable_sort(names.begin(), names.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 1; i < names.size(); ++i) {
      names[i].first = std::max(names[i].first, names[i - 1].first + line_height);
    }
    double limit = plot_.height + line_height / 2;
    for (std::size_t i = names.size(); i-- > 0;) {
      names[i].first = std::min(names[i].first, limit);
      limit = names[i].first - line_height;
    }
    for (const auto& [top, line] : names) {
      html_ += "<span class=\"name " + line->style + group(*line) + " style=\"top:" + coordinate(top) +
               "px\" title=\"" + escaped(line->label) + "\">" + escaped(line->label) + "</span>";
    }
  }

  /// The same names below, for pages too narrow to have them at the lines.
  void legend() {
    if (plot_.small || named().empty()) return;
    html_ += "<ul class=\"legend\">";
    for (const PlotLine* line : named()) {
      html_ += "<li class=\"" + line->style + group(*line) + "><i></i>" + escaped(line->label) + "</li>";
    }
    html_ += "</ul>";
  }

  const Plot& plot_;
  Axis x_, y_;
  std::string html_;
};

}  // namespace polis::internal
