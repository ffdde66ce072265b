// Kernels that the benchmark "cuda" measures alone.
#pragma once

#include <cstddef>

#include <polis/device/play.hpp>
#include <polis/returns/gae.hpp>

namespace polis {

/// Estimates of rows whose arrays lie on the device.
struct GaeKernel {
  static constexpr int threads = 128, shared = 0;
  Trajectory first;
  Gae::Config config;
  int rows;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.each_of_grid(rows, [&](int row) { Gae::estimate<float>(config, first.from(row)); });
  }
};

/// to = from: what memory can do.
struct CopyKernel {
  static constexpr int threads = 256, shared = 0;
  const float* from;
  float* to;
  int count;  // of fours

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.each_of_grid(count, [&](int i) {
      internal::store_four(to + 4 * static_cast<std::ptrdiff_t>(i),
                           internal::load_four(from + 4 * static_cast<std::ptrdiff_t>(i)));
    });
  }
};

}  // namespace polis
