// The HTML report: what it reads, what it says, and that it is one well-formed page without need of others.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>

#include <polis/report/html_report.hpp>
#include <polis/train/sinks.hpp>

#include "scratch.hpp"

using namespace polis;
using namespace test_report;

namespace test_html_report {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Feeds a run whose last return is `last` to sinks; its rows are at 100, 200, ..., 1000.
void train(std::uint64_t seed, double last, std::initializer_list<Sink*> sinks, bool evaluate = true) {
  for (Sink* sink : sinks) sink->open(run_info(seed));
  for (std::uint64_t step = 100; step <= 1000; step += 100) {
    MetricsRow row = training_row(step);
    row.values[1].second *= last / training_row(1000).values[1].second;
    for (Sink* sink : sinks) {
      sink->row(row);
      if (evaluate && step % 500 == 0)
        sink->row(evaluation_row(step, last * static_cast<double>(step) / 1000));
    }
  }
  for (Sink* sink : sinks) sink->message("saved x"), sink->message("stopped early"), sink->close();
}

/// A run's folder with a log, and with a backtest of twelve bars.
std::string run_folder(const Scratch& scratch, const std::string& name, std::uint64_t seed, double last) {
  const std::string folder = scratch.folder(name);
  JsonLines json(folder + "/log.jsonl");
  train(seed, last, {&json});
  std::ofstream equity(folder + "/equity.csv"), figures(folder + "/backtest.csv");
  equity << "date,\"agent 1\",\"agents' mean\",\"buy and hold\"\n";
  for (int day = 0; day < 12; ++day) {
    equity << "2024-01-" << 10 + day << ',' << 1 + .01 * day << ',' << 1 + .01 * day * last << ",1.02\n";
  }
  figures << "name,total_return,sharpe\n\"agents' mean\"," << .11 * last
          << ",1.5\n\"buy and hold\",0.02,0.4\n";
  return folder;
}

/// Adds three seeds, in no order, of a group that ends at returns of 1, 2 and 3, and of one with ten times
/// that.
void add_two_groups(HtmlReport& report, const Scratch& scratch, const std::string& first) {
  for (const std::uint64_t seed : {3u, 1u, 2u}) {
    const auto s = static_cast<double>(seed);
    report.add_run(first, run_folder(scratch, "p" + std::to_string(seed), seed, s));
    report.add_run("A2C", run_folder(scratch, "a" + std::to_string(seed), seed, 10 * s));
  }
}

bool well_formed(const std::string& page, const Scratch& scratch) {
  const std::string path = scratch.file("page.html");
  write_text_file(path, page);
  return shell("python3 tests/report/check_html.py '" + path + "'") == 0;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace test_html_report

using namespace test_html_report;

TEST_CASE("report/html_report: groups of seeds, with the data of every run") {
  const Scratch scratch("groups");
  HtmlReport report("PPO & A2C");
  add_two_groups(report, scratch, "PPO <b>\"x\"");
  const std::string page = report.html();
  CHECK(well_formed(page, scratch));
  CHECK(has(page, "<title>PPO &amp; A2C</title>"));
  CHECK(has(page, "PPO &lt;b&gt;&quot;x&quot;"));
  CHECK_FALSE(has(page, "<b>\""));
  CHECK(has(page, "6 runs · seeds 1 to 3"));
  CHECK(count(page, " thin\"") == 12);  // six runs, in evaluation and in training
  // The means of {1, 2, 3} and {10, 20, 30}: of three runs, none is dropped.
  CHECK(has(page, "<td>2.00<small>[1.00, 3.00]</small></td>"));
  CHECK(has(page, "<td>20.00<small>[10.00, 30.00]</small></td>"));
  CHECK(has(page, "Best return, A2C"));
  CHECK(count(page, "class=\"ribbon\"") == 6);
  CHECK(has(page, "title=\"stage 2, steps 400 to 1.0k\""));
  CHECK(has(page, "2024-01-12|"));
  CHECK(has(page, "buy and hold"));
  CHECK(has(page, "algorithm.objective"));
  CHECK(count(page, "stopped early") == 6);
  CHECK_FALSE(has(page, "saved x"));
}

TEST_CASE("report/html_report: learning curves as a picture of their own") {
  const Scratch scratch("picture");
  HtmlReport report("returns < all");
  add_two_groups(report, scratch, "PPO & co");
  const std::string path = scratch.file("curves.svg");
  report.write(path);
  const std::string picture = content(path);
  CHECK(picture.substr(0, 4) == "<svg");
  CHECK_FALSE(has(picture, "nan"));
  CHECK(shell("python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' '" + path + "'") == 0);
  CHECK(count(picture, "stroke-width=\"2\"") == 2);
  CHECK(count(picture, "opacity=\".16\"") == 2);  // intervals
  CHECK(has(picture, ">PPO &amp; co</text>"));
  CHECK(has(picture, ">returns &lt; all</text>"));
  CHECK_THROWS_WITH_AS((void)HtmlReport().svg(), doctest::Contains("add_run"), Error);
}

TEST_CASE("report/html_report: runs without a name are grouped by what sets them apart") {
  const Scratch scratch("unnamed");
  HtmlReport report;
  for (const std::uint64_t seed : {1u, 2u})
    report.add_run(run_folder(scratch, std::to_string(seed), seed, 1));
  CHECK(has(report.html(), "Training, seed 2"));
  const std::string other = run_folder(scratch, "other", 1, 2);
  std::string log = content(other + "/log.jsonl");
  log.replace(log.find("clip=0.2"), 8, "clip=0.1");
  write_text_file(other + "/log.jsonl", log);
  report.add_run(other);
  const std::string page = report.html();
  CHECK(has(page, "clip=0.2, seed 2"));
  CHECK(has(page, "clip=0.1, seed 1"));
  CHECK(has(page,
            "<td><code>algorithm.objective.clip</code></td><td><code>0.2</code></td><td><code>0.1</code>"));
  CHECK(well_formed(page, scratch));
}

TEST_CASE("report/html_report: a recorder, JSON lines and CSV files tell the same") {
  const Scratch scratch("same");
  RunRecorder recorder;
  JsonLines json(scratch.folder("json") + "/log.jsonl");
  CsvLog csv(scratch.folder("csv") + "/");
  train(4, 2, {&recorder, &json, &csv});
  const RunLog recorded = recorder.log();
  for (const char* folder : {"json", "csv"}) {
    const RunLog read = read_run_log(scratch.file(folder));
    for (const auto& [a, b] :
         {std::pair{&read.training, &recorded.training}, {&read.evaluation, &recorded.evaluation}}) {
      CHECK(a->steps == b->steps);
      CHECK(a->seconds == b->seconds);
      REQUIRE(a->columns.size() == b->columns.size());
      for (std::size_t c = 0; c < a->columns.size(); ++c) {
        CHECK(a->columns[c].name == b->columns[c].name);
        for (std::size_t i = 0; i < a->rows(); ++i) {
          const double x = a->columns[c].values[i], y = b->columns[c].values[i];
          CHECK((x == y || (std::isnan(x) && std::isnan(y))));
        }
      }
    }
  }
  const RunLog from_json = read_run_log(scratch.file("json"));
  CHECK(from_json.info.settings == recorded.info.settings);
  CHECK(from_json.messages == recorded.messages);
  recorder.open(run_info(4, 500));  // a resumed run drops what came after its checkpoint
  CHECK(recorder.log().training.rows() == 5);
  CHECK(recorder.log().evaluation.rows() == 1);
}

TEST_CASE("report/html_report: few points, gaps and empty logs still make a page") {
  const Scratch scratch("few");
  const std::string empty = scratch.folder("empty");
  JsonLines(empty + "/log.jsonl").open(run_info());
  HtmlReport nothing;
  nothing.add_run(empty);
  CHECK(well_formed(nothing.html(), scratch));
  CHECK(has(nothing.html(), "The log holds no training yet."));

  RunRecorder one, gaps;
  one.open(run_info());
  one.row(training_row(300));
  CHECK(well_formed(HtmlReport().add_run("one", one.log()).html(), scratch));
  CHECK(has(HtmlReport().add_run("one", one.log()).html(), "h0"));  // a dot

  gaps.open(run_info());
  for (std::uint64_t step = 100; step <= 1000; step += 100) {
    MetricsRow row = training_row(step);
    if (step == 500 || step > 800) row.values[1].second = none;
    gaps.row(row);
  }
  const std::string page = HtmlReport().add_run("gaps", gaps.log()).html();
  CHECK(well_formed(page, scratch));
  CHECK(has(page, "its return is no number at the end"));

  RunLog nameless;  // a folder with CSV files alone knows no settings
  CHECK(well_formed(HtmlReport().add_run("", nameless).html(), scratch));
  CHECK_THROWS_WITH_AS((void)HtmlReport().html(), doctest::Contains("add_run"), Error);
}

TEST_CASE("report/html_report: a torn last line is left out, a damaged one refused") {
  const Scratch scratch("torn");
  const std::string folder = run_folder(scratch, "run", 1, 1), path = folder + "/log.jsonl";
  const std::string whole = content(path);
  write_text_file(path, whole + "{\"kind\":\"training\",\"st");
  const RunLog run = read_run_log(folder);
  CHECK(run.training.rows() == 10);
  REQUIRE(run.notes.size() == 1);
  CHECK(run.notes[0] == "The last line of log.jsonl is torn and left out.");

  write_text_file(path, "{\"kind\":\"run\"}\n{\"kind\":\"trai\n" + whole);
  CHECK_THROWS_WITH_AS(read_run_log(folder), doctest::Contains("log.jsonl:2: the line is no JSON"), Error);
  write_text_file(path, "{\"kind\":\"weather\"}\n");
  CHECK_THROWS_WITH_AS(read_run_log(folder), doctest::Contains("log.jsonl:1: found no kind of line"), Error);
  write_text_file(path, "{\"kind\":\"training\",\"step\":\"many\"}\n");
  CHECK_THROWS_WITH_AS(read_run_log(folder), doctest::Contains("log.jsonl:1: "), Error);
  CHECK_THROWS_WITH_AS(read_run_log(scratch.folder("bare")), doctest::Contains("holds no log of a run"),
                       Error);

  const std::string csv = scratch.folder("csv");
  write_text_file(csv + "/train.csv", "step,seconds,return\n1,1,2\n2,2,");
  CHECK(read_run_log(csv).training.rows() == 1);
  write_text_file(csv + "/train.csv", "return\n2\n");
  CHECK_THROWS_WITH_AS(read_run_log(csv), doctest::Contains("not step and seconds"), Error);
}
