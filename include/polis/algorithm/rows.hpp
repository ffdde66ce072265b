// Rows of agents on their way into tiles: scratch memory, and network inputs from what was stored.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/array.hpp>
#include <polis/core/random_lanes.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>
#include <polis/distribution/interval.hpp>
#include <polis/space/space.hpp>

namespace polis::internal {

/// Scratch memory of one thread: one tile of everything.
template <class Policy>
struct alignas(cache_line) ActorScratch {
  typename Policy::Workspace policy;
  float *features, *critic_features, *masks, *actions;  // [steps of a segment][...][64]
  float *log_probs, *values, *carry;                    // [...][64]
  float* staging;                                       // [row][...]
  std::uint64_t turned = 0;  // the generation of weights that `policy` has turned; 0: none
  UniformTiles<Policy::noise> uniforms;
  FloatArena memory;
  std::vector<int> rows, cut;
};

/// f(rows, count) for up to 64 rows at a time.
template <class F>
void for_tiles(const std::vector<int>& rows, F&& f) {
  for (std::size_t first = 0; first < rows.size(); first += tile_rows) {
    f(rows.data() + first, static_cast<int>(std::min<std::size_t>(tile_rows, rows.size() - first)));
  }
}

/// Up to 64 rows that decide: row rows[i], agent who[i] of a lane, sees observations[places[i] * words].
struct DecidingRows {
  const float* observations;
  const int *places, *rows;
  const float* masks;  // [row][flags]; null where there are none
  float* carries;      // [row][carry], to be replaced; null without a memory
  int count;
  Array<int, tile_rows> who;
  Array<std::uint32_t, tile_rows> lanes, streams;  // of their random numbers
};

/// Floats that one row carries from one decision to the next.
template <class Tiles>
constexpr int carry_size_of() {
  if constexpr (requires { Tiles::carry_size; }) {
    return Tiles::carry_size;
  } else {
    return 0;
  }
}

/// Puts an agent's action, word k at words[k * 64], in its place of a joint action; the numbers of a Box,
/// kept as shares of half its length, in the environment's own unit.
template <class Action, class Lanes, class Joint>
void set_scaled_action(Joint& joint, int agent, const float* words) {
  if constexpr (Action::kind == SpaceKind::box) {
    Array<float, Action::words> scaled{};
    for (int k = 0; k < Action::words; ++k) {
      const Interval<Action, float> interval(k);
      scaled[k] = interval.middle() + .5f * interval.length() * words[k * tile_rows];
    }
    Lanes::set_action(joint, agent, In<float>{scaled.data()});
  } else {
    Lanes::set_action(joint, agent, In<float>{words, tile_rows});
  }
}

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
