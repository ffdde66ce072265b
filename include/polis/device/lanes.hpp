// What the kernels of every learner have in common: the lanes they step, and the weights they learn.
#pragma once

#include <cstddef>
#include <cstdint>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/curriculum/curriculum.hpp>
#include <polis/device/block.hpp>
#include <polis/device/layer.hpp>
#include <polis/env/lane.hpp>
#include <polis/space/space.hpp>

namespace polis::internal {

/// Floats of shared memory that a block of threads may have: 227 KiB, as GPUs of compute capability 9 and 10
/// have them. What does not fit lies in global memory.
inline constexpr int shared_floats = 227 * 1024 / 4;

/// A matrix of the weights that an optimizer steps as such: [rows][columns] from `at` on.
struct DeviceMatrix {
  int at, rows, columns;
  int scratch;  ///< where its own part of the scratch memory begins
};

/// One flat set of weights with what an optimizer has of it.
struct DeviceWeights {
  float *values, *first_moments, *second_moments, *gradient;
  const DeviceMatrix* matrices;
  int matrix_count;
  float* scratch;        // of matrices
  float* partial;        // [blocks][parameters] gradients
  double* squares;       // [blocks of the sum], of the gradient's norm
  std::uint64_t* steps;  // made so far
};

/// The lanes of a batch.
template <class Env>
struct DeviceLanes {
  using E = Env;

  Lane<E>* lanes;         // [lanes]
  Actions<E>* actions;    // [lanes]
  EndedEpisode* ended;    // [lanes * steps], in no order
  int lane_count, steps;  // of this rank, of a collection
  LaneStreams streams;    // of the first lane
  std::uint64_t seed;     // of the learner
  polis::ConfigOf<E> env;
  polis::DatasetOf<E> data;

  [[nodiscard]] POLIS_HD LaneStreams streams_of(int lane) const {
    return {streams.seed, streams.lane + static_cast<std::uint32_t>(lane), streams.group};
  }
  /// Whether an agent decides at the next step.
  [[nodiscard]] POLIS_HD bool agent_decides(int lane, int agent) const {
    return lanes[lane].lives(agent) && acting<0>(lanes[lane].env, agent);
  }
  /// The uniform numbers by which an agent chooses at a step of the batch.
  template <int count>
  [[nodiscard]] POLIS_HD Array<float, count> uniforms(std::uint64_t step, int lane, int agent,
                                                      Purpose purpose) const {
    Array<float, count> numbers{};
    Random random(seed, step, streams_of(lane).lane, static_cast<std::uint32_t>(agent), purpose);
    for (int k = 0; k < count; ++k) numbers[k] = random.uniform();
    return numbers;
  }
};

/// A new episode's task, as the curriculum says now. `Data` is what the kernels of a learner work on.
template <class Data>
struct DeviceTasks {
  using E = typename Data::E;
  const Data* data;

  POLIS_HD Assignment<E> operator()(Random& random) const {
    return assignment<E>(data->progress->tasks(random), data->streams.seed, data->env, data->data, random);
  }
};

/// One step of `lanes` lanes of a block, from the number `first` on.
template <class Data, class Block>
POLIS_HD void advance_lanes(Block& block, const Data& d, int first, int lanes) {
  const auto advance = [&](int lane, const auto&... team) {
    d.lanes[lane].advance(d.actions[lane], d.streams_of(lane), d.env, d.data, team...);
  };
  if constexpr (shares_loops<typename Data::E>) {
    block.teams(lanes, [&](int i, const LaneTeam& team) { advance(first + i, team); });
  } else {
    block.each(lanes, [&](int i) { advance(first + i); });
  }
}

/// Takes note of a lane's episode if it is over, and begins the next one.
template <class Data, class Block>
POLIS_HD void renew_lane(Block& block, const Data& d, int at, int step) {
  Lane<typename Data::E>& lane = d.lanes[at];
  if (!lane.over()) return;
  EndedEpisode& ended = d.ended[block.add(&d.status->episodes, 1)];
  static_cast<Episode&>(ended) = lane.episode;
  ended.step = static_cast<std::uint32_t>(step), ended.lane = d.streams_of(at).lane;
  lane.begin(DeviceTasks<Data>{&d}, d.streams_of(at), d.env, d.data);
}

/// Network inputs of one row in a tile [inputs][68]: what it sees, and which agent it is.
template <class Space, int ids>
POLIS_HD void place_features(const float* words, int agent, float* tile) {
  expand<Space>(In<float>{words}, Out<float>{tile, tile_pitch});
  for (int i = 0; i < ids; ++i) tile[(Space::features + i) * tile_pitch] = i == agent ? 1.f : 0.f;
}
/// Zeros for a row.
POLIS_HD inline void clear_row(float* tile, int features) {
  for (int i = 0; i < features; ++i) tile[i * tile_pitch] = 0;
}

/// values[0] becomes the sum of `count` values, a power of two, in a fixed tree; `T` needs operator+=.
template <class T, class Block>
POLIS_HD void sum_in_block(Block& block, T* values, int count) {
  for (int half = count / 2; half > 0; half /= 2) {
    block.each(half, [=](int i) { values[i] += values[i + half]; });
  }
}

/// Each of `count` numbers becomes the sum of those before it and `before`; returns the sum of all.
template <class T>
POLIS_HD T sum_before(T* values, int count, T before) {
  for (int i = 0; i < count; ++i) {
    const T here = values[i];
    values[i] = before;
    before += here;
  }
  return before;
}

}  // namespace polis::internal
