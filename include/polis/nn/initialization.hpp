// Initial weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

namespace internal {

/// vectors[0..count) of `length` become orthonormal: Gram-Schmidt, twice over for accuracy (Giraud, Langou
/// and Rozloznik 2005). From normal draws the result is uniform over such matrices (the diagonal of R is
/// positive).
[[gnu::noinline]] inline void orthonormalise(std::vector<double>& vectors, std::size_t count,
                                             std::size_t length) {
  for (std::size_t i = 0; i < count; ++i) {
    double* const v = vectors.data() + i * length;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const double* const u = vectors.data() + j * length;
        double dot = 0;
        for (std::size_t k = 0; k < length; ++k) dot += u[k] * v[k];
        for (std::size_t k = 0; k < length; ++k) v[k] -= dot * u[k];
      }
    }
    double square = 0;
    for (std::size_t k = 0; k < length; ++k) square += v[k] * v[k];
    const double inverse = 1 / std::sqrt(square);
    for (std::size_t k = 0; k < length; ++k) v[k] *= inverse;
  }
}

/// A [rows][columns] matrix with orthogonal rows or columns, whichever are fewer, of length `gain`.
[[gnu::cold, gnu::noinline]] inline void fill_orthogonal(std::span<float> matrix, int rows, int columns,
                                                         float gain, auto& random) {
  const auto count = static_cast<std::size_t>(std::min(rows, columns));
  const auto length = static_cast<std::size_t>(std::max(rows, columns));
  std::vector<double> vectors(count * length);
  for (double& value : vectors) value = static_cast<double>(random.normal());
  orthonormalise(vectors, count, length);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < length; ++k) {
      const std::size_t at = rows <= columns ? i * length + k : k * count + i;
      matrix[at] = static_cast<float>(static_cast<double>(gain) * vectors[i * length + k]);
    }
  }
}

}  // namespace internal

/// Orthogonal weights (Saxe, McClelland and Ganguli 2014): hidden ones of gain `hidden_gain`, recurrent ones
/// of gain 1, output ones of the gain that the caller gives (PPO: 0.01 for a policy, 1 for a value); biases
/// zero.
struct Orthogonal {
  using word = word::Initialization;

  struct Config {
    float hidden_gain = 1.41421356f;
    static constexpr void fields(auto& self, auto&& visit) { visit("hidden_gain", self.hidden_gain); }
  };

  /// Fills `weights`, laid out as `layout`; `free` blocks are left as they are.
  static void fill(const Config& config, const Layout& layout, std::span<float> weights, float output_gain,
                   auto& random) {
    for (const Block& block : layout) {
      const std::span<float> values = weights.subspan(block.offset, block.size());
      switch (block.kind) {
        case BlockKind::hidden_weight:
          internal::fill_orthogonal(values, block.rows, block.columns, config.hidden_gain, random);
          break;
        case BlockKind::output_weight:
          internal::fill_orthogonal(values, block.rows, block.columns, output_gain, random);
          break;
        case BlockKind::recurrent_weight:
          internal::fill_orthogonal(values, block.rows, block.columns, 1.f, random);
          break;
        case BlockKind::bias:
          std::fill(values.begin(), values.end(), 0.f);
          break;
        case BlockKind::free:
          break;
      }
    }
  }
};

/// Uniform in +-bound / sqrt(inputs of the layer), weights and biases alike (with bound 1: PyTorch's Linear).
/// A layer's output gain multiplies its weights.
struct Uniform {
  using word = word::Initialization;

  struct Config {
    float bound = 1;
    static constexpr void fields(auto& self, auto&& visit) { visit("bound", self.bound); }
  };

  /// As Orthogonal::fill. A bias takes the inputs of the weights before it.
  static void fill(const Config& config, const Layout& layout, std::span<float> weights, float output_gain,
                   auto& random) {
    int inputs = 1;
    for (const Block& block : layout) {
      if (block.kind == BlockKind::free) continue;
      if (block.kind != BlockKind::bias) inputs = block.columns;
      const float gain = block.kind == BlockKind::output_weight ? output_gain : 1;
      const float bound = gain * config.bound / std::sqrt(static_cast<float>(inputs));
      for (float& value : weights.subspan(block.offset, block.size())) value = random.uniform(-bound, bound);
    }
  }
};

/// Fills a network's weights by an initialisation word: `initialize<Orthogonal>(config, layout, ...)`.
template <class Initialization, class Random>
void initialize(const typename Initialization::Config& config, const Layout& layout, std::span<float> weights,
                float output_gain, Random& random) {
  Initialization::fill(config, layout, weights, output_gain, random);
}

}  // namespace polis
