#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/gemm.hpp>
#include <polis/core/transpose.hpp>

#include "values.hpp"

using namespace polis;

namespace {

using polis_test::at, polis_test::values;

/// A smooth activation with a derivative in its output, cheap enough for every size.
struct Square {
  [[maybe_unused]] static constexpr bool keeps_input = false;
  template <class T>
  T operator()(T x) const {
    return x * x;
  }
  template <class T>
  static T derivative(T y) {
    return y + T(1);
  }
};

struct KeepsInput : Square {
  static constexpr bool keeps_input = true;
};

struct Worst {
  double error = 0;
  void compare(float got, double wanted, int terms) {
    error = std::max(error, std::abs(static_cast<double>(got) - wanted) / std::sqrt(terms + 1.));
  }
};

template <class Arch>
void check_layer(int in, int out, int rows) {
  const auto weight = values(in * out, 1), bias = values(out, 2), x = values(in * tile_rows, 3);
  auto dy = values(out * tile_rows, 4);
  for (int o = 0; o < out; ++o) {
    for (int r = rows; r < tile_rows; ++r) dy[at(o, r, tile_rows)] = 0;
  }
  AlignedVector<float> y(at(out, 0, tile_rows)), dx(at(in, 0, tile_rows)), kept = y;
  auto dw = values(in * out, 5), db = values(out, 6);
  const auto dw_before = dw, db_before = db;
  AlignedVector<float> scratch(static_cast<std::size_t>(weight_gradient_scratch(in)));

  dense_forward<Arch, KeepsInput>(weight.data(), bias.data(), x.data(), y.data(), in, out, rows, kept.data());
  Worst forward, input, gradient;
  for (int o = 0; o < out; ++o) {
    for (int r = 0; r < rows; ++r) {
      double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]);
      for (int i = 0; i < in; ++i) sum += double(weight[at(o, i, in)]) * double(x[at(i, r, tile_rows)]);
      forward.compare(kept[at(o, r, tile_rows)], sum, in);
      const float z = kept[at(o, r, tile_rows)];
      forward.compare(y[at(o, r, tile_rows)], double(z * z), 0);
    }
  }
  dense_input_gradient<Arch, Square>(weight.data(), dy.data(), dx.data(), in, out, rows, x.data());
  for (int i = 0; i < in; ++i) {
    for (int r = 0; r < rows; ++r) {
      double sum = 0;
      for (int o = 0; o < out; ++o) sum += double(weight[at(o, i, in)]) * double(dy[at(o, r, tile_rows)]);
      input.compare(dx[at(i, r, tile_rows)], sum * (double(x[at(i, r, tile_rows)]) + 1), out);
    }
  }
  dense_weight_gradient<Arch>(dy.data(), x.data(), dw.data(), db.data(), in, out, rows, scratch.data());
  for (int o = 0; o < out; ++o) {
    double bias_sum = double(db_before[static_cast<std::size_t>(o)]);
    for (int r = 0; r < rows; ++r) bias_sum += double(dy[at(o, r, tile_rows)]);
    gradient.compare(db[static_cast<std::size_t>(o)], bias_sum, rows);
    for (int i = 0; i < in; ++i) {
      double sum = double(dw_before[at(o, i, in)]);
      for (int r = 0; r < rows; ++r) sum += double(dy[at(o, r, tile_rows)]) * double(x[at(i, r, tile_rows)]);
      gradient.compare(dw[at(o, i, in)], sum, rows);
    }
  }
  CAPTURE(in);
  CAPTURE(out);
  CAPTURE(rows);
  CHECK(forward.error < 1e-6);
  CHECK(input.error < 1e-6);
  CHECK(gradient.error < 1e-6);
}

template <class Arch>
void check_sizes() {
  for (const int in : {1, 3, 4, 5, 17, 64, 100}) {
    for (const int out : {1, 2, 3, 6, 7, 64, 100}) {
      for (const int rows : {1, 3, 4, 15, 16, 33, 64}) check_layer<Arch>(in, out, rows);
    }
  }
}

}  // namespace

TEST_CASE("core/gemm: forward, input and weight gradients agree with sums in double at every size") {
  check_sizes<Simd>();
}

#if defined(__x86_64__)
TEST_CASE("core/gemm: the kernels of narrower registers agree too") {
  check_sizes<xsimd::sse2>();
#if XSIMD_WITH_AVX2
  check_sizes<xsimd::avx2>();
#endif
}
#endif

