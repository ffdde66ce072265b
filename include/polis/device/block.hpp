// What a kernel is, and the block of threads that runs it.
//
// A kernel is an aggregate of plain values (pointers, sizes, settings) with one function:
//
//     struct Scale {
//       static constexpr int threads = 256;   // of a block
//       static constexpr int shared = 0;      // floats of memory that the threads of a block share
//       float* values; float factor; int count;
//       template <class Block>
//       POLIS_HD void operator()(Block& block, float* shared) const {
//         block.each_of_grid(count, [&](int i) { values[i] *= factor; });
//       }
//     };
//
// It is written as a sequence of *phases*, `block.each(count, f)`, each of which ends with a barrier: f(i)
// for every i, in any order and at once, none reading what another one of the same phase writes. What lives
// from one phase to the next lies in shared or global memory, or is the same number for all threads. On a GPU
// the threads of the block share out the indices; SerialBlock goes through them one after the other, so that
// the same source runs on the CPU, bit by bit as on any other block of it, and forwards as well as backwards:
// a phase that reads what it writes gives itself away by two different results.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/env/lane_team.hpp>

namespace polis {

/// In which order a SerialBlock goes through the indices of a phase.
enum class PhaseOrder { forwards, backwards };

/// A block of threads on the CPU: one thread that does the work of all.
class SerialBlock {
 public:
  POLIS_HD SerialBlock(int index, int blocks, PhaseOrder order = PhaseOrder::forwards)
      : index_(index), blocks_(blocks), order_(order) {}

  /// The number of this block, and how many there are.
  [[nodiscard]] POLIS_HD int index() const { return index_; }
  [[nodiscard]] POLIS_HD int blocks() const { return blocks_; }

  /// A phase: f(i) for 0 <= i < count.
  template <class F>
  POLIS_HD void each(int count, F&& f) const {
    if (order_ == PhaseOrder::forwards) {
      for (int i = 0; i < count; ++i) f(i);
    } else {
      for (int i = count - 1; i >= 0; --i) f(i);
    }
  }
  /// A phase over indices that the blocks of the grid share out.
  template <class F>
  POLIS_HD void each_of_grid(int count, F&& f) const {
    const int from = static_cast<int>(static_cast<long long>(count) * index_ / blocks_);
    const int to = static_cast<int>(static_cast<long long>(count) * (index_ + 1) / blocks_);
    each(to - from, [&](int i) { f(from + i); });
  }
  /// A phase of one thread.
  template <class F>
  POLIS_HD void once(F&& f) const {
    f();
  }
  /// A phase of teams of threads: f(i, team), called by all threads of one team together.
  template <class F>
  POLIS_HD void teams(int count, F&& f) const {
    each(count, [&](int i) { f(i, internal::LaneTeam()); });
  }
  /// Adds to a number that other threads add to at the same time; returns what it was before.
  POLIS_HD int add(int* to, int number) const {
    const int before = *to;
    *to += number;
    return before;
  }

 private:
  int index_, blocks_;
  PhaseOrder order_;
};

#if defined(__CUDACC__)

/// A block of threads of a CUDA grid.
class CudaBlock {
 public:
  [[nodiscard]] __device__ int index() const { return static_cast<int>(blockIdx.x); }
  [[nodiscard]] __device__ int blocks() const { return static_cast<int>(gridDim.x); }

  template <class F>
  __device__ void each(int count, F&& f) const {
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) f(i);
    __syncthreads();
  }
  template <class F>
  __device__ void each_of_grid(int count, F&& f) const {
    const int threads = static_cast<int>(blockDim.x);
    for (int i = index() * threads + static_cast<int>(threadIdx.x); i < count; i += blocks() * threads) f(i);
    __syncthreads();
  }
  template <class F>
  __device__ void once(F&& f) const {
    if (threadIdx.x == 0) f();
    __syncthreads();
  }
  template <class F>
  __device__ void teams(int count, F&& f) const {
    each_warp(count, [&](int i) { f(i, internal::LaneTeam(static_cast<int>(threadIdx.x) % 32, 32)); });
  }
  /// A phase of warps: all threads of one call f(i) together.
  template <class F>
  __device__ void each_warp(int count, F&& f) const {
    for (int i = static_cast<int>(threadIdx.x) / 32; i < count; i += static_cast<int>(blockDim.x) / 32) f(i);
    __syncthreads();
  }
  __device__ int add(int* to, int number) const { return atomicAdd(to, number); }
};

#endif

}  // namespace polis
