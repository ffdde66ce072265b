// What the report tests share: a folder that goes with the test, and rows as a training would report them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include <sys/wait.h>

#include <polis/train/metrics.hpp>

namespace test_report {

/// A folder of its own, gone with the test.
class Scratch {
 public:
  explicit Scratch(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("polis_report_" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name = "") const { return (path_ / name).string(); }

  /// Makes a folder in this one.
  [[nodiscard]] std::string folder(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

inline std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Runs a command of the shell in the repository's root; its exit status.
inline int shell(const std::string& command) {
  const int status = std::system(("cd '" POLIS_SOURCE_DIR "' && " + command).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

inline constexpr double none = std::numeric_limits<double>::quiet_NaN();

inline polis::RunInfo run_info(std::uint64_t seed = 1, std::uint64_t resumed_at = 0) {
  return {.composition = "ActorCritic<Gae,Adam> on Game by Adaptive",
          .settings = "seed=" + std::to_string(seed) + "\nlanes=4\nalgorithm.objective.clip=0.2\n",
          .seed = seed,
          .planned = 1000,
          .resumed_at = resumed_at,
          .lanes = 4,
          .threads = 2};
}

/// A row in which nothing repeats: figures follow from the step, and the first rows have no return yet.
inline polis::MetricsRow training_row(std::uint64_t step) {
  const auto x = static_cast<double>(step);
  return {.kind = polis::MetricsRow::Kind::training,
          .step = step,
          .planned = 1000,
          .seconds = x / 128,
          .values = {{"steps_per_second", 128.5},
                     {"return", step < 200 ? none : x / 3},
                     {"curriculum.stage", step < 500 ? 0. : 1.},
                     {"entropy", -1e-3 * x}}};
}

inline polis::MetricsRow evaluation_row(std::uint64_t step, double mean_return) {
  return {.kind = polis::MetricsRow::Kind::evaluation,
          .step = step,
          .planned = 1000,
          .seconds = static_cast<double>(step) / 128,
          .values = {{"return", mean_return}, {"return_deviation", 1.}, {"length", 20.}, {"success", none}},
          .episode_returns = {mean_return - 1, mean_return + 1}};
}

}  // namespace test_report
