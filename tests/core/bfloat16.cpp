// Rounding to bfloat16 against its definition, and products of rounded operands against sums in double
// precision.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/bfloat16.hpp>
#include <polis/core/gemm_bfloat16.hpp>
#include <polis/nn/activation.hpp>

#include "values.hpp"

namespace test_bfloat16 {

using namespace polis;
using internal::RoundedFloats;
using polis_test::at, polis_test::values;

std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }

/// By the definition: of the two neighbours of 8 significant bits the nearer one, of two as near the even
/// one.
float nearest(float x) {
  if (std::isnan(x)) return std::bit_cast<float>((bits_of(x) | 0x0040'0000u) & 0xffff'0000u);
  if (std::isinf(x)) return x;
  if (std::abs(x) < std::numeric_limits<float>::min()) return std::copysign(0.f, x);
  int exponent = 0;
  const double fraction = std::frexp(std::abs(double(x)), &exponent) * 256;  // in [128, 256)
  const double below = std::floor(fraction), above = fraction - below;
  const bool odd = std::fmod(below, 2) == 1;
  const double units = above > .5 || (above == .5 && odd) ? below + 1 : below;
  return std::copysign(static_cast<float>(std::ldexp(units, exponent - 8)), x);
}

/// Every upper half with the lower halves where rounding turns.
std::vector<float> notable_numbers() {
  std::vector<float> numbers;
  for (std::uint32_t upper = 0; upper < 0x1'0000u; ++upper) {
    for (const std::uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      numbers.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  return numbers;
}

template <class Arch>
void check_registers(const std::vector<float>& numbers) {
  constexpr std::size_t width = batch_width<Batch<Arch>>;
  int wrong = 0;
  for (std::size_t i = 0; i + width <= numbers.size(); i += width) {
    float rounded[width];
    round_to_bfloat16<Arch>(Batch<Arch>::load_unaligned(&numbers[i])).store_unaligned(rounded);
    for (std::size_t j = 0; j < width; ++j) wrong += bits_of(rounded[j]) != bits_of(nearest(numbers[i + j]));
  }
  CHECK(wrong == 0);
}

/// What a packed element holds at a step of its group.
template <class Format>
float step_of(float element, int step) {
  if (Format::groups(2) == 2) return element;
  return std::bit_cast<float>(step % 2 == 0 ? bits_of(element) & 0xffff'0000u : bits_of(element) << 16);
}
template <class Format>
int group_of(int step) {
  return Format::groups(step + 1) - 1;
}

/// All numbers, as steps of rows and as rows of steps, in odd numbers of both.
template <class Arch, class Format>
void check_packing(const std::vector<float>& numbers) {
  constexpr int steps = 37, columns = 51, stride = 64;
  int wrong = 0;
  for (std::size_t first = 0; first + steps * stride <= numbers.size(); first += steps * stride) {
    const float* const from = &numbers[first];
    AlignedVector<float> across(steps * stride), along(columns * stride), place(from, from + steps * stride);
    Format::template pack_across<Arch>(from, stride, steps, columns, across.data(), stride);
    Format::template pack_along<Arch>(from, stride, steps, columns, along.data(), stride);
    Format::template pack_across<Arch>(place.data(), stride, steps, columns, place.data(), stride);
    for (int k = 0; k < steps; ++k) {
      for (int c = 0; c < columns; ++c) {
        const std::uint32_t wanted = bits_of(nearest(from[k * stride + c]));
        const auto at = static_cast<std::size_t>(group_of<Format>(k) * stride + c);
        wrong += bits_of(step_of<Format>(across[at], k)) != wanted;
        wrong += bits_of(step_of<Format>(place[at], k)) != wanted;
        const auto neighbour = static_cast<std::size_t>(k * stride + group_of<Format>(c));
        wrong += bits_of(step_of<Format>(along[neighbour], c)) != wanted;
      }
    }
  }
  CHECK(wrong == 0);
}

// ---- Products

/// Operands and results of the three products of one layer.
struct Layer {
  int in, out, rows;
  AlignedVector<float> weight = values(in * out, 1), bias = values(out, 2), x = values(in * tile_rows, 3);
  AlignedVector<float> dy = values(out * tile_rows, 4), y = values(out * tile_rows, 0), kept = y;
  AlignedVector<float> dx = values(in * tile_rows, 0), dw = values(in * out, 5), db = values(out, 6);

  Layer(int inputs, int outputs, int valid) : in(inputs), out(outputs), rows(valid) {
    for (int o = 0; o < out; ++o) {
      for (int r = rows; r < tile_rows; ++r) dy[at(o, r, tile_rows)] = 0;
    }
  }

  template <class Arch, class Act, class Format>
  void run() {
    AlignedVector<float> turned(static_cast<std::size_t>(weight_gradient_scratch(in)));
    const int floats =
        std::max({bfloat16_forward_scratch<Format>(in), bfloat16_weight_gradient_scratch<Format>,
                  bfloat16_input_gradient_scratch<Format>(out)});
    AlignedVector<float> scratch(static_cast<std::size_t>(floats), std::numeric_limits<float>::quiet_NaN());
    bfloat16_forward<Arch, Act, Format>(weight.data(), bias.data(), x.data(), y.data(), in, out, rows,
                                        kept.data(), scratch.data());
    bfloat16_input_gradient<Arch, Act, Format>(weight.data(), dy.data(), dx.data(), in, out, rows, x.data(),
                                               scratch.data());
    bfloat16_weight_gradient<Arch, Format>(dy.data(), x.data(), dw.data(), db.data(), in, out, rows,
                                           turned.data(), scratch.data());
  }

  bool same_rows(const Layer& other, int valid) const {
    const auto same = [valid](const AlignedVector<float>& a, const AlignedVector<float>& b) {
      for (std::size_t feature = 0; feature < a.size(); feature += tile_rows) {
        if (std::memcmp(&a[feature], &b[feature], sizeof(float) * static_cast<std::size_t>(valid)) != 0)
          return false;
      }
      return true;
    };
    return same(y, other.y) && same(dx, other.dx);
  }
};

/// The error of a sum of `terms` products of numbers up to 1, in units of float32's rounding.
struct Worst {
  double units = 0;
  void compare(float got, double wanted, int terms) {
    const double unit = std::numeric_limits<float>::epsilon() * std::sqrt(terms + 1.);
    units = std::max(units, std::abs(double(got) - wanted) / unit);
  }
};

template <class Arch, class Act, class Format>
void check_layer(int in, int out, int rows) {
  Layer layer(in, out, rows);
  const auto dw_before = layer.dw, db_before = layer.db;
  layer.run<Arch, Act, Format>();
  const auto rounded = [](const AlignedVector<float>& values) {
    std::vector<double> result;
    for (const float value : values) result.push_back(double(nearest(value)));
    return result;
  };
  const auto weight = rounded(layer.weight), x = rounded(layer.x), dy = rounded(layer.dy);
  Worst forward, input, gradient;
  for (int r = 0; r < rows; ++r) {
    for (int o = 0; o < out; ++o) {
      double sum = double(layer.bias[static_cast<std::size_t>(o)]);
      for (int i = 0; i < in; ++i) sum += weight[at(o, i, in)] * x[at(i, r, tile_rows)];
      forward.compare(layer.y[at(o, r, tile_rows)], Act{}(sum), in);
    }
    for (int i = 0; i < in; ++i) {
      double sum = 0;
      for (int o = 0; o < out; ++o) sum += weight[at(o, i, in)] * dy[at(o, r, tile_rows)];
      input.compare(layer.dx[at(i, r, tile_rows)],
                    sum * Act::derivative(double(layer.x[at(i, r, tile_rows)])), out);
    }
  }
  for (int o = 0; o < out; ++o) {
    double bias = double(db_before[static_cast<std::size_t>(o)]);
    for (int r = 0; r < rows; ++r) bias += double(layer.dy[at(o, r, tile_rows)]);
    gradient.compare(layer.db[static_cast<std::size_t>(o)], bias, rows);
    for (int i = 0; i < in; ++i) {
      double sum = double(dw_before[at(o, i, in)]);
      for (int r = 0; r < rows; ++r) sum += dy[at(o, r, tile_rows)] * x[at(i, r, tile_rows)];
      gradient.compare(layer.dw[at(o, i, in)], sum, rows);
    }
  }
  CAPTURE(in);
  CAPTURE(out);
  CAPTURE(rows);
  CHECK(forward.units < 4);
  CHECK(input.units < 4);
  CHECK(gradient.units < 4);
}

template <class Arch, class Format>
void check_sizes() {
  for (const int in : {1, 3, 16, 17, 64, 100}) {
    for (const int out : {1, 6, 16, 31, 64, 67}) {
      for (const int rows : {1, 3, 16, 33, 64}) check_layer<Arch, Relu, Format>(in, out, rows);
    }
  }
  for (int rows = 1; rows <= tile_rows; ++rows) check_layer<Arch, Tanh, Format>(33, 35, rows);
  check_layer<Arch, Silu, Format>(20, 19, 7);
  check_layer<Arch, Identity, Format>(20, 19, 7);
}

}  // namespace test_bfloat16

TEST_CASE("core/bfloat16: rounding is to the nearest, ties to even, at every exponent, infinity and NaN") {
  using namespace test_bfloat16;
  const std::vector<float> numbers = notable_numbers();
  int wrong = 0;
  for (const float x : numbers) wrong += bits_of(round_to_bfloat16(x)) != bits_of(nearest(x));
  CHECK(wrong == 0);
  CHECK(round_to_bfloat16(1 + 0x1p-8f) == 1);            // a tie, to the even 1
  CHECK(round_to_bfloat16(1 + 0x3p-8f) == 1 + 0x1p-6f);  // a tie, to the even one above
  CHECK(round_to_bfloat16(1 + 0x1.01p-8f) == 1 + 0x1p-7f);
  CHECK(std::isinf(round_to_bfloat16(std::numeric_limits<float>::max())));
  CHECK(std::isnan(round_to_bfloat16(std::numeric_limits<float>::signaling_NaN())));
  CHECK(std::signbit(round_to_bfloat16(-1e-40f)));
  check_registers<Simd>(numbers);
#if defined(__x86_64__)
  check_registers<xsimd::sse2>(numbers);
#if XSIMD_WITH_AVX2
  check_registers<xsimd::avx2>(numbers);
#endif
#endif
}

TEST_CASE("core/bfloat16: packed operands hold what rounding makes, in the order of the reduction") {
  using namespace test_bfloat16;
  const std::vector<float> numbers = notable_numbers();
  check_packing<Simd, RoundedFloats>(numbers);
  check_packing<Simd, internal::RoundedOperands<Simd>>(numbers);
}

TEST_CASE("core/bfloat16: the three products are those of rounded operands in double, at every size") {
  using namespace test_bfloat16;
  check_sizes<Simd, internal::RoundedOperands<Simd>>();
  if (has_bfloat16_products<>) check_sizes<Simd, RoundedFloats>();
}

#if defined(__x86_64__)
TEST_CASE("core/bfloat16: the products of narrower registers are the same") {
  using namespace test_bfloat16;
  check_sizes<xsimd::sse2, RoundedFloats>();
#if XSIMD_WITH_AVX2
  check_sizes<xsimd::avx2, RoundedFloats>();
#endif
}
#endif

TEST_CASE("core/bfloat16: dot products agree with float32's of rounded operands to rounding") {
  using namespace test_bfloat16;
  const auto close = [](const AlignedVector<float>& a, const AlignedVector<float>& b) {
    float worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
    return worst < 1e-5f;
  };
  for (const int in : {16, 19, 64}) {
    for (const int out : {16, 33, 64}) {
      Layer dots(in, out, 64), floats = dots;
      dots.run<Simd, Relu, internal::RoundedOperands<Simd>>();
      floats.run<Simd, Relu, RoundedFloats>();
      CHECK(close(dots.y, floats.y));
      CHECK(close(dots.dx, floats.dx));
      CHECK(close(dots.dw, floats.dw));
      CHECK(dots.db == floats.db);
    }
  }
}

TEST_CASE("core/bfloat16: a sample's outputs and gradients do not depend on how many others there are") {
  using namespace test_bfloat16;
  for (const int in : {16, 21, 64}) {
    for (const int out : {16, 35, 64}) {
      Layer all(in, out, tile_rows);
      all.run<Simd, Silu, internal::RoundedOperands<Simd>>();
      for (const int rows : {1, 2, 4, 5, 17, 48}) {
        Layer some(in, out, rows);
        some.run<Simd, Silu, internal::RoundedOperands<Simd>>();
        CHECK(some.same_rows(all, rows));
      }
    }
  }
}
