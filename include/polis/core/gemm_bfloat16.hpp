// The three products of a dense layer (core/gemm.hpp) with both operands rounded to bfloat16 and sums in
// float32. Tiles, weights, biases and gradients are float32 as they are there; rounding happens on the way
// into scratch: of a tile once, of the weights by bands that stay in the first cache.
//
// A product's sums run over the reduction in order, whatever the number of rows. In padding rows x must be
// finite as there; weight gradients read valid rows alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <polis/core/bfloat16.hpp>
#include <polis/core/gemm.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/transpose.hpp>

namespace polis {

/// Floats of scratch that bfloat16_forward, bfloat16_input_gradient and bfloat16_weight_gradient need,
/// 64-byte aligned, the last beside weight_gradient_scratch(in).
template <class Format>
constexpr int bfloat16_forward_scratch(int in) {
  return Format::groups(in) * tile_rows + internal::band * Format::row_size(in);
}
template <class Format>
constexpr int bfloat16_input_gradient_scratch(int out) {
  return Format::groups(out) * (tile_rows + internal::band);
}
template <class Format>
inline constexpr int bfloat16_weight_gradient_scratch =
    internal::band * (Format::row_size(tile_rows) + 16) + 2 * 16 * tile_rows;

/// y[out][64] = Activation(W[out][in] x[in][64] + bias), where W and x are rounded. An activation that keeps
/// its input writes it to `kept` [out][64].
template <class Arch, class Activation = Identity, class Format = internal::RoundedOperands<Arch>>
void bfloat16_forward(const float* weight, const float* bias, const float* x, float* y, int in, int out,
                      int rows, float* kept, float* scratch) {
  using internal::band;
  const int registers = internal::registers_of<Arch>(rows);
  float* const linear = Activation::keeps_input ? kept : y;
  float* const packed_x = scratch;
  float* const packed_weight = packed_x + Format::groups(in) * tile_rows;
  Format::template pack_across<Arch>(x, tile_rows, in, registers * batch_width<Batch<Arch>>, packed_x,
                                     tile_rows);
  for (int first = 0; first < out; first += band) {
    const int count = std::min(band, out - first);
    float* const to = linear + first * tile_rows;
    Format::template pack_along<Arch>(weight + static_cast<std::ptrdiff_t>(first) * in, in, count, in,
                                      packed_weight, Format::row_size(in));
    internal::MatrixProduct product{.a = packed_weight,
                                    .a_row = Format::row_size(in),
                                    .a_step = 1,
                                    .b = packed_x,
                                    .b_row = tile_rows,
                                    .c = to,
                                    .c_row = tile_rows,
                                    .length = Format::groups(in),
                                    .start = internal::Start::bias,
                                    .bias = bias + first};
    product.rectified = internal::rectifies<Activation>;
    internal::multiply<Arch, typename Format::Elements>(product, 0, count, registers);
    if constexpr (!std::is_same_v<Activation, Identity> && !internal::rectifies<Activation>) {
      internal::activate<Arch, Activation>(to, y + first * tile_rows, count, registers);
    }
  }
}

/// dx[in][64] = W' dy[out][64], where W and dy are rounded; then times Activation's derivative at `kept`
/// [in][64], where Activation is that of the layer below, whose output is this layer's x.
template <class Arch, class Activation = Identity, class Format = internal::RoundedOperands<Arch>>
void bfloat16_input_gradient(const float* weight, const float* dy, float* dx, int in, int out, int rows,
                             const float* kept, float* scratch) {
  using internal::band;
  const int registers = internal::registers_of<Arch>(rows);
  float* const packed_dy = scratch;
  float* const packed_weight = packed_dy + Format::groups(out) * tile_rows;
  Format::template pack_across<Arch>(dy, tile_rows, out, registers * batch_width<Batch<Arch>>, packed_dy,
                                     tile_rows);
  for (int first = 0; first < in; first += band) {
    const int count = std::min(band, in - first);
    float* const to = dx + first * tile_rows;
    Format::template pack_across<Arch>(weight + first, in, out, count, packed_weight, band);
    internal::MatrixProduct product{.a = packed_weight,
                                    .a_row = 1,
                                    .a_step = band,
                                    .b = packed_dy,
                                    .b_row = tile_rows,
                                    .c = to,
                                    .c_row = tile_rows,
                                    .length = Format::groups(out)};
    if constexpr (internal::rectifies<Activation>) product.gate = kept + first * tile_rows;
    internal::multiply<Arch, typename Format::Elements>(product, 0, count, registers);
    if constexpr (!std::is_same_v<Activation, Identity> && !internal::rectifies<Activation>) {
      internal::multiply_derivative<Arch, Activation>(kept + first * tile_rows, to, count, registers);
    }
  }
}

/// dW[out][in] += dy x', where dy and x are rounded; db[out] += row sums of dy as it is. `turned` holds
/// weight_gradient_scratch(in) floats.
template <class Arch, class Format = internal::RoundedOperands<Arch>>
POLIS_ONE_COPY void bfloat16_weight_gradient(const float* dy, const float* x, float* weight_gradient,
                                             float* bias_gradient, int in, int out, int rows, float* turned,
                                             float* scratch) {
  using internal::band;
  constexpr int width = batch_width<Batch<Arch>>;
  const int registers = internal::registers_of<Arch>(rows);
  const int whole = in / width * width, rest = in - whole;
  float* const packed_dy = scratch;
  float* const turned_rest = packed_dy + band * Format::row_size(tile_rows);  // [rows][width]
  float* const rest_gradient = turned_rest + width * tile_rows;               // [band][width]
  const auto turn = [&](const float* tile, int features, float* to) {
    internal::turn_tile<Arch>(tile, features, registers * width, to);
    Format::template pack_across<Arch>(to, features, rows, features, to, features);
  };
  if (whole > 0) turn(x, whole, turned);
  if (rest > 0) {  // a register of inputs, of which some are zero
    float* const tile = rest_gradient + band * width;
    const auto valid = static_cast<std::size_t>(rest * tile_rows);
    std::memcpy(tile, x + whole * tile_rows, valid * sizeof(float));
    std::fill(tile + valid, tile + width * tile_rows, 0.f);
    turn(tile, width, turned_rest);
  }
  for (int first = 0; first < out; first += band) {
    const int count = std::min(band, out - first);
    float* const to = weight_gradient + static_cast<std::ptrdiff_t>(first) * in;
    Format::template pack_along<Arch>(dy + first * tile_rows, tile_rows, count, rows, packed_dy,
                                      Format::row_size(tile_rows));
    internal::MatrixProduct product{.a = packed_dy,
                                    .a_row = Format::row_size(tile_rows),
                                    .a_step = 1,
                                    .b = turned,
                                    .b_row = whole,
                                    .c = to,
                                    .c_row = in,
                                    .length = Format::groups(rows),
                                    .start = internal::Start::result};
    using Elements = typename Format::Elements;
    if (whole > 0) internal::multiply<Arch, Elements>(product, 0, count, whole / width);
    if (rest > 0) {
      product.b = turned_rest, product.b_row = width;
      product.c = rest_gradient, product.c_row = width;
      product.start = internal::Start::zero;
      internal::multiply<Arch, Elements>(product, 0, count, 1);
      for (int o = 0; o < count; ++o) {
        for (int i = 0; i < rest; ++i) to[o * in + whole + i] += rest_gradient[o * width + i];
      }
    }
  }
  internal::add_dots<Arch>(internal::ones.data(), dy, bias_gradient, out, registers);
}

}  // namespace polis
