// Row-major passes against a second implementation in double precision, and their gradients against its
// finite differences.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/nn/ensemble.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/nn/row_major.hpp>

#include "doubles.hpp"

using namespace polis;
using namespace polis_test;
using internal::RowMajor;

namespace {

/// Weights, inputs and output gradients of a network, and the loss in double of which these are the
/// gradients.
template <int In, int Out, int... Widths>
struct Example {
  using Net = MlpNetwork<In, Out, Relu, Widths...>;
  using Rows = RowMajor<Net, Simd>;
  int rows;
  Doubles w = draws(Net::parameters, 1, .4), x = draws(In * rows, 2), dy = draws(Out * rows, 3);

  [[nodiscard]] Doubles reference() const {
    const double* weights = w.data();
    Doubles hidden = x;
    for (const int width : std::vector<int>{Widths...}) {
      hidden = dense(weights, hidden, width, rows);
      for (double& value : hidden) value = std::max(value, 0.);
    }
    return dense(weights, hidden, Out, rows);
  }
  [[nodiscard]] double loss() const { return dot(reference(), dy); }
};

template <int In, int Out, int... Widths>
void check(int rows) {
  using Net = MlpNetwork<In, Out, Relu, Widths...>;
  using Rows = RowMajor<Net, Simd>;
  if constexpr (Rows::possible) {
    Example<In, Out, Widths...> example{rows};
    const auto weights = floats(example.w), inputs = tile(example.x, rows, .5f),
               d_outputs = tile(example.dy, rows);
    AlignedVector<float> turned(Rows::turned_size), y(Out * tile_rows), dx(In * tile_rows);
    AlignedVector<float> dw(Net::parameters), cache(Net::cache_size), scratch(Rows::scratch_size);
    Rows::turn(weights.data(), turned.data());
    Rows::forward(weights.data(), turned.data(), inputs.data(), y.data(), cache.data(), rows);
    Rows::backward(weights.data(), turned.data(), dw.data(), inputs.data(), d_outputs.data(), dx.data(), 0,
                   In, cache.data(), scratch.data(), rows);
    const auto loss = [&] { return example.loss(); };
    CHECK(largest_difference(rows_of(y, rows), example.reference()) < 1e-5);
    CHECK(worst_difference(example.w, doubles(dw), loss) < 1e-4);
    CHECK(worst_difference(example.x, rows_of(dx, rows), loss) < 1e-4);

    // Some inputs alone, without the weights' gradient; then that alone, on top of the one there is.
    AlignedVector<float> part(tile_rows);
    Rows::backward(weights.data(), turned.data(), nullptr, nullptr, d_outputs.data(), part.data(), In - 1, 1,
                   cache.data(), scratch.data(), rows);
    CHECK(std::equal(part.begin(), part.begin() + rows, dx.begin() + (In - 1) * tile_rows));
    Rows::backward(weights.data(), turned.data(), dw.data(), inputs.data(), d_outputs.data(), cache.data(),
                   scratch.data(), rows);
    Doubles half = doubles(dw);
    for (double& value : half) value /= 2;
    CHECK(worst_difference(example.w, half, loss) < 1e-4);
  }
}

}  // namespace

TEST_CASE("nn/row_major: passes agree with double precision and with finite differences") {
  for (const int rows : {1, 6, 36, 64}) {
    check<4, 1, 16, 16>(rows);
    check<3, 2, 32>(rows);
  }
  check<6, 3, 16, 80, 16>(10);
}

