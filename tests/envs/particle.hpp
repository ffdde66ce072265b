// What tests of environments share that are compared with recorded trajectories of others, the particle world
// above all: reading them, and the returns of a policy over many episodes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <polis/env/multi_agent_env.hpp>
#include <polis/envs/particle/world.hpp>

namespace polis_test {

/// One step as tests/data/record_*.py wrote it: its number, from 0 for the reset, and the rest of the row.
struct RecordedRow {
  std::string episode;
  int step = 0;
  std::vector<double> numbers;
};

inline std::vector<RecordedRow> read_rows(const std::string& name) {
  std::ifstream file(std::string(POLIS_SOURCE_DIR) + "/tests/data/" + name);
  if (!file) throw std::runtime_error("tests/data/" + name + " cannot be opened");
  std::vector<RecordedRow> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    RecordedRow row;
    std::string cell;
    std::getline(cells, row.episode, ',');
    std::getline(cells, cell, ',');
    row.step = std::atoi(cell.c_str());
    while (std::getline(cells, cell, ',')) row.numbers.push_back(std::strtod(cell.c_str(), nullptr));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Takes a row's numbers from the front.
class Reader {
 public:
  explicit Reader(const RecordedRow& row) : numbers_(row.numbers) {}

  [[nodiscard]] bool empty() const { return at_ == numbers_.size(); }
  double number() { return numbers_.at(at_++); }
  float real() { return static_cast<float>(number()); }
  int integer() { return static_cast<int>(number()); }

 private:
  const std::vector<double>& numbers_;
  std::size_t at_ = 0;
};

inline polis::particle::Vector read_vector(Reader& reader) {
  const float x = reader.real();
  return {x, reader.real()};
}
inline polis::particle::Body read_body(Reader& reader) {
  const polis::particle::Vector velocity = read_vector(reader);
  return {read_vector(reader), velocity};
}
inline double difference(const polis::particle::Body& a, const polis::particle::Body& b) {
  return static_cast<double>(
      std::max((a.position - b.position).length(), (a.velocity - b.velocity).length()));
}
/// The largest difference between `seen` and the numbers that follow in the row.
template <std::size_t N>
double difference(const float (&seen)[N], Reader& reader) {
  double largest = 0;
  for (const float x : seen) largest = std::max(largest, std::abs(static_cast<double>(x) - reader.number()));
  return largest;
}

/// How far one step, in single precision, may be from the recorded one. Coordinates of order one are rounded
/// to 6e-8, and in a contact the force of 100 a unit of length over a tenth of a second turns an error of a
/// position into ten times that of a velocity; a few contacts at once leave it below this.
inline constexpr double particle_tolerance = 1e-5;

/// The mean and the standard deviation of the episodes' returns, and the mean's standard error.
struct Returns {
  double mean = 0, deviation = 0, error = 0;
};

/// Returns of one agent, or of the mean agent (-1), when all play `policy(env, random)`.
template <polis::Environment E, class Policy>
Returns play(Policy&& policy, int episodes, int agent = -1) {
  polis::MultiAgentEnv<E> env(1, 3);
  env.reset();
  double sum = 0, squares = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    double own = 0;
    while (!env.over(0)) {
      polis::Random random(3, env.steps(0), 0, 0, polis::Purpose::action);
      env.advance(0, policy(env.lane(0), random));
      own += static_cast<double>(env.reward(0, std::max(agent, 0)));
    }
    const double total = agent < 0 ? env.episode(0).total : own;
    sum += total;
    squares += total * total;
    env.renew(0, env.default_tasks());
  }
  const double mean = sum / episodes, deviation = std::sqrt(squares / episodes - mean * mean);
  return {mean, deviation, deviation / std::sqrt(static_cast<double>(episodes))};
}

}  // namespace polis_test
