// Target networks: weights that follow the learnt ones slowly, by which the values that follow are estimated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include <polis/core/flat.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// A copy of the weights every so many updates (Mnih et al. 2015).
struct HardTarget {
  using word = word::Target;
  struct Config {
    int every = 200;  ///< updates (optimizer steps) between two copies
    static constexpr void fields(auto& self, auto&& visit) { visit("every", self.every); }
  };
  /// Follows after the `updates`-th update.
  template <class Arch>
  static void follow(const Config& config, std::uint64_t updates, std::span<const float> weights,
                     std::span<float> target) {
    if (updates % static_cast<std::uint64_t>(config.every) != 0) return;
    std::copy(weights.begin(), weights.end(), target.begin());
  }
  /// What one weight's target becomes then.
  POLIS_HD static float followed(const Config& config, std::uint64_t updates, float weight, float target) {
    return updates % static_cast<std::uint64_t>(config.every) == 0 ? weight : target;
  }
};

/// A step towards the weights at every update (Lillicrap et al. 2016), an average in the sense of Polyak.
struct SoftTarget {
  using word = word::Target;
  struct Config {
    float rate = .005f;  ///< share of the way
    static constexpr void fields(auto& self, auto&& visit) { visit("rate", self.rate); }
  };
  template <class Arch>
  static void follow(const Config& config, std::uint64_t /*updates*/, std::span<const float> weights,
                     std::span<float> target) {
    using Register = Batch<Arch>;
    const Register rate(config.rate);
    map_registers<Arch>(
        target.size(), [&](Register& t, const Register& w) { t = multiply_add<Arch>(rate, w - t, t); },
        target.data(), weights.data());
  }
  POLIS_HD static float followed(const Config& config, std::uint64_t /*updates*/, float weight,
                                 float target) {
    return math::fma(config.rate, weight - target, target);
  }
};

}  // namespace polis
