#include <polis/train/sinks.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

using namespace polis;

namespace {

/// A folder of its own, gone with the test.
class Scratch {
 public:
  explicit Scratch(const char* name)
      : path_(std::filesystem::temp_directory_path() / (std::string("polis_logs_") + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

MetricsRow row_at(std::uint64_t step, MetricsRow::Kind kind = MetricsRow::Kind::training) {
  return {.kind = kind, .step = step, .planned = 100, .seconds = .5, .values = {{"return", 1.}}};
}

/// A run that logs these steps and ends without a word.
template <class Log>
void log_run(Log&& log, std::uint64_t resumed_at, std::initializer_list<std::uint64_t> steps) {
  log.open({.composition = "test", .settings = "a=\",\\\"step\\\":99\"", .resumed_at = resumed_at});
  for (const std::uint64_t step : steps) log.row(row_at(step));
  log.message("hello");
  log.close();
}

}  // namespace

TEST_CASE("train/logs: a resumed CSV log drops the rows after its checkpoint") {
  const Scratch scratch("csv");
  log_run(CsvLog(scratch.file("")), 0, {10, 20, 30});
  log_run(CsvLog(scratch.file("")), 20, {30, 40});
  CHECK(content(scratch.file("train.csv")) ==
        "step,seconds,return\n10,0.5,1\n20,0.5,1\n30,0.5,1\n40,0.5,1\n");
}

TEST_CASE("train/logs: a row that a kill left torn is dropped") {
  const Scratch scratch("torn");
  log_run(CsvLog(scratch.file("")), 0, {10, 20});
  std::ofstream(scratch.file("train.csv"), std::ios::app) << "30,0.";
  log_run(CsvLog(scratch.file("")), 30, {40});
  CHECK(content(scratch.file("train.csv")) == "step,seconds,return\n10,0.5,1\n20,0.5,1\n40,0.5,1\n");
}

TEST_CASE("train/logs: a new run begins its logs anew") {
  const Scratch scratch("new");
  log_run(CsvLog(scratch.file("")), 0, {10, 20});
  log_run(CsvLog(scratch.file("")), 0, {10});
  CHECK(content(scratch.file("train.csv")) == "step,seconds,return\n10,0.5,1\n");
}

TEST_CASE("train/logs: evaluations are cut like training rows") {
  const Scratch scratch("evaluation");
  CsvLog log(scratch.file(""));
  log.open({});
  for (const std::uint64_t step : {10u, 20u, 30u}) log.row(row_at(step, MetricsRow::Kind::evaluation));
  log.close();
  log.open({.composition = "test", .settings = {}, .resumed_at = 20});
  log.close();
  CHECK(content(scratch.file("evaluation.csv")) == "step,seconds,return\n10,0.5,1\n20,0.5,1\n");
}

TEST_CASE("train/logs: resumed JSON lines drop what came after the checkpoint, whatever settings say") {
  const Scratch scratch("json");
  const std::string path = scratch.file("log.jsonl");
  log_run(JsonLines(path), 0, {10, 20, 30});
  log_run(JsonLines(path), 20, {30});
  std::istringstream lines(content(path));
  std::string kinds;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.back() == '}');
    const bool is_row = line.find("\"kind\":\"training\"") != line.npos;
    kinds += is_row ? line.substr(line.find("\"step\":") + 7, 2) + ' ' : line.substr(9, 3) + ' ';
  }
  CHECK(kinds == "run 10 20 run 30 mes ");
}

TEST_CASE("train/logs: a log that cannot be opened is an Error that names it") {
  const Scratch scratch("refused");
  JsonLines log(scratch.file("missing/log.jsonl"));
  CHECK_THROWS_WITH_AS(log.open({}), doctest::Contains("missing/log.jsonl"), Error);
}
