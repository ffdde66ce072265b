// What tests of networks compare with: numbers in double precision, and finite differences.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/tile.hpp>

namespace polis_test {

using polis::AlignedVector, polis::tile_rows;

using Doubles = std::vector<double>;

inline double draw(unsigned& state) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) * 0x1p-23 - 1;
}

/// Values that floats hold exactly, so that both implementations see the same numbers.
inline Doubles draws(int count, unsigned seed, double scale = 1) {
  Doubles result(static_cast<std::size_t>(count));
  for (double& value : result) value = static_cast<double>(static_cast<float>(scale * draw(seed)));
  return result;
}

/// [feature][rows] doubles as a tile; the padding is `padding`.
inline AlignedVector<float> tile(const Doubles& values, int rows, float padding = 0) {
  const std::size_t features = values.size() / static_cast<std::size_t>(rows);
  AlignedVector<float> result(features * tile_rows, padding);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t count = static_cast<std::size_t>(rows);
    result[i / count * tile_rows + i % count] = static_cast<float>(values[i]);
  }
  return result;
}

inline AlignedVector<float> floats(const Doubles& values) {
  AlignedVector<float> result;
  for (const double value : values) result.push_back(static_cast<float>(value));
  return result;
}

/// y[out][rows] = W x + b in double; advances w.
inline Doubles dense(const double*& w, const Doubles& x, int out, int rows) {
  const int in = static_cast<int>(x.size()) / rows;
  Doubles y(static_cast<std::size_t>(out * rows));
  for (int o = 0; o < out; ++o) {
    for (int r = 0; r < rows; ++r) {
      double sum = w[out * in + o];
      for (int i = 0; i < in; ++i) sum += w[o * in + i] * x[static_cast<std::size_t>(i * rows + r)];
      y[static_cast<std::size_t>(o * rows + r)] = sum;
    }
  }
  w += out * in + out;
  return y;
}

inline double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The largest deviation of `gradient` from central differences of `loss` in `at`.
inline double worst_difference(Doubles& at, const Doubles& gradient, const std::function<double()>& loss) {
  REQUIRE(at.size() == gradient.size());
  constexpr double step = 1e-6;
  double worst = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double value = at[i];
    at[i] = value + step;
    const double high = loss();
    at[i] = value - step;
    const double low = loss();
    at[i] = value;
    worst = std::max(worst, std::abs((high - low) / (2 * step) - gradient[i]));
  }
  return worst;
}

/// A tile's valid rows as [feature][rows] doubles.
inline Doubles rows_of(const AlignedVector<float>& tile, int rows) {
  Doubles result;
  for (std::size_t i = 0; i < tile.size(); ++i) {
    if (static_cast<int>(i % tile_rows) < rows) result.push_back(static_cast<double>(tile[i]));
  }
  return result;
}

inline Doubles doubles(const AlignedVector<float>& values) { return {values.begin(), values.end()}; }

inline double largest_difference(const Doubles& a, const Doubles& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace polis_test
