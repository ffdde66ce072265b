// Kernels that the benchmark "cuda" measures alone.
#pragma once

#include <cstddef>

#include <polis/core/math.hpp>
#include <polis/device/lanes.hpp>
#include <polis/device/network.hpp>
#include <polis/device/play.hpp>
#include <polis/nn/bfloat16.hpp>
#include <polis/nn/mlp.hpp>
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

/// Outputs [rows][out] of a network, a block a tile of 64 rows: what collections do for each step.
template <class Network>
struct ForwardKernel {
  using Passes = internal::BlockMlp<Network>;
  static constexpr int threads = 256;
  static constexpr int outputs_at = Passes::input_tile, hidden_at = outputs_at + Passes::output_tile;
  static constexpr int weights_at = hidden_at + Passes::hidden_size;
  static constexpr int shared = weights_at + Passes::packed_size;
  static_assert(shared <= internal::shared_floats);

  const float *weights, *inputs;  // inputs: [rows][in]
  float* outputs;
  int rows;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    constexpr int in = Network::inputs, out = Network::outputs, pitch = internal::tile_pitch;
    Passes::pack(block, weights, memory + weights_at);
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    for (int first = block.index() * tile_rows; first < rows; first += block.blocks() * tile_rows) {
      const auto at = static_cast<std::ptrdiff_t>(first);
      block.each(in * tile_rows, [&](int i) { memory[i % in * pitch + i / in] = inputs[at * in + i]; });
      Passes::forward(block, memory + weights_at, memory, memory + outputs_at, memory + hidden_at);
      block.each(out * tile_rows,
                 [&](int i) { outputs[at * out + i] = memory[outputs_at + i % out * pitch + i / out]; });
    }
  }
};
using ForwardSmall = ForwardKernel<Mlp<64, 64>::network<16, 4, Relu>>;
using ForwardLarge = ForwardKernel<Mlp<128, 128>::network<32, 8, Relu>>;
using ForwardRounded = ForwardKernel<Bfloat16<Mlp<128, 128>>::network<32, 8, Relu>>;

/// Multiply-adds from registers: what the GPU can do in float32.
struct PeakKernel {
  static constexpr int threads = 256, shared = 0, chains = 16;
  float* never;
  int rounds;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.each(threads, [&](int thread) {
      float sums[chains];
      for (int k = 0; k < chains; ++k) sums[k] = static_cast<float>(thread + k);
      for (int i = 0; i < rounds; ++i) {
        for (int k = 0; k < chains; ++k) sums[k] = math::fma(sums[k], .999f, 1e-3f);
      }
      float all = 0;
      for (int k = 0; k < chains; ++k) all += sums[k];
      if (all < 0) *never = all;
    });
  }
};

}  // namespace polis
