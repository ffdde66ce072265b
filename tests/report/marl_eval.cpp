// marl-eval's JSON, read back by marl-eval.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include <polis/report/marl_eval.hpp>

#include "scratch.hpp"

using namespace polis;
using namespace test_report;
using nlohmann::json;

namespace test_marl_eval {

/// Three evaluations whose best is the second.
void run(MarlEval& sink, std::uint64_t seed, double scale) {
  sink.open(run_info(seed));
  sink.row(training_row(100));
  sink.row(evaluation_row(200, 1 * scale));
  sink.row(evaluation_row(400, 3 * scale));
  sink.row(evaluation_row(600, 2 * scale));
  sink.close();
}

json read(const std::string& path) { return json::parse(content(path)); }

}  // namespace test_marl_eval

using namespace test_marl_eval;

TEST_CASE("report/marl_eval: marl-eval's loader reads runs merged into one file") {
  const Scratch scratch("marl_eval");
  const std::string path = scratch.file("results.json");
  for (const std::string algorithm : {"PPO", "A2C"}) {
    for (const std::string task : {"easy", "hard"}) {
      MarlEval sink(path, {.environment = "Game", .task = task, .algorithm = algorithm});
      for (const std::uint64_t seed : {1u, 2u, 3u}) run(sink, seed, static_cast<double>(seed));
    }
  }
  CHECK(shell("python=$(bash .ci/python-packages --no-deps marl-eval id-marl-eval==0.0.4 numpy==2.4.6 "
              "colorama==0.4.6) && \"$python\" tests/report/read_marl_eval.py '" +
              path + "'") == 0);
}

TEST_CASE("report/marl_eval: absolute metrics are the best evaluation's until they are stated") {
  const Scratch scratch("marl_eval_absolute");
  const std::string path = scratch.file("results.json");
  MarlEval sink(path, {.environment = "Game", .task = "easy", .algorithm = "PPO"});
  CHECK_THROWS_WITH_AS(sink.absolute_metrics({}), doctest::Contains("call of train"), Error);
  run(sink, 5, 1);
  json own = read(path)["Game"]["easy"]["PPO"]["seed_5"];
  CHECK(own["step_2"]["step_count"] == 400);
  CHECK(own["step_2"]["elapsed_time"] == 3.125);
  CHECK(own["step_2"]["return"] == json({2., 4.}));
  CHECK_FALSE(own["step_2"].contains("success"));  // not a number
  CHECK(own["absolute_metrics"]["return"] == json({2., 4.}));
  CHECK(own["absolute_metrics"]["length"] == json({20.}));
  CHECK_FALSE(own["absolute_metrics"].contains("step_count"));

  EvaluationResult last;
  last.returns = {7, 8, 9};
  last.length = 21;
  last.metrics["only here"] = 1;
  sink.absolute_metrics(last);
  own = read(path)["Game"]["easy"]["PPO"]["seed_5"];
  CHECK(own["absolute_metrics"] == json({{"return", {7., 8., 9.}}, {"length", {21.}}}));
  CHECK(own.size() == 4);
}

TEST_CASE("report/marl_eval: a resumed run drops its evaluations after the checkpoint, and no other's") {
  const Scratch scratch("marl_eval_resumed");
  const std::string path = scratch.file("results.json");
  const MarlEvalNames names{.environment = "Game", .task = "easy", .algorithm = "PPO"};
  MarlEval first(path, names), other(path, names);
  run(other, 2, 1);
  run(first, 1, 1);
  MarlEval again(path, names);
  again.open(run_info(1, 400));
  again.row(evaluation_row(600, 9));
  const json runs = read(path)["Game"]["easy"]["PPO"];
  CHECK(runs["seed_1"].size() == 4);
  CHECK(runs["seed_1"]["step_2"]["return"] == json({2., 4.}));
  CHECK(runs["seed_1"]["step_3"]["return"] == json({8., 10.}));
  CHECK(runs["seed_2"].size() == 4);
}

TEST_CASE("report/marl_eval: runs that write at the same time lose nothing of each other") {
  const Scratch scratch("marl_eval_together");
  const std::string path = scratch.file("results.json");
  std::vector<std::thread> writers;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    writers.emplace_back([&path, seed] {
      MarlEval sink(path, {.environment = "Game", .task = "easy", .algorithm = "PPO"});
      run(sink, seed, 1);
    });
  }
  for (std::thread& writer : writers) writer.join();
  const json runs = read(path)["Game"]["easy"]["PPO"];
  CHECK(runs.size() == 4);
  for (const json& each : runs) CHECK(each.size() == 4);
}

TEST_CASE("report/marl_eval: a file of another form is refused and left as it is") {
  const Scratch scratch("marl_eval_refused");
  const std::string path = scratch.file("results.json");
  for (const std::string text : {"{\"Game\": {\"easy\"", "[]", "{\"Game\": {\"easy\": 3}}"}) {
    std::ofstream(path) << text;
    MarlEval sink(path, {.environment = "Game", .task = "easy", .algorithm = "PPO"});
    CHECK_THROWS_WITH_AS(sink.open(run_info()), doctest::Contains("results.json"), Error);
    CHECK(content(path) == text);
  }
  CHECK_THROWS_WITH_AS(MarlEval(path, {"Game", "easy", "PPO, tuned"}), doctest::Contains("comma"), Error);
  CHECK_THROWS_WITH_AS(MarlEval(path, {"Game", "", "PPO"}), doctest::Contains("empty name"), Error);
  MarlEval nowhere(scratch.file("missing/results.json"), {"Game", "easy", "PPO"});
  CHECK_THROWS_WITH_AS(nowhere.open(run_info()), doctest::Contains("missing/results.json"), Error);
}
