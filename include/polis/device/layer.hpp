// One dense layer by a block of threads, over a tile of rows in shared memory.
//
// Everything is feature-major with a row pitch of 68 floats (64 rows and a pad that spreads the banks).
#pragma once

#include <cstddef>

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>

namespace polis::internal {

inline constexpr int tile_pitch = tile_rows + 4;

constexpr int padded_to(int multiple, int n) { return (n + multiple - 1) / multiple * multiple; }
constexpr int padded_to_four(int n) { return padded_to(4, n); }

struct alignas(16) Four {
  float at[4];
};
POLIS_HD inline Four load_four(const float* from) { return *reinterpret_cast<const Four*>(from); }
POLIS_HD inline void store_four(float* to, const Four& four) { *reinterpret_cast<Four*>(to) = four; }

/// Products with one packed matrix, w[out][in] with biases [out] behind it; In and Out are multiples of four.
/// Each index of a phase is a square of four outputs (or inputs), apart from each other by a quarter of all,
/// and four rows next to each other. Layers of other kinds (device/bfloat16.hpp) may need `staging` memory.
template <int In, int Out>
struct BlockLayer {
  static_assert(In % 4 == 0 && Out % 4 == 0);
  static constexpr int staging_size = 0;
  static constexpr int row_groups = tile_rows / 4, in_groups = In / 4, out_groups = Out / 4;

  /// Puts a weight, or with row == Out a bias, in its place.
  POLIS_HD static void place(float* w, int row, int column, float value) { w[row * In + column] = value; }

  /// y[Out] = act(w x + b); `kept` receives what the activation keeps, its output or its input.
  template <class Act, class Block>
  POLIS_HD static void forward(Block& block, const float* w, const float* x, float* y, float* kept,
                               float* /*staging*/) {
    block.each(row_groups * out_groups, [=](int index) {
      const int row = index % row_groups * 4, first = index / row_groups;
      float sum[4][4];
      for (int j = 0; j < 4; ++j) {
        for (int r = 0; r < 4; ++r) sum[j][r] = w[In * Out + first + j * out_groups];
      }
      for (int k = 0; k < In; k += 4) {
        Four weight[4], value[4];
        for (int j = 0; j < 4; ++j) weight[j] = load_four(w + (first + j * out_groups) * In + k);
        for (int q = 0; q < 4; ++q) value[q] = load_four(x + (k + q) * tile_pitch + row);
        for (int j = 0; j < 4; ++j) {
          for (int q = 0; q < 4; ++q) {
            for (int r = 0; r < 4; ++r) sum[j][r] += weight[j].at[q] * value[q].at[r];
          }
        }
      }
      for (int j = 0; j < 4; ++j) {
        Four before, after;
        for (int r = 0; r < 4; ++r) before.at[r] = sum[j][r], after.at[r] = Act{}(sum[j][r]);
        const int at = (first + j * out_groups) * tile_pitch + row;
        store_four(y + at, after);
        if constexpr (Act::keeps_input) store_four(kept + at, before);
      }
    });
  }

  /// Adds to the packed gradient: dw += dy x^T and db += sum of dy over rows.
  template <class Block>
  POLIS_HD static void weight_gradient(Block& block, float* dw, const float* x, const float* dy,
                                       float* /*staging*/) {
    block.each(in_groups * out_groups, [=](int index) {
      const int in = index % in_groups, out = index / in_groups;
      float sum[4][4] = {}, bias[4] = {};
      for (int row = 0; row < tile_rows; row += 4) {
        Four d[4], value[4];
        for (int j = 0; j < 4; ++j) d[j] = load_four(dy + (out + j * out_groups) * tile_pitch + row);
        for (int q = 0; q < 4; ++q) value[q] = load_four(x + (in + q * in_groups) * tile_pitch + row);
        for (int j = 0; j < 4; ++j) {
          for (int r = 0; r < 4; ++r) {
            for (int q = 0; q < 4; ++q) sum[j][q] += d[j].at[r] * value[q].at[r];
            bias[j] += d[j].at[r];
          }
        }
      }
      for (int j = 0; j < 4; ++j) {
        const int o = out + j * out_groups;
        for (int q = 0; q < 4; ++q) dw[o * In + in + q * in_groups] += sum[j][q];
        if (in == 0) dw[In * Out + o] += bias[j];
      }
    });
  }

  /// dx[In] = w^T dy, taken before the activation that made x: times its derivative by what `kept` holds.
  /// dx may be the same memory as kept.
  template <class Below, class Block>
  POLIS_HD static void input_gradient(Block& block, const float* w, const float* dy, float* dx,
                                      const float* kept, float* /*staging*/) {
    block.each(row_groups * in_groups, [=](int index) {
      const int row = index % row_groups * 4, in = index / row_groups * 4;
      float sum[4][4] = {};
      for (int o = 0; o < Out; ++o) {
        const Four weight = load_four(w + o * In + in), d = load_four(dy + o * tile_pitch + row);
        for (int q = 0; q < 4; ++q) {
          for (int r = 0; r < 4; ++r) sum[q][r] += weight.at[q] * d.at[r];
        }
      }
      for (int q = 0; q < 4; ++q) {
        const int at = (in + q) * tile_pitch + row;
        const Four by = load_four(kept + at);
        Four result;
        for (int r = 0; r < 4; ++r) result.at[r] = sum[q][r] * Below::derivative(by.at[r]);
        store_four(dx + at, result);
      }
    });
  }
};

}  // namespace polis::internal
