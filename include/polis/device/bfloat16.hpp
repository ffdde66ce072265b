// One dense layer by a block of threads whose products are of bfloat16, as Bfloat16Dense's are on the CPU
// (nn/bfloat16.hpp): both operands of each product are rounded, sums are in float32. On a GPU tensor cores
// multiply, squares of sixteen by sixteen by a warp each.
//
// A layer's packed weights lie rounded in the first half of the place that float32's would take; the gradient
// that has the same layout is float32. Tiles are rounded into `staging` memory on their way into a product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <polis/core/bfloat16.hpp>
#include <polis/core/platform.hpp>
#include <polis/device/block.hpp>
#include <polis/device/layer.hpp>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <mma.h>
#endif

namespace polis::internal {

/// A matrix of bfloat16 in memory that was allocated for floats.
class Bfloat16Matrix {
 public:
  POLIS_HD Bfloat16Matrix(const float* memory, int pitch) : memory_(memory), pitch_(pitch) {}

  POLIS_HD static void store(float* memory, std::ptrdiff_t i, float value) {
    const float rounded = round_to_bfloat16(value);
    std::uint32_t bits = 0;
    memcpy(&bits, &rounded, sizeof bits);
    const auto upper = static_cast<std::uint16_t>(bits >> 16);
    memcpy(reinterpret_cast<char*>(memory) + 2 * i, &upper, sizeof upper);
  }
  [[nodiscard]] POLIS_HD float operator()(int row, int column) const {
    std::uint16_t upper = 0;
    memcpy(&upper, reinterpret_cast<const char*>(memory_) + 2 * (std::ptrdiff_t{row} * pitch_ + column),
           sizeof upper);
    const std::uint32_t bits = std::uint32_t{upper} << 16;
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
#if defined(__CUDACC__)
  [[nodiscard]] __device__ const __nv_bfloat16* at(int row, int column) const {
    return reinterpret_cast<const __nv_bfloat16*>(memory_) + row * pitch_ + column;
  }
#endif
  [[nodiscard]] POLIS_HD int pitch() const { return pitch_; }

 private:
  const float* memory_;
  int pitch_;
};

/// c[M][N] = left right, or c += left right; left is given as [K][M] if `left_turned`, right as [N][K] if
/// `right_turned`. M, N and K are multiples of sixteen, and so are pitches but for c's, of four; all begin at
/// multiples of 32 bytes.
template <int M, int N, int K, bool left_turned, bool right_turned>
struct Bfloat16Product {
  static_assert(M % 16 == 0 && N % 16 == 0 && K % 16 == 0);
  static constexpr int squares = M / 16 * (N / 16);

  /// c(m, n) becomes finish(sum, what it was); a phase of the block.
  template <class Block, class Finish>
  POLIS_HD static void multiply(Block& block, const Bfloat16Matrix& left, const Bfloat16Matrix& right,
                                float* c, int pitch, const Finish& finish) {
    block.each(M * N, [=](int i) {
      const int m = i / N, n = i % N;
      float sum = 0;
      for (int k = 0; k < K; ++k)
        sum += (left_turned ? left(k, m) : left(m, k)) * (right_turned ? right(n, k) : right(k, n));
      float& to = c[m * pitch + n];
      to = finish(sum, to);
    });
  }
#if defined(__CUDACC__)
  template <class Finish>
  __device__ static void multiply(CudaBlock& block, const Bfloat16Matrix& left, const Bfloat16Matrix& right,
                                  float* c, int pitch, const Finish& finish) {
    namespace wmma = nvcuda::wmma;
    using LeftOrder = std::conditional_t<left_turned, wmma::col_major, wmma::row_major>;
    using RightOrder = std::conditional_t<right_turned, wmma::col_major, wmma::row_major>;
    block.each_warp(squares, [&](int square) {
      const int m = square / (N / 16) * 16, n = square % (N / 16) * 16;
      wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum, before;
      wmma::fill_fragment(sum, 0.f);
      for (int k = 0; k < K; k += 16) {
        wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, LeftOrder> a;
        wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, RightOrder> b;
        wmma::load_matrix_sync(a, left_turned ? left.at(k, m) : left.at(m, k), left.pitch());
        wmma::load_matrix_sync(b, right_turned ? right.at(n, k) : right.at(k, n), right.pitch());
        wmma::mma_sync(sum, a, b, sum);
      }
      float* const to = c + m * pitch + n;
      wmma::load_matrix_sync(before, to, pitch, wmma::mem_row_major);
      for (int i = 0; i < sum.num_elements; ++i) sum.x[i] = finish(sum.x[i], before.x[i]);
      wmma::store_matrix_sync(to, sum, pitch, wmma::mem_row_major);
    });
  }
#endif
};

/// As BlockLayer; In and Out are multiples of sixteen.
template <int In, int Out>
struct BlockBfloat16Layer {
  static constexpr int pitch = tile_rows + 8;  // of a rounded tile
  static constexpr int staging_size = (In + Out) * pitch / 2;

  POLIS_HD static void place(float* w, int row, int column, float value) {
    if (row == Out) {
      w[Out * In + column] = value;
    } else {
      Bfloat16Matrix::store(w, row * In + column, value);
    }
  }

  template <class Act, class Block>
  POLIS_HD static void forward(Block& block, const float* w, const float* x, float* y, float* kept,
                               float* staging) {
    round_tile<In>(block, x, staging);
    Bfloat16Product<Out, tile_rows, In, false, false>::multiply(
        block, {w, In}, {staging, pitch}, y, tile_pitch, [](float sum, float) { return sum; });
    block.each(Out * tile_rows, [=](int i) {
      const int out = i / tile_rows, at = out * tile_pitch + i % tile_rows;
      const float before = y[at] + w[In * Out + out];
      y[at] = Act{}(before);
      if constexpr (Act::keeps_input) kept[at] = before;
    });
  }

  template <class Block>
  POLIS_HD static void weight_gradient(Block& block, float* dw, const float* x, const float* dy,
                                       float* staging) {
    float* const rounded = staging + In * pitch / 2;
    round_tile<In>(block, x, staging);
    round_tile<Out>(block, dy, rounded);
    Bfloat16Product<Out, In, tile_rows, false, true>::multiply(
        block, {rounded, pitch}, {staging, pitch}, dw, In,
        [](float sum, float before) { return before + sum; });
    block.each(Out, [=](int out) {
      float sum = 0;
      for (int row = 0; row < tile_rows; ++row) sum += dy[out * tile_pitch + row];
      dw[In * Out + out] += sum;
    });
  }

  template <class Below, class Block>
  POLIS_HD static void input_gradient(Block& block, const float* w, const float* dy, float* dx,
                                      const float* kept, float* staging) {
    round_tile<Out>(block, dy, staging);
    block.each(In * tile_rows, [=](int i) {
      const int at = i / tile_rows * tile_pitch + i % tile_rows;
      dx[at] = Below::derivative(kept[at]);
    });
    Bfloat16Product<In, tile_rows, Out, true, false>::multiply(
        block, {w, In}, {staging, pitch}, dx, tile_pitch,
        [](float sum, float derivative) { return sum * derivative; });
  }

 private:
  template <int features, class Block>
  POLIS_HD static void round_tile(Block& block, const float* tile, float* to) {
    block.each(features * tile_rows, [=](int i) {
      const int feature = i / tile_rows, row = i % tile_rows;
      Bfloat16Matrix::store(to, feature * pitch + row, tile[feature * tile_pitch + row]);
    });
  }
};

}  // namespace polis::internal
