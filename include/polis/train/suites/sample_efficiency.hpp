// Sample efficiency: how many steps training took to be how good, from the history of its evaluations.
//
//     EvaluationHistory history;
//     trainer.add_sink(history);                    // with .evaluation = {.every = 10'000}
//     trainer.train(1'000'000);
//     sample_efficiency({&history}, {195, 475}).print();
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/train/metrics.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// Keeps one figure of a run's periodic evaluations.
class EvaluationHistory : public Sink {
 public:
  struct Point {
    std::uint64_t step = 0;
    double value = 0;
  };

  explicit EvaluationHistory(std::string figure = "return") : figure_(std::move(figure)) {}

  /// A run that was resumed at an earlier step goes on from there.
  void open(const RunInfo& info) override {
    std::erase_if(points_, [&](const Point& point) { return point.step > info.resumed_at; });
  }
  void row(const MetricsRow& row) override {
    if (row.kind == MetricsRow::Kind::evaluation) points_.push_back({row.step, row[figure_]});
  }
  [[nodiscard]] const std::vector<Point>& points() const { return points_; }

  /// The step of the first evaluation that reached `threshold`; infinity where none did.
  [[nodiscard]] double steps_to(double threshold) const {
    for (const Point& point : points_) {
      if (point.value >= threshold) return static_cast<double>(point.step);
    }
    return std::numeric_limits<double>::infinity();
  }
  /// The area under the curve from the first evaluation to the last, by the trapezoidal rule, divided by the
  /// steps between: the mean over training. Error: no evaluation was made.
  [[nodiscard]] double mean() const {
    if (points_.empty()) throw Error("no evaluation was made", "history", "evaluation.every above 0");
    double area = 0;
    for (std::size_t i = 1; i < points_.size(); ++i) {
      const auto width = static_cast<double>(points_[i].step - points_[i - 1].step);
      area += width * (points_[i].value + points_[i - 1].value) / 2;
    }
    const auto span = static_cast<double>(points_.back().step - points_.front().step);
    return span > 0 ? area / span : points_.front().value;
  }

 private:
  std::string figure_;
  std::vector<Point> points_;
};

/// Of one run or several: steps to each threshold, mean over training (EvaluationHistory::mean), the last
/// evaluation, the best. With several runs the last column is their median; a threshold that no evaluation
/// reached counts as infinitely far, and is a dash. Error: a run without evaluations.
inline ResultTable sample_efficiency(const std::vector<const EvaluationHistory*>& runs,
                                     const std::vector<double>& thresholds) {
  ResultTable table("sample efficiency");
  const auto row = [&](const std::string& name, auto&& figure) {
    std::vector<double> values;
    const auto set = [&](const std::string& column, double value) {
      const bool known = value < std::numeric_limits<double>::infinity();
      table.set(name, column, known ? value : std::numeric_limits<double>::quiet_NaN());
    };
    for (std::size_t i = 0; i < runs.size(); ++i) {
      values.push_back(figure(*runs[i]));
      set("run " + std::to_string(i), values.back());
    }
    if (values.size() < 2) return;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    set("median", values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2);
  };
  using History = EvaluationHistory;
  row("mean over training", [](const History& run) { return run.mean(); });
  row("last evaluation", [](const History& run) { return run.points().back().value; });
  row("best evaluation", [](const History& run) {
    double best = run.points().front().value;
    for (const auto& point : run.points()) best = std::max(best, point.value);
    return best;
  });
  for (const double threshold : thresholds) {
    row("steps to " + internal::short_number(threshold),
        [threshold](const History& run) { return run.steps_to(threshold); });
  }
  return table;
}

}  // namespace polis
