// What the tests of trainers over several ranks have in common.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <polis/mpi.hpp>

namespace test_mpi {

using polis::Mpi;

/// How far two sets of weights lie apart, as a share of how far training has moved them (Euclidean norms).
/// Adam divides by the gradient's own size, so that a weight with next to no gradient may go either way: its
/// largest difference would say nothing.
inline double apart(const std::vector<float>& a, const std::vector<float>& b,
                    const std::vector<float>& first) {
  double difference = 0, moved = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto d = static_cast<double>(a[i] - b[i]), m = static_cast<double>(b[i] - first[i]);
    difference += d * d, moved += m * m;
  }
  CHECK(moved > 1e-3);
  return std::sqrt(difference / moved);
}
inline constexpr double rounding = 1e-5;  // measured: at most 6.4e-7 after five or six updates

/// A path that all ranks agree on, gone at the end.
class Scratch {
 public:
  explicit Scratch(const char* name) {
    Mpi mpi;
    double number = mpi.rank() == 0 ? static_cast<double>(getpid()) : 0.;
    mpi.sum(std::span(&number, 1));
    path_ = "/tmp/polis-mpi-" + std::to_string(static_cast<long>(number)) + "-" + name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::remove(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void wait_for_all() {
  Mpi mpi;
  double nothing = 0;
  mpi.sum(std::span(&nothing, 1));
}

}  // namespace test_mpi
