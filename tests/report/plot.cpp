// What the report's plots are made of: numbers as text, ticks, curves over runs.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <polis/report/backtest_section.hpp>
#include <polis/report/html_text.hpp>
#include <polis/report/plot.hpp>
#include <polis/report/run_groups.hpp>
#include <polis/report/svg.hpp>

using namespace polis;
using namespace polis::internal;

namespace test_plot {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

std::string tick_line(const Axis& axis, NumberStyle style) {
  std::string line;
  for (const double tick : axis.ticks()) line += tick_text(tick, axis.step, style) + ' ';
  return line;
}

}  // namespace test_plot

using namespace test_plot;

TEST_CASE("report/plot: numbers as a reader writes them") {
  CHECK(number(12.3456) == "12.35");
  CHECK(number(-.0004) == "−4.00e-04");
  CHECK(number(missing) == "–");
  CHECK(number(-HUGE_VAL) == "−∞");
  CHECK(number(1'512'345, NumberStyle::count) == "1.51M");
  CHECK(number(99, NumberStyle::count) == "99");
  CHECK(number(.548, NumberStyle::change) == "+54.8%");
  CHECK(number(-.0001, NumberStyle::change) == "0.0%");
  CHECK(number(.0063, NumberStyle::percent) == "0.63%");
  CHECK(duration(187) == "3 min 7 s");
  CHECK(duration(7500) == "2 h 5 min");
  CHECK(heading("approximate_kl") == "Approximate KL");
  CHECK(escaped("<a href=\"x\">&'\x01") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39; ");
}

TEST_CASE("report/plot: ticks are round, and carry the digits that tell them apart") {
  CHECK(tick_line({0, 500'000, tick_step(500'000, 6)}, NumberStyle::count) == "0 100k 200k 300k 400k 500k ");
  CHECK(tick_line({0, 1.6e6, tick_step(1.6e6, 6)}, NumberStyle::count) ==
        "0 200k 400k 600k 800k 1.0M 1.2M 1.4M 1.6M ");
  CHECK(tick_line({-.31, .62, tick_step(.93, 5)}, NumberStyle::change) == "−20% 0% +20% +40% +60% ");
  CHECK(tick_line({2.9e-4, 3.1e-4, tick_step(2e-5, 4)}, NumberStyle::plain) ==
        "0.00029 0.000295 0.0003 0.000305 0.00031 ");
  for (double range = 1e-9; range < 1e9; range *= 1.7) {
    const auto count = Axis{0, range, tick_step(range, 6)}.ticks().size();
    CHECK(count >= 4);
    CHECK(count <= 10);
  }
}

TEST_CASE("report/plot: curves are thinned to means, and a gap stays one") {
  Curve curve;
  for (int i = 0; i < 100; ++i) curve.x.push_back(i), curve.y.push_back(i < 90 ? 2. * i : missing);
  const Curve thin = thinned(curve, 10);
  REQUIRE(thin.x.size() == 10);
  CHECK(thin.x[0] == doctest::Approx(4.5));
  CHECK(thin.y[0] == doctest::Approx(9));
  CHECK(std::isnan(thin.y[9]));
  CHECK(thinned(curve, 100).x == curve.x);
}

TEST_CASE("report/plot: a group's curve is the interquartile mean over the steps that all runs have") {
  std::vector<Curve> runs(4);
  for (int r = 0; r < 4; ++r) {
    for (int i = r == 3 ? 2 : 0; i <= 10; ++i) {
      runs[static_cast<std::size_t>(r)].x.push_back(i);
      runs[static_cast<std::size_t>(r)].y.push_back(r == 3 ? 1000 : r * i);  // one run that stands out
    }
  }
  const Curve joint = joined(runs, 100);
  REQUIRE(joint.x.size() == 9);
  CHECK(joint.x[0] == 2);
  for (std::size_t i = 0; i < joint.x.size(); ++i) {
    CHECK(joint.y[i] == doctest::Approx(1.5 * joint.x[i]));  // of 0, x, 2x and 1000: the middle two
    CHECK(joint.low[i] <= joint.y[i]);
    CHECK(joint.high[i] >= joint.y[i]);
  }
  CHECK(joined({runs[1]}, 100).low.empty());
  CHECK(joined({}, 100).x.empty());
  CHECK(value_at({{0, 2}, {0, 1}, {}, {}}, .5) == doctest::Approx(.25));
  CHECK(std::isnan(value_at({{0, 2}, {0, 1}, {}, {}}, 3)));
}

TEST_CASE("report/plot: a drawdown is the fall from the highest equity so far") {
  const Curve fall = drawdown({1, 1.2, .9, 1.5, 1.2, missing});
  const std::vector<double> expected = {0, 0, -.25, 0, -.2};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(fall.y[i] == doctest::Approx(expected[i]));
  CHECK(std::isnan(fall.y[5]));
}

TEST_CASE("report/plot: lines break at gaps, lone points are dots, bands close") {
  Plot plot;
  plot.title = "a < b";
  plot.lines.push_back({"one", "c0", 0, {0, 1, 2, 3, 4}, {0, 1, missing, 1, missing}, {}, {}, true});
  plot.lines.push_back({"two", "c1", 1, {0, 4}, {0, 1}, {0, .5}, {.2, 1}, true});
  const std::string html = PlotDrawing(plot).html();
  CHECK(html.find("d=\"M0.0,1000.0L250.0,47.6M750.0,47.6h0\"") != html.npos);
  CHECK(html.find("d=\"M0.0,1000.0L1000.0,523.8L1000.0,47.6L0.0,809.5Z\"") != html.npos);
  CHECK(html.find("a &lt; b") != html.npos);
  plot.lines.clear();
  CHECK(PlotDrawing(plot).html().find("No values.") != std::string::npos);
}

TEST_CASE(
    "report/plot: an SVG's ticks have the names of moments, and lines' names stay above the axis and apart") {
  Plot plot;
  plot.moments = {"4", "16", "64"};
  for (const char* name : {"first", "second", "third"}) {
    PlotLine line;
    line.label = name, line.style = "filled";
    line.x = {0, 1, 2}, line.y = {100, 50, 0};
    plot.lines.push_back(line);
  }
  const std::string svg = SvgDrawing(plot).svg();
  for (const char* name : {">4<", ">16<", ">64<"}) CHECK(svg.find(name) != std::string::npos);
  const auto height_of = [&](const char* name) {
    const auto end = svg.find(std::string(">") + name + "<");
    REQUIRE(end != std::string::npos);
    return std::stod(svg.substr(svg.rfind(" y=\"", end) + 4));
  };
  CHECK(height_of("third") <= 354);  // the axis
  CHECK(height_of("third") - height_of("second") >= 17);
  CHECK(height_of("second") - height_of("first") >= 17);
}
