// A sink that writes evaluations as marl-eval's JSON, the format in which results of multi-agent learning are
// compared (Gorsane, Mahjoub, de Kock, Dubb, Singh and Pretorius, "Towards a standardised performance
// evaluation protocol for cooperative MARL", 2022):
//
//     environment -> task -> algorithm -> seed_S -> step_N -> {step_count, elapsed_time, metric: [values]}
//                                                -> absolute_metrics -> {metric: [values]}
//
// Runs of other seeds, algorithms and tasks share one file: each sink adds its own run and keeps the others,
// also while other processes write theirs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <polis/core/error.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/metrics.hpp>
#include <polis/train/sinks.hpp>

namespace polis {

/// Where a run stands in marl-eval's tree.
struct MarlEvalNames {
  std::string environment;
  std::string task;
  std::string algorithm;  ///< marl-eval takes no comma in it
};

namespace internal {

/// Keeps other processes from writing to a folder's file as long as it lives. A lock on the folder leaves no
/// lock file behind, and outlives the file, which is replaced as a whole.
class FolderLock {
 public:
  explicit FolderLock(const std::string& file) {
    const std::string folder = std::filesystem::path(file).parent_path().string();
    descriptor_ = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0 || flock(descriptor_, LOCK_EX) != 0) {
      if (descriptor_ >= 0) ::close(descriptor_);
      throw Error("cannot be opened for writing", file, "a path in a folder that exists");
    }
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() { ::close(descriptor_); }

 private:
  int descriptor_ = -1;
};

}  // namespace internal

/// Writes every evaluation (`evaluation.every=N`) of a run into a file of marl-eval's form. Metrics are the
/// row's figures, a list of one mean each; `return` lists every episode's, which makes its deviation
/// needless. Figures that are not numbers are left out. A resumed run drops its evaluations after the
/// checkpoint.
class MarlEval : public Sink {
 public:
  /// Error: an empty name, or a comma in the algorithm's.
  MarlEval(std::string path, MarlEvalNames names) : path_(std::move(path)), names_(std::move(names)) {
    if (names_.environment.empty() || names_.task.empty() || names_.algorithm.empty()) {
      throw Error("an empty name", "MarlEval", "names of the environment, the task and the algorithm");
    }
    if (names_.algorithm.find(',') != std::string::npos) {
      throw Error("a comma in the algorithm's name '" + names_.algorithm + '\'', "MarlEval",
                  "a name without commas, which marl-eval does not take");
    }
  }

  void open(const RunInfo& info) override {
    run_ = "seed_" + std::to_string(info.seed);
    evaluations_.clear();
    absolute_ = nullptr;
    if (info.resumed_at > 0) {
      Json all = read();
      for (const auto& [key, step] : branch(all).items()) {
        const bool counted =
            step.is_object() && step.contains("step_count") && step["step_count"].is_number();
        if (counted && step["step_count"] <= info.resumed_at) evaluations_.push_back(step);
      }
    }
    write();
  }
  void row(const MetricsRow& row) override {
    if (row.kind != MetricsRow::Kind::evaluation || run_.empty()) return;
    Json metrics = {{"step_count", row.step}, {"elapsed_time", row.seconds}};
    for (const auto& [name, value] : row.values) {
      if (std::isfinite(value)) metrics[name] = {value};
    }
    if (!row.episode_returns.empty()) {
      metrics["return"] = row.episode_returns;
      metrics.erase("return_deviation");
    }
    evaluations_.push_back(std::move(metrics));
    write();
  }

  /// States the absolute metrics: those of the run's best policy (the checkpoint `.best`) in a last
  /// evaluation, by the protocol of ten times as many episodes as the others. As long as they are not stated,
  /// the evaluation with the best mean return stands for them, which flatters runs with many evaluations.
  /// Error: there was no call of train before.
  void absolute_metrics(const EvaluationResult& result) {
    if (run_.empty()) throw Error("no run was opened", "MarlEval", "a call of train before");
    absolute_ = {{"return", result.returns}, {"length", {result.length}}};
    if (std::isfinite(result.success)) absolute_["success"] = {result.success};
    for (const auto& [name, value] : result.metrics) {
      if (std::isfinite(value)) absolute_[name] = {value};
    }
    write();
  }

 private:
  using Json = nlohmann::ordered_json;
  static constexpr const char* absolute_key = "absolute_metrics";

  /// The whole file; an empty tree where there is none. Error: it is not of this form.
  [[nodiscard]] Json read() const {
    const internal::File file(std::fopen(path_.c_str(), "rb"));
    if (!file) return Json::object();
    Json all = Json::parse(file.get(), nullptr, false);
    if (!all.is_object()) throw Error("is no JSON object", path_, "a file in marl-eval's form, or none");
    return all;
  }

  /// This run's part of the tree. Error: something that is no object stands on the way.
  [[nodiscard]] Json& branch(Json& all) const {
    Json* at = &all;
    for (const std::string& key : {names_.environment, names_.task, names_.algorithm, run_}) {
      at = &(*at)[key];
      if (at->is_null()) *at = Json::object();
      if (!at->is_object())
        throw Error("found no object at '" + key + '\'', path_, "a file in marl-eval's form");
    }
    return *at;
  }

  /// Metrics that every evaluation has: marl-eval looks for the absolute ones in all steps.
  [[nodiscard]] Json absolute() const {
    const Json* best = absolute_.is_null() ? nullptr : &absolute_;
    for (std::size_t i = 0; absolute_.is_null() && i < evaluations_.size(); ++i) {
      if (best == nullptr || mean_return(evaluations_[i]) > mean_return(*best)) best = &evaluations_[i];
    }
    Json common = Json::object();
    if (best == nullptr) return common;
    for (const auto& metric : best->items()) {
      const bool everywhere =
          metric.value().is_array() && std::all_of(evaluations_.begin(), evaluations_.end(),
                                                   [&](const Json& e) { return e.contains(metric.key()); });
      if (everywhere) common[metric.key()] = metric.value();
    }
    return common;
  }
  static double mean_return(const Json& metrics) {
    double sum = 0;
    const auto found = metrics.find("return");
    if (found == metrics.end() || !found->is_array() || found->empty()) return -HUGE_VAL;
    for (const Json& value : *found) sum += value.is_number() ? value.get<double>() : -HUGE_VAL;
    return sum / static_cast<double>(found->size());
  }

  /// Reads what the file holds by now, puts this run in its place, and replaces the file as a whole.
  void write() const {
    const internal::FolderLock lock(path_);
    Json all = read();
    Json& own = branch(all) = Json::object();
    for (std::size_t i = 0; i < evaluations_.size(); ++i) {
      own["step_" + std::to_string(i + 1)] = evaluations_[i];
    }
    own[absolute_key] = absolute();
    const std::string aside = path_ + ".tmp";
    const internal::File file = internal::open_file(aside, "wb");
    internal::write_line(file.get(), all.dump(1, ' ', false, Json::error_handler_t::replace) + '\n', aside);
    std::error_code problem;
    std::filesystem::rename(aside, path_, problem);
    if (problem) throw Error("cannot be replaced: " + problem.message(), path_);
  }

  std::string path_, run_;
  MarlEvalNames names_;
  std::vector<Json> evaluations_;
  Json absolute_;
};

}  // namespace polis
