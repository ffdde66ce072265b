// A training that feeds all of the report's sinks, as a user's program would.
#include <doctest/doctest.h>

#include <string>

#include <nlohmann/json.hpp>

#include <polis/envs/classic/cartpole.hpp>
#include <polis/polis.hpp>
#include <polis/report/html_report.hpp>
#include <polis/report/marl_eval.hpp>
#include <polis/report/tensorboard.hpp>

#include "scratch.hpp"

using namespace polis;
using namespace test_report;

TEST_CASE("report/training: one training feeds TensorBoard, marl-eval and the report") {
  const Scratch scratch("training");
  Trainer<PPO, MultiAgentEnv<CartPole>> trainer(
      {.seed = 3, .lanes = 8, .threads = 1, .evaluation = {.every = 2000, .episodes = 5}});
  TensorBoard board(scratch.folder("board"));
  MarlEval marl_eval(scratch.file("results.json"),
                     {.environment = "Gymnasium", .task = "CartPole", .algorithm = "PPO"});
  RunRecorder recorder;
  trainer.add_sink(board), trainer.add_sink(marl_eval), trainer.add_sink(recorder);
  trainer.train(6000);
  const EvaluationResult last = trainer.evaluate(50);
  marl_eval.absolute_metrics(last);

  CHECK(content(board.path()).find("evaluation/return") != std::string::npos);
  const auto tree = nlohmann::json::parse(content(scratch.file("results.json")));
  const auto& run = tree["Gymnasium"]["CartPole"]["PPO"]["seed_3"];
  CHECK(run["step_1"]["return"].size() == 5);
  CHECK(run["step_1"]["step_count"] == recorder.log().evaluation.steps.at(0));
  CHECK(run["absolute_metrics"]["return"].get<std::vector<double>>() == last.returns);

  const std::vector<double>* share = recorder.log().training.find("collecting_share");
  REQUIRE(share != nullptr);
  for (const double value : *share) {
    CHECK(value > 0);
    CHECK(value < 1);
  }
  const std::string page = HtmlReport("CartPole").add_run("PPO", recorder.log()).html();
  CHECK(page.find("Return in evaluation") != std::string::npos);
  CHECK(page.find("CartPole · 1 run · seed 3") != std::string::npos);
  CHECK(page.find("Gradient norm") != std::string::npos);
}
