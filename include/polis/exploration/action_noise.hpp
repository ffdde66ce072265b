// Noise on the actions of a Box while collecting. Actions are in halves of the Box, -1 to 1, and stay in it.
#pragma once

#include <cmath>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>

namespace polis {

namespace internal {

/// action[i] += noise(i, i-th standard normal number), clipped.
template <int N, class Noise>
POLIS_HD void add_noise(In<float> uniforms, Out<float> action, const Noise& noise) {
  for (int i = 0; i < N; i += 2) {
    const Array<float, 2> pair = Random::normal_pair<float>(uniforms[i], uniforms[i + 1]);
    for (int k = 0; k < 2 && i + k < N; ++k) {
      action.set(i + k, math::clamp(action[i + k] + noise(i + k, pair[k]), -1.f, 1.f));
    }
  }
}

}  // namespace internal

/// The word: none but the policy's own, whose actions are sampled.
struct SampledActions {
  using word = word::Exploration;
  struct Config {
    static constexpr void fields(auto& /*self*/, auto&& /*visit*/) {}
  };
  template <int N>
  static constexpr int draws = 0;  ///< uniform numbers for the noise on an action of N numbers
  template <int N>
  static constexpr int memory =
      0;  ///< numbers that the noise keeps from step to step, 0 when an episode begins
  template <int N>
  POLIS_HD static void perturb(const Config&, In<float> /*uniforms*/, float* /*memory*/,
                               Out<float> /*action*/) {}
};

/// The word: independent normal numbers (Fujimoto et al. 2018).
struct GaussianNoise {
  using word = word::Exploration;
  struct Config {
    float deviation = .1f;  ///< of the noise, in halves of the Box
    static constexpr void fields(auto& self, auto&& visit) { visit("deviation", self.deviation); }
  };
  template <int N>
  static constexpr int draws = 2 * ((N + 1) / 2);
  template <int N>
  static constexpr int memory = 0;
  template <int N>
  POLIS_HD static void perturb(const Config& config, In<float> uniforms, float* /*memory*/,
                               Out<float> action) {
    internal::add_noise<N>(uniforms, action, [&](int, float z) { return config.deviation * z; });
  }
};

/// The word: noise that pushes the same way for a while, an Ornstein-Uhlenbeck process (Uhlenbeck and
/// Ornstein 1930; Lillicrap et al. 2016): x' = x - theta x + deviation z, one step of time 1, from 0 when an
/// episode begins. Its correlation falls by (1 - theta) a step, its deviation tends to deviation / sqrt(2
/// theta - theta^2).
struct OrnsteinUhlenbeck {
  using word = word::Exploration;
  struct Config {
    float theta = .15f;     ///< share by which it falls back each step
    float deviation = .2f;  ///< of what is added each step, in halves of the Box
    static constexpr void fields(auto& self, auto&& visit) {
      visit("theta", self.theta);
      visit("deviation", self.deviation);
    }
  };
  template <int N>
  static constexpr int draws = 2 * ((N + 1) / 2);
  template <int N>
  static constexpr int memory = N;
  template <int N>
  POLIS_HD static void perturb(const Config& config, In<float> uniforms, float* memory, Out<float> action) {
    internal::add_noise<N>(uniforms, action, [&](int i, float z) {
      memory[i] += config.deviation * z - config.theta * memory[i];
      return memory[i];
    });
  }
};

}  // namespace polis
