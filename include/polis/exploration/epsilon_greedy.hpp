// Epsilon-greedy exploration (Sutton and Barto 2018, section 2.2; annealed as in Mnih et al. 2015).
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// The legal action of the greatest value, the first of equal ones; -1 where none is legal. `mask` may be
/// null: all are legal.
POLIS_HD inline int greedy_action(In<float> values, const float* mask, int count) {
  int best = -1;
  for (int i = 0; i < count; ++i) {
    if (mask && mask[i] == 0.f) continue;
    if (best < 0 || values[i] > values[best]) best = i;
  }
  return best;
}

/// A legal action, each equally likely, by one uniform number; -1 where none is legal.
POLIS_HD inline int uniform_action(const float* mask, int count, float uniform) {
  int legal = 0;
  for (int i = 0; i < count; ++i) legal += !mask || mask[i] != 0.f;
  int skip = static_cast<int>(uniform * static_cast<float>(legal));
  if (skip >= legal) skip = legal - 1;  // by rounding alone
  for (int i = 0; i < count; ++i) {
    if (mask && mask[i] == 0.f) continue;
    if (skip-- == 0) return i;
  }
  return -1;
}

/// The word: with probability epsilon a legal action drawn uniformly, otherwise the greedy one. Epsilon falls
/// on a line from `start` to `end` over the first `share` of training, then stays.
struct EpsilonGreedy {
  using word = word::Exploration;
  static constexpr int draws = 2;  ///< uniform numbers for one choice

  struct Config {
    float start = 1.f;
    float end = .05f;
    float share = .5f;  ///< part of the planned training over which it falls; 0: it is `end` at once
    static constexpr void fields(auto& self, auto&& visit) {
      visit("start", self.start);
      visit("end", self.end);
      visit("share", self.share);
    }
  };

  /// Epsilon when this share of training is done (0..1).
  POLIS_HD static float amount(const Config& config, double progress) {
    const auto part = static_cast<float>(progress);
    return part < config.share ? config.start + (config.end - config.start) * part / config.share
                               : config.end;
  }
  /// The action for values [count] and flags [count] (null: all are legal), at least one of them set.
  POLIS_HD static int choose(float epsilon, In<float> values, const float* mask, int count,
                             In<float> uniforms) {
    if (uniforms[0] >= epsilon) return greedy_action(values, mask, count);
    return uniform_action(mask, count, uniforms[1]);
  }
};

}  // namespace polis
