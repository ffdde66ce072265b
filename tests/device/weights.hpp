// Weights of trainers on different devices, side by side.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <polis/device/host_kernels.hpp>
#include <polis/polis.hpp>

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

/// Of learners from a replay: those of all its networks, targets too.
inline std::vector<float> all_weights_of(auto& trainer) {
  auto& agents = trainer.learner().agents().front();
  std::vector<float> all;
  const auto add = [&all](std::span<const float> values) {
    all.insert(all.end(), values.begin(), values.end());
  };
  add(agents.weights().values());
  if constexpr (requires { agents.critics(); }) {
    add(agents.critics().values());
    add(std::as_const(agents).target_critics().values()), add(std::as_const(agents).target_actor().values());
  } else {
    add(agents.target().values());
  }
  return all;
}

/// A learner from a replay that is saved on a device goes on there to the bit, and on the CPU to rounding.
template <class Algorithm, class E>
void check_resume(double within) {
  using namespace polis;
  using Kernels = Trainer<Algorithm, MultiAgentEnv<E>, Device<HostKernels>>;
  const std::string path = std::filesystem::temp_directory_path() / "polis_device_replay.checkpoint";
  const typename Algorithm::Config algorithm{
      .buffer = {.capacity = 2000}, .learning_starts = 200, .update_every = 10};
  const typename Kernels::Config config{.seed = 5, .lanes = 10, .algorithm = algorithm};
  Kernels whole(config), half(config), rest(config);
  whole.train(500), whole.train(1000);  // how much is explored goes by what is planned
  half.train(500);
  half.save(path);
  rest.resume(path);
  rest.train(1000);
  CHECK(furthest(all_weights_of(whole), all_weights_of(rest)) == 0);
  Trainer<Algorithm, MultiAgentEnv<E>> cpu({.seed = 5, .lanes = 10, .threads = 1, .algorithm = algorithm});
  cpu.resume(path);
  CHECK(furthest(all_weights_of(cpu), all_weights_of(half)) == 0);
  cpu.train(1000);
  CHECK(furthest(all_weights_of(cpu), all_weights_of(rest)) < within);
  std::filesystem::remove(path);
}

}  // namespace test_device
