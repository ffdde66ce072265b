// What the kernels of every learner from a replay work on: lanes, the replay, and the sample of an update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <polis/buffer/replay.hpp>
#include <polis/device/lanes.hpp>

namespace polis::internal {

/// What kernels report to the host at the end of an iteration.
struct ReplayStatus {
  int episodes = 0;         ///< that ended in the collection
  int refusals = 0;         ///< times that no action was legal
  int lane = 0, agent = 0;  ///< where, for the first of them
  int updates = 0;
};

/// What the host tells the kernels of one iteration.
template <class Sampler>
struct ReplayProgress {
  std::uint64_t batch_step;  ///< at which the collection begins
  std::uint64_t update;      ///< updates so far
  int owed;                  ///< updates to make
  Sampler tasks;
};

/// The base of what such kernels are passed by value. `Device` says which agents a unit has.
template <class Device>
struct ReplayData : DeviceLanes<typename Device::E> {
  ReplayViews replay;   // units: those of a lane side by side
  std::uint64_t* ends;  // [unit]: transitions kept of it and of those before it
  float* masks;         // [row][flags]: legal now; a row is an agent of a lane
  float* packed;        // [blocks][...], weights that do not fit into shared memory
  int* ids;             // [batch]: places of the sample

  int batch;
  float discount;

  [[nodiscard]] POLIS_HD int rows() const { return this->lane_count * Device::agents; }
  [[nodiscard]] POLIS_HD int units() const { return rows() / Device::width; }
  /// Whether the agent of a row decides at the next step.
  [[nodiscard]] POLIS_HD bool decides(int row) const {
    return this->agent_decides(row / Device::agents, row % Device::agents);
  }
  /// The uniform numbers by which a row chooses at a step of the batch.
  template <int count>
  [[nodiscard]] POLIS_HD Array<float, count> exploring(std::uint64_t step, int row) const {
    return this->template uniforms<count>(step, row / Device::agents, row % Device::agents,
                                          Purpose::exploration);
  }
  /// The agent that is the j-th of the unit whose transition is at a place.
  [[nodiscard]] POLIS_HD int agent_of(int id, int j) const {
    return (replay.unit_of(id) * Device::width + j) % Device::agents;
  }
};

/// The rows of the sample that a block has, `each` to a block.
POLIS_HD inline int sampled_rows(int batch, int block, int each) {
  const int left = batch - block * each;
  return left < each ? left : each;
}

/// to[k] += the sum over rows of the k-th of `count` figures, [count][64].
template <class Block>
POLIS_HD void report_rows(Block& block, const float* figures, int count, double* to) {
  block.each(count, [=](int k) {
    double sum = 0;
    for (int i = 0; i < tile_rows; ++i) sum += static_cast<double>(figures[k * tile_rows + i]);
    to[k] += sum;
  });
}

}  // namespace polis::internal
