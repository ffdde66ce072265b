// Carries of a batch of time steps: a carry is cleared where an episode starts, and stands still where
// nothing was decided. The same holds for the gradient that flows back through it. All are [size][64].
#pragma once

#include <algorithm>
#include <utility>

#include <polis/core/tile.hpp>
#include <polis/policy/policy.hpp>

namespace polis::internal {

inline void clear_started(const PolicyBatch& batch, int t, int size, float* carry) {
  if (!batch.starts) return;
  const float* starts = batch.starts + t * tile_rows;
  for (int i = 0; i < size; ++i) {
    for (int row = 0; row < tile_rows; ++row) {
      float& at = carry[i * tile_rows + row];
      at = starts[row] != 0.f ? 0.f : at;
    }
  }
}

inline void keep_undecided(const PolicyBatch& batch, int t, int size, const float* before, float* carry) {
  if (!batch.decided) return;
  const float* decided = batch.decided + t * tile_rows;
  for (int i = 0; i < size * tile_rows; ++i) carry[i] = decided[i % tile_rows] != 0.f ? carry[i] : before[i];
}

/// Leaves in d_carry what flows into the cell, and in `beside` what passes by it.
inline void split_carry_gradient(const PolicyBatch& batch, int t, int size, float* beside, float* d_carry) {
  std::fill_n(beside, size * tile_rows, 0.f);
  if (!batch.decided) return;
  const float* decided = batch.decided + t * tile_rows;
  for (int i = 0; i < size * tile_rows; ++i) {
    if (decided[i % tile_rows] == 0.f) std::swap(beside[i], d_carry[i]);
  }
}

}  // namespace polis::internal