TEST_CASE("nn/row_major: a network goes back over rows that were picked") {
  using Net = MlpNetwork<4, 1, Relu, 32, 16>;
  using Rows = RowMajor<Net, Simd>;
  if constexpr (Rows::possible) {
    constexpr int rows = 50;
    const Example<4, 1, 32, 16> example{rows};
    const auto weights = floats(example.w), inputs = tile(example.x, rows), all = tile(example.dy, rows);
    AlignedVector<float> turned(Rows::turned_size), y(tile_rows), dx(4 * tile_rows), picked_dx(4 * tile_rows);
    AlignedVector<float> cache(Net::cache_size), scratch(Rows::scratch_size), few(tile_rows);
    Rows::turn(weights.data(), turned.data());
    Rows::forward(weights.data(), turned.data(), inputs.data(), y.data(), cache.data(), rows);
    Rows::backward(weights.data(), turned.data(), nullptr, nullptr, all.data(), dx.data(), 0, 4, cache.data(),
                   scratch.data(), rows);
    std::array<int, tile_rows> picked{};
    int count = 0;
    for (int r = 0; r < rows; ++r) {
      if (r % 3 == 0) continue;
      few[static_cast<std::size_t>(count)] = all[static_cast<std::size_t>(r)];
      picked[static_cast<std::size_t>(count++)] = r;
    }
    Rows::pick(cache.data(), picked.data(), count);
    Rows::backward(weights.data(), turned.data(), nullptr, nullptr, few.data(), picked_dx.data(), 0, 4,
                   cache.data(), scratch.data(), count);
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < 4; ++k) {
        const auto at = static_cast<std::size_t>(k * tile_rows);
        CHECK(picked_dx[at + static_cast<std::size_t>(i)] ==
              dx[at + static_cast<std::size_t>(picked[static_cast<std::size_t>(i)])]);
      }
    }
  }
}

TEST_CASE("nn/row_major: an ensemble's networks pass side by side") {
  using Each = MlpNetwork<4, 2, Relu, 16, 16>;
  using Both = EnsembleNetwork<Each, 2>;
  using Rows = RowMajor<Both, Simd>;
  if constexpr (Rows::possible) {
    constexpr int rows = 21;
    const auto weights = floats(draws(Both::parameters, 1, .4));
    const auto x = tile(draws(4 * rows, 2), rows, .5f), dy = tile(draws(4 * rows, 3), rows);
    AlignedVector<float> turned(Rows::turned_size), y(4 * tile_rows), other_y(4 * tile_rows);
    AlignedVector<float> dw(Both::parameters), other_dw(Both::parameters), cache(Both::cache_size);
    AlignedVector<float> scratch(std::max(Rows::scratch_size, Both::scratch_size));
    Rows::turn(weights.data(), turned.data());
    Rows::forward(weights.data(), turned.data(), x.data(), y.data(), cache.data(), rows);
    Rows::backward(weights.data(), turned.data(), dw.data(), x.data(), dy.data(), cache.data(),
                   scratch.data(), rows);
    Both::forward<Simd>(weights.data(), x.data(), nullptr, other_y.data(), cache.data(), rows);
    Both::backward<Simd>(weights.data(), other_dw.data(), x.data(), dy.data(), nullptr, nullptr, cache.data(),
                         scratch.data(), rows);
    CHECK(largest_difference(rows_of(y, rows), rows_of(other_y, rows)) < 1e-5);
    CHECK(largest_difference(doubles(dw), doubles(other_dw)) < 1e-4);
  }
}

TEST_CASE("nn/row_major: is for rectified units in whole registers") {
  constexpr bool wide = batch_width<Batch<>> == 16;
  CHECK(RowMajor<MlpNetwork<4, 1, Relu, 64, 64>, Simd>::possible == wide);
  CHECK(RowMajor<EnsembleNetwork<MlpNetwork<4, 1, Relu, 64>, 2>, Simd>::possible == wide);
  CHECK_FALSE(RowMajor<MlpNetwork<4, 1, Relu, 64, 24>, Simd>::possible);
  CHECK_FALSE(RowMajor<MlpNetwork<4, 1, Tanh, 64, 64>, Simd>::possible);
  CHECK_FALSE(RowMajor<MlpNetwork<4, 1, Relu>, Simd>::possible);
}
