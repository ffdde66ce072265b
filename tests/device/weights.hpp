// Weights of trainers on different devices, side by side.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

namespace test_device {

/// Those of all sets, one after the other.
inline std::vector<float> weights_of(auto& trainer) {
  std::vector<float> all;
  for (auto& agents : trainer.learner().agents()) {
    const auto values = agents.weights().values();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}
/// The largest difference; infinite where one is not a number.
inline double furthest(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= 1e30f)) return INFINITY;
    most = std::max(most, static_cast<double>(std::abs(a[i] - b[i])));
  }
  return most;
}

}  // namespace test_device
