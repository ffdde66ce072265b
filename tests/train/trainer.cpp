// The trainer around the learning: evaluations that end it, interrupts, checkpoints, errors, sinks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/train/sinks.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_trainer {

using namespace polis;
using polis_test::Guess;
using Student = Trainer<PPO::With<Mlp<8>>, MultiAgentEnv<Guess>>;

/// A folder of its own that goes with all it holds.
class Folder {
 public:
  Folder() { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("polis-trainer-" + std::to_string(::getpid()));
};

Student::Config settings() {
  Student::Config config{.seed = 9, .lanes = 16, .threads = 1};
  config.algorithm.steps = 8;
  config.algorithm.optimizer.learning_rate = 1e-2f;
  return config;
}
constexpr std::uint64_t update = 16 * 8;

std::vector<std::byte> weights(const Student& trainer) {
  return to_bytes(trainer.learner().agents().front().weights());
}

std::vector<std::string> lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> result;
  for (std::string line; std::getline(file, line);) result.push_back(line);
  return result;
}

/// Asks for a stop at its n-th row, and notes what it hears.
struct Stopper : Sink {
  explicit Stopper(int rows) : left(rows) {}
  void row(const MetricsRow&) override {
    if (--left == 0) request_stop();
  }
  void message(std::string_view text) override { messages.emplace_back(text); }
  int left;
  std::vector<std::string> messages;
};

}  // namespace test_trainer

TEST_CASE("train/trainer: a target reached, or patience spent, ends the training") {
  using namespace test_trainer;
  auto config = settings();
  config.evaluation = {.every = 2 * update, .episodes = 20, .target = 7.9};
  Student good(config);
  CHECK(good.train(400 * update) == TrainingEnd::target_reached);
  CHECK(good.clock().steps < 400 * update);
  CHECK(good.clock().steps % (2 * update) == 0);

  config.algorithm.optimizer.learning_rate = 0;  // no evaluation is better than the first
  config.evaluation = {.every = 3 * update, .episodes = 20, .patience = 2};
  Student stuck(config);
  CHECK(stuck.train(400 * update) == TrainingEnd::patience_exhausted);
  CHECK(stuck.clock().steps == 9 * update);
  Student enough(settings());
  CHECK(enough.train(3 * update - 5) == TrainingEnd::finished);
  CHECK(enough.clock().steps == 3 * update);
}

TEST_CASE("train/trainer: the best evaluated state is kept beside the last") {
  using namespace test_trainer;
  const Folder folder;
  auto config = settings();
  config.checkpoint.path = folder.file("run");
  config.evaluation = {.every = 4 * update, .episodes = 20};
  Student trainer(config);
  trainer.train(40 * update);
  Student best(settings()), last(settings());
  best.resume(folder.file("run.best"));
  last.resume(folder.file("run"));
  CHECK(last.clock().steps == 40 * update);
  CHECK(weights(last) == weights(trainer));
  CHECK(best.evaluate(20).mean >= last.evaluate(20).mean);
}

TEST_CASE(
    "train/trainer: a stop asked for finishes the update, saves it, and a resumed run goes on bit by bit") {
  using namespace test_trainer;
  const Folder folder;
  auto config = settings();
  config.checkpoint.path = folder.file("run");
  Student whole(settings());
  CHECK(whole.train(10 * update) == TrainingEnd::finished);

  Student stopped(config);
  Stopper sink(4);
  stopped.add_sink(sink);
  CHECK(stopped.train(10 * update) == TrainingEnd::interrupted);
  clear_stop_request();
  CHECK(stopped.clock().steps == 4 * update);
  CHECK(sink.messages == std::vector<std::string>{"saved " + folder.file("run")});

  Student resumed(config);
  resumed.resume(folder.file("run"));
  CHECK(resumed.clock().steps == 4 * update);
  CHECK(resumed.train(10 * update) == TrainingEnd::finished);
  CHECK(weights(resumed) == weights(whole));
}

