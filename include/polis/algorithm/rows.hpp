// Rows of agents on their way into tiles: scratch memory, and network inputs from what was stored.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>
#include <polis/space/space.hpp>

namespace polis::internal {

/// Scratch memory of one thread: one tile of everything.
template <class Policy>
struct ActorScratch {
  typename Policy::Workspace policy;
  float *features, *critic_features, *masks, *actions;  // [steps of a segment][...][64]
  float *uniforms, *log_probs, *values, *carry;         // [...][64]
  float* staging;                                       // [row][...]
  FloatArena memory;
  std::vector<int> rows, cut;
};

/// Network inputs of the elements of a space at base[ids[i] * stride] (ids null: consecutive ones), expanded
/// one by one.
template <class S>
void gather_expanded(const float* base, int stride, const int* ids, int rows, float* tile) {
  for (int i = 0; i < tile_rows; ++i) {
    const int id = ids ? ids[std::min(i, rows - 1)] : std::min(i, rows - 1);
    expand<S>(In<float>{base + static_cast<std::ptrdiff_t>(id) * stride}, Out<float>{tile + i, tile_rows});
  }
}

/// The same in whichever way the space allows: as they are stored, or expanded.
template <class Arch, class S>
void gather_elements(const float* base, int stride, const int* ids, int rows, float* tile) {
  if constexpr (stored_as_features<S>) {
    gather_tile<Arch>(base, static_cast<std::size_t>(stride), ids, rows, S::words, tile);
  } else {
    gather_expanded<S>(base, stride, ids, rows, tile);
  }
}

}  // namespace polis::internal
