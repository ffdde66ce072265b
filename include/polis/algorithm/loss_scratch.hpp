// Memory for the losses of one minibatch: tiles of samples on each thread, sums in each shard.
#pragma once

#include <cstddef>

#include <polis/core/aligned.hpp>
#include <polis/core/tile.hpp>

namespace polis::internal {

/// Sums over the samples of one shard.
struct LossSums {
  double policy = 0, value = 0, entropy = 0, kl = 0, clipped = 0;
};

/// Tiles that a shard gathers its samples into, [step][64] each, and what evaluating them gives.
struct LossScratch {
  float *old_log_probs, *advantages, *returns, *old_values, *decided, *starts;
  float *log_prob, *entropy, *value, *d_log_prob, *d_entropy, *d_value;
  FloatArena memory;

  [[gnu::cold]] explicit LossScratch(int steps = 1) {
    const std::size_t n = static_cast<std::size_t>(steps) * tile_rows;
    memory = FloatArena({{&old_log_probs, n},
                         {&advantages, n},
                         {&returns, n},
                         {&old_values, n},
                         {&decided, n},
                         {&starts, n},
                         {&log_prob, n},
                         {&entropy, n},
                         {&value, n},
                         {&d_log_prob, n},
                         {&d_entropy, n},
                         {&d_value, n}});
  }
};

}  // namespace polis::internal
