// The same line plots as one SVG file, for a README or a paper: white ground, names at the lines' ends.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <polis/report/html_text.hpp>
#include <polis/report/plot.hpp>

namespace polis::internal {

/// Draws one plot, 820 x 420.
class SvgDrawing {
 public:
  explicit SvgDrawing(const Plot& plot) : plot_(plot), x_(x_axis(plot)), y_(y_axis(plot)) {}

  [[nodiscard]] std::string svg() {
    svg_ =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 820 420\" font-family=\"sans-serif\" "
        "font-size=\"13\">\n<rect width=\"820\" height=\"420\" fill=\"#fff\"/>\n";
    write(left, 26, "start", "#222", plot_.title, " font-size=\"16\" font-weight=\"bold\"");
    for (const double tick : y_.ticks()) {
      svg_ += "<path d=\"M" + point(x_.low, tick) + "H" + coordinate(left + width) + "\" stroke=\"#ddd\"/>\n";
      write(left - 8, down(tick) + 4, "end", "#666", tick_text(tick, y_.step, plot_.y_style));
    }
    for (const double tick : x_.ticks()) {
      const auto moment = static_cast<std::size_t>(tick);
      const bool named = moment < plot_.moments.size();
      write(across(tick), top + height + 22, "middle", "#666",
            named ? plot_.moments[moment] : tick_text(tick, x_.step, plot_.x_style));
    }
    write(left + width / 2, top + height + 46, "middle", "#444", plot_.x_name);
    for (const PlotLine& line : plot_.lines) band(line);
    for (const PlotLine& line : plot_.lines) {
      if (line.named) path(line);
    }
    names();
    return std::move(svg_ += "</svg>\n");
  }

 private:
  static constexpr double left = 66, top = 44, width = 590, height = 310;

  [[nodiscard]] double across(double x) const { return left + width * x_.share(x); }
  [[nodiscard]] double down(double y) const { return top + height * (1 - y_.share(y)); }
  [[nodiscard]] std::string point(double x, double y) const {
    return coordinate(across(x)) + ',' + coordinate(down(y));
  }
  static const char* colour(const PlotLine& line) {
    static constexpr std::array colours{"#0072b2", "#d55e00", "#00815f", "#b0568c",
                                        "#b27700", "#3a8fc4", "#7a5195", "#6b6b6b"};
    return colours[static_cast<std::size_t>(line.group) % colours.size()];
  }
  void write(double x, double y, const char* anchor, const char* ink, const std::string& what,
             const char* more = "") {
    svg_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor +
            "\" fill=\"" + ink + "\"" + more + ">" + escaped(what) + "</text>\n";
  }

  /// Points from `first` on until a value is missing, joined to d; returns the first that is not there.
  template <class Value>
  std::size_t stretch(const PlotLine& line, std::size_t first, std::string& d, Value&& value) const {
    std::size_t i = first;
    for (; i < line.x.size() && std::isfinite(value(i)); ++i) {
      d += (i == first ? 'M' : 'L') + point(line.x[i], value(i));
    }
    return i;
  }
  void band(const PlotLine& line) {
    if (line.low.empty()) return;
    std::string d;
    for (std::size_t i = 0; i < line.x.size();) {
      const std::size_t end =
          stretch(line, i, d, [&](std::size_t k) { return line.low[k] + 0 * line.high[k]; });
      for (std::size_t k = end; k > i; --k) d += 'L' + point(line.x[k - 1], line.high[k - 1]);
      if (end > i) d += 'Z';
      i = end + 1;
    }
    svg_ += std::string("<path fill=\"") + colour(line) + "\" opacity=\".16\" d=\"" + d + "\"/>\n";
  }
  void path(const PlotLine& line) {
    std::string d;
    for (std::size_t i = 0; i < line.x.size();) {
      i = stretch(line, i, d, [&](std::size_t k) { return line.y[k]; }) + 1;
    }
    svg_ += std::string("<path fill=\"none\" stroke-width=\"2\" stroke=\"") + colour(line) + "\" d=\"" + d +
            "\"/>\n";
  }
  /// At the lines' ends, moved apart where they would overlap, and up where that would lead below the axis.
  void names() {
    constexpr double apart = 17;
    std::vector<std::pair<double, const PlotLine*>> ends;
    for (const PlotLine& line : plot_.lines) {
      if (line.named && !line.y.empty() && std::isfinite(line.y.back())) {
        ends.emplace_back(down(line.y.back()) + 4, &line);
      }
    }
    std::stable_sort(ends.begin(), ends.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 1; i < ends.size(); ++i) {
      ends[i].first = std::max(ends[i].first, ends[i - 1].first + apart);
    }
    double lowest = top + height;
    for (std::size_t i = ends.size(); i-- > 0; lowest -= apart) {
      ends[i].first = std::min(ends[i].first, lowest);
    }
    for (const auto& [y, line] : ends) {
      write(left + width + 8, y, "start", colour(*line), line->label, " font-weight=\"bold\"");
    }
  }

  const Plot& plot_;
  Axis x_, y_;
  std::string svg_;
};

}  // namespace polis::internal
