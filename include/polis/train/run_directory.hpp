// The folder of one run: where its checkpoint, logs and settings lie.
#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// Paths of a run's files. Runs without a name of their own are numbered: runs/1, runs/2, ...
class RunDirectory {
 public:
  /// A folder for a new run: `path`, or the next number below `parent` where `path` is empty.
  /// Error: it cannot be made, or holds a checkpoint that the new run would overwrite.
  static RunDirectory create(const std::string& path, const std::string& parent = "runs") {
    if (path.empty()) return next_below(parent);
    make(path);
    RunDirectory run(path);
    if (std::filesystem::exists(run.checkpoint())) {
      throw Error("it holds the checkpoint of another run", path,
                  "a new folder, or --resume to go on with that run");
    }
    return run;
  }

  /// The folder of a run to go on with: `path`, or below `parent` the one of the highest number with a
  /// checkpoint. Error: there is none, or it holds no checkpoint.
  static RunDirectory existing(const std::string& path, const std::string& parent = "runs") {
    const int last = path.empty() ? last_number(parent, "/checkpoint") : 0;
    if (path.empty() && last == 0)
      throw Error("no run to resume", parent, concat({"a folder like ", parent, "/1"}));
    RunDirectory run(path.empty() ? parent + '/' + std::to_string(last) : path);
    if (!std::filesystem::exists(run.checkpoint())) {
      throw Error("no checkpoint to resume from", run.checkpoint(),
                  "a run that was started without --resume");
    }
    return run;
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string checkpoint() const { return path_ + "/checkpoint"; }
  [[nodiscard]] std::string settings() const { return path_ + "/settings.yaml"; }
  [[nodiscard]] std::string csv_prefix() const { return path_ + "/"; }  ///< train.csv, evaluation.csv
  [[nodiscard]] std::string json_lines() const { return path_ + "/log.jsonl"; }

 private:
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  /// Whether the folder was made now. Error: it is not there and cannot be made.
  static bool make(const std::string& path) {
    std::error_code problem;
    const bool made = std::filesystem::create_directories(path, problem);
    if (problem) throw Error(concat({"the folder cannot be made: ", problem.message()}), path);
    return made;
  }

  static RunDirectory next_below(const std::string& parent) {
    make(parent);
    int number = last_number(parent) + 1;
    while (!make(parent + '/' + std::to_string(number))) ++number;  // another run may have been quicker
    return RunDirectory(parent + '/' + std::to_string(number));
  }

  /// The highest number that a folder below `parent`, with `holding` in it, is named by; 0 where there is
  /// none.
  static int last_number(const std::string& parent, const char* holding = "") {
    int last = 0;
    std::error_code none;  // no such folder: no runs
    for (const auto& entry : std::filesystem::directory_iterator(parent, none)) {
      const std::string name = entry.path().filename().string();
      int number = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
      const bool numbered = error == std::errc() && end == name.data() + name.size();
      if (numbered && std::filesystem::exists(entry.path().string() + holding)) last = std::max(last, number);
    }
    return last;
  }

  std::string path_;
};

}  // namespace polis