TEST_CASE("train/trainer: a checkpoint of other lanes, sizes or words is refused by name") {
  using namespace test_trainer;
  const Folder folder;
  Student trainer(settings());
  trainer.save(folder.file("run"));
  auto config = settings();
  config.lanes = 17;
  Student more(config);
  CHECK_THROWS_WITH_AS(more.resume(folder.file("run")), doctest::Contains("lanes=17"), Error);
  Trainer<PPO::With<Mlp<9>>, MultiAgentEnv<Guess>> wider;
  CHECK_THROWS_WITH_AS(wider.resume(folder.file("run")), doctest::Contains("Mlp<9>"), Error);
  CHECK_THROWS_WITH_AS(wider.resume(folder.file("run")), doctest::Contains("Mlp<8>"), Error);
  CHECK_THROWS_AS(trainer.resume(folder.file("none")), Error);
}

TEST_CASE("train/trainer: settings that make no sense are refused") {
  using namespace test_trainer;
  const auto refuses = [](auto change, const char* key) {
    auto config = settings();
    change(config);
    CHECK_THROWS_WITH_AS(Student{config}, doctest::Contains(key), Error);
  };
  refuses([](auto& c) { c.lanes = 0; }, "lanes");
  refuses([](auto& c) { c.algorithm.steps = 0; }, "algorithm.steps");
  refuses([](auto& c) { c.algorithm.epochs = -1; }, "algorithm.epochs");
  refuses([](auto& c) { c.algorithm.minibatch = -1; }, "algorithm.minibatch");
}

TEST_CASE("train/trainer: CSV and JSON lines read back, and a resumed run appends to them") {
  using namespace test_trainer;
  const Folder folder;
  auto config = settings();
  config.evaluation = {.every = 2 * update, .episodes = 4};
  config.checkpoint.path = folder.file("run");
  for (const std::uint64_t until : {4 * update, 6 * update}) {
    CsvLog csv(folder.file(""));
    JsonLines json(folder.file("log.jsonl"));
    Student trainer(config);
    if (until > 4 * update) trainer.resume(folder.file("run"));
    trainer.add_sink(csv), trainer.add_sink(json);
    trainer.train(until);
  }
  const auto table = lines(folder.file("train.csv"));
  REQUIRE(table.size() == 7);  // a header and six updates
  CHECK(table[0].starts_with("step,seconds,steps_per_second,collecting_share,episodes,return,"));
  const auto fields = std::count(table[0].begin(), table[0].end(), ',');
  for (std::size_t i = 1; i < table.size(); ++i) {
    CHECK(table[i].starts_with(std::to_string(i * update) + ','));
    CHECK(std::count(table[i].begin(), table[i].end(), ',') == fields);
  }
  CHECK(lines(folder.file("evaluation.csv")).size() == 4);

  int runs = 0, rows = 0, evaluations = 0;
  for (const std::string& line : lines(folder.file("log.jsonl"))) {
    const auto object = nlohmann::json::parse(line);
    if (object["kind"] == "run") {
      ++runs;
      CHECK(object["composition"] == Student::name());
      CHECK(object["settings"].get<std::string>().find("algorithm.steps=8\n") != std::string::npos);
    }
    if (object["kind"] == "training") CHECK(object["step"] == update * static_cast<std::uint64_t>(++rows));
    if (object["kind"] == "evaluation") {
      ++evaluations;
      CHECK(object["return"].is_number());
    }
  }
  CHECK(runs == 2);
  CHECK(rows == 6);
  CHECK(evaluations == 3);
}

TEST_CASE("train/trainer: where there is no terminal, progress is plain lines") {
  using namespace test_trainer;
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  ProgressBar bar(file, 0);
  Student trainer(settings());
  trainer.add_sink(bar);
  trainer.train(5 * update);
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find("\x1b") == std::string::npos);
  CHECK(text.find("100%") != std::string::npos);
  CHECK(text.find(" 20%") != std::string::npos);
  CHECK(text.find("steps/s") != std::string::npos);
}