TEST_CASE("core/gemm: a sample's outputs do not depend on how many others there are") {
  for (const int in : {3, 4, 6, 64, 67}) {
    for (const int out : {1, 6, 16, 21, 32, 64, 100}) {
      const auto weight = values(in * out, 1), bias = values(out, 2), x = values(in * tile_rows, 3);
      const auto run = [&](int rows, const float* with) {
        AlignedVector<float> y(at(out, 0, tile_rows)), kept = y;
        dense_forward<Simd, KeepsInput>(weight.data(), with, x.data(), y.data(), in, out, rows, kept.data());
        return y;
      };
      CAPTURE(in);
      CAPTURE(out);
      for (const float* with : {bias.data(), static_cast<const float*>(nullptr)}) {
        const auto all = run(tile_rows, with);
        for (const int rows : {1, 2, 4, 5, 17}) {
          const auto some = run(rows, with);
          bool same = true, finite = true;
          for (int o = 0; o < out; ++o) {
            for (int r = 0; r < rows; ++r)
              same = same && some[at(o, r, tile_rows)] == all[at(o, r, tile_rows)];
            for (int r = 0; r < tile_rows; ++r) finite = finite && std::isfinite(some[at(o, r, tile_rows)]);
          }
          CHECK(same);
          CHECK(finite);
        }
      }
    }
  }
}

TEST_CASE("core/gemm: accumulating input gradients add to what is there") {
  const auto weight = values(6, 1), dy = values(3 * tile_rows, 2);
  AlignedVector<float> dx(2 * tile_rows), sum(2 * tile_rows, 1.f);
  dense_input_gradient<Simd>(weight.data(), dy.data(), dx.data(), 2, 3, tile_rows);
  dense_input_gradient<Simd, Identity, true>(weight.data(), dy.data(), sum.data(), 2, 3, tile_rows);
  for (std::size_t i = 0; i < dx.size(); ++i) CHECK(sum[i] == doctest::Approx(1 + dx[i]).epsilon(1e-6));
}

TEST_CASE("core/gemm: gathering turns rows into a tile, in any number of features, and scatter reverses it") {
  constexpr std::size_t stride = 21;
  const auto base = values(100 * stride, 7);
  std::vector<int> ids;
  for (int r = 0; r < tile_rows; ++r) ids.push_back((r * 37 + 11) % 100);
  for (const int features : {1, 2, 3, 4, 5, 6, 7, 8, 17, 21}) {
    for (const int rows : {1, 3, 16, 17, 64}) {
      for (const bool consecutive : {false, true}) {
        const int* const chosen = consecutive ? nullptr : ids.data();
        AlignedVector<float> tile(21 * tile_rows, 99.f), back(100 * stride, 0.f);
        gather_tile<Simd>(base.data(), stride, chosen, rows, features, tile.data());
        scatter_tile(tile.data(), rows, features, back.data(), stride, chosen);
        int wrong = 0;
        for (int r = 0; r < rows; ++r) {
          const std::size_t from =
              static_cast<std::size_t>(consecutive ? r : ids[static_cast<std::size_t>(r)]) * stride;
          for (int f = 0; f < features; ++f) {
            const std::size_t source = from + static_cast<std::size_t>(f);
            if (tile[at(f, r, tile_rows)] != base[source] || back[source] != base[source]) ++wrong;
          }
        }
        CHECK(wrong == 0);
        // The padding of the last register repeats the last row.
        const int padded = (rows + batch_width<Batch<>> - 1) / batch_width<Batch<>> * batch_width<Batch<>>;
        CHECK(tile[at(features - 1, padded - 1, tile_rows)] == tile[at(features - 1, rows - 1, tile_rows)]);
        if (padded < tile_rows) CHECK(tile[at(features - 1, padded, tile_rows)] == 99.f);
      }
    }
  }
}

TEST_CASE("core/gemm: gathering normalises and clips each feature by its own statistics") {
  const auto base = values(64 * 5, 8), mean = values(5, 9);
  AlignedVector<float> inverse = {.5f, 1.f, 2.f, 10.f, .1f}, tile(5 * tile_rows);
  gather_normalized_tile<Simd>(base.data(), 5, nullptr, 64, 5, mean.data(), inverse.data(), 1.5f,
                               tile.data());
  int clipped = 0;
  for (int r = 0; r < 64; ++r) {
    for (int f = 0; f < 5; ++f) {
      const auto i = static_cast<std::size_t>(f);
      const float plain = (base[at(r, f, 5)] - mean[i]) * inverse[i];
      const float wanted = std::min(std::max(plain, -1.5f), 1.5f);
      CHECK(tile[at(f, r, tile_rows)] == doctest::Approx(wanted).epsilon(1e-6));
      if (wanted != plain) ++clipped;
    }
  }
  CHECK(clipped > 20);
}
