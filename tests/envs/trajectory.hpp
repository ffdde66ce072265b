// Reads the trajectories that tests/data/record_gymnasium.py wrote, and helps to compare with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace polis_test {

/// One step: the action, and what it led to. A reset has step 0 and a state alone.
struct RecordedStep {
  std::string episode;
  int step = 0;
  double action = 0;
  std::vector<double> state;
  double reward = 0;
  bool terminated = false, truncated = false;
};

/// Columns: episode, step, action, `states` numbers of the state, reward, terminated, truncated.
inline std::vector<RecordedStep> read_trajectories(const std::string& name, std::size_t states) {
  std::ifstream file(std::string(POLIS_SOURCE_DIR) + "/tests/data/" + name);
  if (!file) throw std::runtime_error("tests/data/" + name + " cannot be opened");
  std::vector<RecordedStep> steps;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    cells.resize(6 + states);  // the trailing empty cells of a reset
    const auto number = [&cells](std::size_t at) { return std::strtod(cells[at].c_str(), nullptr); };
    RecordedStep step;
    step.episode = cells[0];
    step.step = static_cast<int>(number(1));
    step.action = number(2);
    for (std::size_t i = 0; i < states; ++i) step.state.push_back(number(3 + i));
    step.reward = number(3 + states);
    step.terminated = cells[4 + states] == "1";
    step.truncated = cells[5 + states] == "1";
    steps.push_back(std::move(step));
  }
  return steps;
}

/// |a - b| relative to |b|, or to `floor` where b is smaller: sums cancel there, and keep their absolute
/// error.
inline double error(double a, double b, double floor) {
  return std::abs(a - b) / std::max(std::abs(b), floor);
}

/// The Kolmogorov-Smirnov distance between a sample and the uniform distribution on [low, high].
inline double distance_from_uniform(std::vector<double> sample, double low, double high) {
  std::sort(sample.begin(), sample.end());
  const double n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double uniform = (sample[i] - low) / (high - low), rank = static_cast<double>(i);
    distance = std::max({distance, uniform - rank / n, (rank + 1) / n - uniform});
  }
  return distance;
}

/// Exceeded by the distance of a true uniform sample in one case of a hundred thousand: sqrt(-ln(5e-6) / 2n).
inline double distance_limit(std::size_t n) {
  return std::sqrt(-std::log(5e-6) / (2 * static_cast<double>(n)));
}

}  // namespace polis_test
