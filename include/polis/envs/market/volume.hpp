// Volume as an observation and as a measure of how much a bar can take: relative to the bars before it.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/envs/market/processes.hpp>

namespace polis {

/// The volume of a bar over the mean of the 20 bars before it, or of as many as there were, between 1/20 and
/// 20; 1 on the first bar, and where nothing is traded at all.
class RelativeVolume {
 public:
  POLIS_HD void update(float volume) {
    constexpr float most = 20;
    float sum = 0;
    for (int i = 0; i < seen_; ++i) sum += last_[i];
    const float mean = seen_ > 0 ? sum / static_cast<float>(seen_) : volume;
    ratio_ = mean > 0 ? math::clamp(volume / mean, 1.f / most, most) : volume > 0 ? most : 1.f;
    last_[at_] = volume;
    at_ = (at_ + 1) % window;
    seen_ = seen_ < window ? seen_ + 1 : window;
  }
  POLIS_HD float value() const { return ratio_; }

 private:
  static constexpr int window = 20;

  Array<float, window> last_{};
  int at_ = 0, seen_ = 0;
  float ratio_ = 1;
};

/// The volumes of up to `Assets` synthetic assets, each by a market::VolumeProcess.
template <int Assets>
class SyntheticVolume {
 public:
  /// Draws the bars that are looked back on, by themselves: no return goes with them.
  POLIS_HD void start(const Array<int, Assets>& symbols, Random& random) {
    for (int bar = 0; bar < 40; ++bar) {
      for (int a = 0; a < Assets; ++a) {
        if (symbols[a] >= 0) advance(a, random.normal(), random);
      }
    }
  }
  /// One more bar of one asset, with the return `z` in its deviations.
  POLIS_HD void advance(int asset, float z, Random& random) {
    log_[asset] = process_.advance(log_[asset], z, random);
    relative_[asset].update(math::exp(log_[asset]));
  }
  POLIS_HD float relative(int asset) const { return relative_[asset].value(); }
  /// The logarithm of that, scaled to mean 0 and deviation 1.
  POLIS_HD float signal(int asset) const { return (math::log(relative(asset)) + .054f) / .381f; }

 private:
  market::VolumeProcess process_{};
  Array<float, Assets> log_{};
  Array<RelativeVolume, Assets> relative_{};
};

}  // namespace polis
