#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/mlp.hpp>

using namespace polis;

namespace {

Random stream(std::uint64_t seed) { return {seed, 0, 0, 0, Purpose::initialization}; }

/// The largest deviation of A A' (or A' A, whichever is smaller) from gain^2 times the identity.
double orthogonality(const float* a, int rows, int columns, double gain) {
  const bool wide = rows <= columns;
  const int count = wide ? rows : columns, length = wide ? columns : rows;
  double worst = 0;
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < count; ++j) {
      double dot = 0;
      for (int k = 0; k < length; ++k) {
        dot += double(a[wide ? i * columns + k : k * columns + i]) *
               double(a[wide ? j * columns + k : k * columns + j]);
      }
      worst = std::max(worst, std::abs(dot - (i == j ? gain * gain : 0)));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE(
    "nn/initialization: orthogonal matrices of the gain of their kind, biases zero, free blocks untouched") {
  using Net = Mlp<64, 32>::network<4, 2, Tanh>;
  Layout layout = Net::layout();
  append(layout, "recurrent", 48, 16, BlockKind::recurrent_weight);
  append(layout, "log_std", 3, 1, BlockKind::free);
  std::vector<float> weights(total_size(layout), 7.f);
  Random random = stream(1);
  initialize<Orthogonal>({}, layout, weights, .01f, random);
  for (const Block& block : layout) {
    const float* const values = weights.data() + block.offset;
    CAPTURE(block.name);
    switch (block.kind) {
      case BlockKind::hidden_weight:
        CHECK(orthogonality(values, block.rows, block.columns, std::sqrt(2.)) < 1e-6);
        break;
      case BlockKind::output_weight:
        CHECK(orthogonality(values, block.rows, block.columns, .01) < 1e-10);
        break;
      case BlockKind::recurrent_weight:
        CHECK(orthogonality(values, block.rows, block.columns, 1) < 1e-6);
        break;
      case BlockKind::bias:
        CHECK(std::all_of(values, values + block.size(), [](float x) { return x == 0; }));
        break;
      case BlockKind::free:
        CHECK(std::all_of(values, values + block.size(), [](float x) { return x == 7; }));
        break;
    }
  }
}

TEST_CASE(
    "nn/initialization: orthogonal matrices are uniform: entries of an n x n one have mean 0, variance 1/n") {
  constexpr int n = 8, draws = 2000;
  Layout layout;
  append(layout, "w", n, n, BlockKind::recurrent_weight);
  std::vector<float> weights(total_size(layout));
  Random random = stream(2);
  std::vector<double> mean(n * n), square(n * n);
  for (int draw = 0; draw < draws; ++draw) {
    initialize<Orthogonal>({}, layout, weights, 1, random);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      mean[i] += double(weights[i]) / draws;
      square[i] += double(weights[i]) * double(weights[i]) / draws;
    }
  }
  // Standard errors: sqrt(1/8/2000) = 0.008, and about sqrt(2) / 8 / sqrt(2000) = 0.004; 64 entries, five of
  // each.
  for (std::size_t i = 0; i < mean.size(); ++i) {
    CHECK(std::abs(mean[i]) < .04);
    CHECK(std::abs(square[i] - 1. / n) < .02);
  }
}

TEST_CASE("nn/initialization: uniform weights fill their bounds, scaled by the inputs of the layer") {
  using Net = Mlp<100>::network<25, 4, Relu>;
  const Layout layout = Net::layout();
  std::vector<float> weights(total_size(layout));
  Random random = stream(3);
  initialize<Uniform>({}, layout, weights, .5f, random);
  const std::vector<double> bounds = {.2, .2, .05, .1};
  for (std::size_t b = 0; b < layout.size(); ++b) {
    double largest = 0, sum = 0;
    for (std::size_t i = 0; i < layout[b].size(); ++i) {
      const double value = double(weights[layout[b].offset + i]);
      largest = std::max(largest, std::abs(value));
      sum += value;
    }
    CHECK(largest <= bounds[b]);
    if (layout[b].size() < 100) continue;
    CHECK(largest > .95 * bounds[b]);
    const double count = static_cast<double>(layout[b].size());
    CHECK(std::abs(sum / count) < 5 * bounds[b] / std::sqrt(3 * count));
  }
}

TEST_CASE("nn/initialization: the same stream gives the same weights, another seed others") {
  using Net = Gru<8>::network<3, 2, Tanh>;
  const Layout layout = Net::layout();
  std::vector<float> first(total_size(layout)), again(first), other(first);
  Random a = stream(4), b = stream(4), c = stream(5);
  initialize<Orthogonal>({}, layout, first, 1, a);
  initialize<Orthogonal>({}, layout, again, 1, b);
  initialize<Orthogonal>({}, layout, other, 1, c);
  CHECK(first == again);
  CHECK(first != other);
}
