// Checks that every distribution has to pass: gradients against finite differences, registers against floats.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/distribution/distribution.hpp>

namespace checks {

using polis::In;
using polis::Out;
using polis::Random;

inline Random stream(std::uint32_t number) { return Random(20, 0, number, 0, polis::Purpose::test); }

/// A tile of parameters at random, with actions sampled from them. Without `masked` everything is legal.
template <polis::Distribution D>
struct Samples {
  static std::vector<float> tile(int features) {
    return std::vector<float>(static_cast<std::size_t>(std::max(1, features)) * polis::tile_rows);
  }
  std::vector<float> inputs = tile(D::inputs), weights = tile(D::weights), mask = tile(D::mask_size);
  std::vector<float> uniforms = tile(D::noise), actions = tile(D::words);
  bool masked;

  explicit Samples(std::uint32_t number, bool with_mask = false) : masked(with_mask) {
    Random random = stream(number);
    for (float& x : inputs) x = 1.5f * random.normal();
    for (float& x : weights) x = .3f * random.normal();
    for (float& x : uniforms) x = random.uniform();
    for (int row = 0; row < polis::tile_rows; ++row) {
      do {
        for (int i = 0; i < D::mask_size; ++i) at(mask, i, row) = random.integer(3) > 0 ? 1.f : 0.f;
      } while (!D::valid({&mask[static_cast<std::size_t>(row)], polis::tile_rows}));
      D::template sample<float>(in<float>(inputs, row), in<float>(weights, row), legal<float>(row),
                                in<float>(uniforms, row), out<float>(actions, row));
    }
  }

  static float& at(std::vector<float>& tile, int feature, int row) {
    return tile[static_cast<std::size_t>(feature * polis::tile_rows + row)];
  }
  template <class T>
  static In<T> in(const std::vector<float>& tile, int row) {
    return {tile.data() + row, polis::tile_rows};
  }
  template <class T>
  static Out<T> out(std::vector<float>& tile, int row) {
    return {tile.data() + row, polis::tile_rows};
  }
  template <class T>
  [[nodiscard]] In<T> legal(int row) const {
    return masked ? in<T>(mask, row) : In<T>{};
  }
  template <class T>
  [[nodiscard]] polis::Evaluation<T> evaluate(int row) const {
    return D::template evaluate<T>(in<T>(inputs, row), in<T>(weights, row), legal<T>(row),
                                   in<T>(actions, row));
  }
};

/// Central differences of 0.7 log p - 0.4 H by every input and free weight, against `backward`.
template <polis::Distribution D>
void gradient(bool masked) {
  using S = Samples<D>;
  S s(1, masked);
  constexpr double by_log_prob = .7, by_entropy = -.4;
  std::vector<float> d_inputs = S::tile(D::inputs), d_weights = S::tile(D::weights);
  std::fill(d_inputs.begin(), d_inputs.end(), 99.f);   // must be overwritten
  std::fill(d_weights.begin(), d_weights.end(), 2.f);  // must be added to
  for (int row = 0; row < 8; ++row) {
    D::template backward<double>(
        S::template in<double>(s.inputs, row), S::template in<double>(s.weights, row),
        s.template legal<double>(row), S::template in<double>(s.actions, row), by_log_prob, by_entropy,
        S::template out<double>(d_inputs, row), S::template out<double>(d_weights, row));
    const auto difference = [&](float& x) {
      const float kept = x, up = kept + 1.f / 4096, down = kept - 1.f / 4096;
      x = up;
      const auto above = s.template evaluate<double>(row);
      x = down;
      const auto below = s.template evaluate<double>(row);
      x = kept;
      return (by_log_prob * (above.log_prob - below.log_prob) +
              by_entropy * (above.entropy - below.entropy)) /
             (static_cast<double>(up) - static_cast<double>(down));
    };
    const auto close = [](double found, double expected) {
      return std::abs(found - expected) < 2e-6 * (1 + std::abs(expected));
    };
    for (int i = 0; i < D::inputs; ++i) {
      CAPTURE(i);
      const double expected = difference(S::at(s.inputs, i, row));
      CHECK(close(static_cast<double>(S::at(d_inputs, i, row)), expected));
    }
    for (int i = 0; i < D::weights; ++i) {
      CAPTURE(i);
      const double expected = difference(S::at(s.weights, i, row));
      CHECK(close(static_cast<double>(S::at(d_weights, i, row)) - 2, expected));
    }
  }
}

/// Sampling, mode, evaluation and backward of a tile in registers, against the same in floats.
template <polis::Distribution D>
void registers(bool masked) {
  using S = Samples<D>;
  using T = polis::Batch<>;
  S s(2, masked);
  std::vector<float> results[2][6];
  for (auto& r : results) {
    r[0] = S::tile(D::words), r[1] = S::tile(D::words), r[2] = S::tile(1), r[3] = S::tile(1);
    r[4] = S::tile(D::inputs), r[5] = S::tile(D::weights);
  }
  const auto run = [&]<class U>(U, int row, std::vector<float>(&r)[6]) {
    const auto inputs = S::template in<U>(s.inputs, row), weights = S::template in<U>(s.weights, row);
    const auto legal = s.template legal<U>(row), action = S::template in<U>(s.actions, row);
    D::template sample<U>(inputs, weights, legal, S::template in<U>(s.uniforms, row),
                          S::template out<U>(r[0], row));
    D::template mode<U>(inputs, weights, legal, S::template out<U>(r[1], row));
    const auto e = s.template evaluate<U>(row);
    S::template out<U>(r[2], row).set(0, e.log_prob);
    S::template out<U>(r[3], row).set(0, e.entropy);
    D::template backward<U>(inputs, weights, legal, action, U(.7f), U(-.4f), S::template out<U>(r[4], row),
                            S::template out<U>(r[5], row));
  };
  for (int row = 0; row < polis::tile_rows; ++row) run(float{}, row, results[0]);
  for (int row = 0; row < polis::tile_rows; row += polis::batch_width<T>) run(T(0.f), row, results[1]);
  for (int k = 0; k < 6; ++k) {
    for (std::size_t i = 0; i < results[0][k].size(); ++i) {
      REQUIRE(std::abs(results[0][k][i] - results[1][k][i]) <= 4e-6f * (1 + std::abs(results[0][k][i])));
    }
  }
}

/// evaluate() must be log_prob() and entropy().
template <polis::Distribution D>
void consistency(bool masked) {
  using S = Samples<D>;
  const S s(3, masked);
  for (int row = 0; row < polis::tile_rows; ++row) {
    const auto e = s.template evaluate<float>(row);
    const auto inputs = S::template in<float>(s.inputs, row), weights = S::template in<float>(s.weights, row);
    const auto legal = s.template legal<float>(row);
    CHECK(D::template log_prob<float>(inputs, weights, legal, S::template in<float>(s.actions, row)) ==
          e.log_prob);
    CHECK(D::template entropy<float>(inputs, weights, legal) == e.entropy);
  }
}

/// The divergence from another distribution: what samples of their log-probabilities' difference have as a
/// mean; zero from itself; its gradient against central differences; registers against floats.
template <polis::HasDivergence D>
void divergence(bool masked) {
  using S = Samples<D>;
  S p(4, masked);
  const S q(5);
  const auto from_q = [&]<class T>(T, int row) {
    return D::template divergence<T>(S::template in<T>(p.inputs, row), S::template in<T>(p.weights, row),
                                     S::template in<T>(q.inputs, row), S::template in<T>(q.weights, row),
                                     p.template legal<T>(row));
  };
  std::vector<float> d_inputs(p.inputs.size(), 3.f), d_weights(p.weights.size(), 2.f);  // to be added to
  Random random = stream(6);
  for (int row = 0; row < 4; ++row) {
    const auto inputs = S::template in<double>(p.inputs, row), free = S::template in<double>(p.weights, row);
    const auto legal = p.template legal<double>(row);
    CHECK(std::abs(D::template divergence<double>(inputs, free, inputs, free, legal)) < 1e-6);
    std::vector<double> differences;
    std::vector<float> uniforms = S::tile(D::noise), action = S::tile(D::words);
    for (int n = 0; n < 20'000; ++n) {
      for (int i = 0; i < D::noise; ++i) S::at(uniforms, i, 0) = random.uniform();
      D::template sample<float>(S::template in<float>(p.inputs, row), S::template in<float>(p.weights, row),
                                p.template legal<float>(row), S::template in<float>(uniforms, 0),
                                S::template out<float>(action, 0));
      const auto taken = S::template in<double>(action, 0);
      differences.push_back(D::template log_prob<double>(inputs, free, legal, taken) -
                            D::template log_prob<double>(S::template in<double>(q.inputs, row),
                                                         S::template in<double>(q.weights, row), legal,
                                                         taken));
    }
    double mean = 0, square = 0;
    for (const double x : differences) mean += x / 20'000, square += x * x / 20'000;
    CHECK(std::abs(mean - from_q(0., row)) < 1e-4 + 4 * std::sqrt((square - mean * mean) / 20'000));

    D::template add_divergence_gradient<double>(
        inputs, free, S::template in<double>(q.inputs, row), S::template in<double>(q.weights, row), legal,
        .7, S::template out<double>(d_inputs, row), S::template out<double>(d_weights, row));
    const auto check = [&](float& x, float found) {
      const float kept = x, up = kept + 1.f / 4096, down = kept - 1.f / 4096;
      x = up;
      const double above = from_q(0., row);
      x = down;
      const double below = from_q(0., row);
      x = kept;
      const double expected = .7 * (above - below) / (static_cast<double>(up) - static_cast<double>(down));
      CHECK(std::abs(static_cast<double>(found) - expected) < 2e-6 * (1 + std::abs(expected)));
    };
    for (int i = 0; i < D::inputs; ++i) check(S::at(p.inputs, i, row), S::at(d_inputs, i, row) - 3);
    for (int i = 0; i < D::weights; ++i) check(S::at(p.weights, i, row), S::at(d_weights, i, row) - 2);
  }
  using T = polis::Batch<>;
  std::vector<float> of_registers = S::tile(1);
  for (int row = 0; row < polis::tile_rows; row += polis::batch_width<T>) {
    S::template out<T>(of_registers, row).set(0, from_q(T(0.f), row));
  }
  for (int row = 0; row < polis::tile_rows; ++row) {
    const float expected = from_q(0.f, row);
    CHECK(std::abs(of_registers[static_cast<std::size_t>(row)] - expected) <= 4e-5f * (1 + expected));
  }
}

template <polis::Distribution D>
void all(bool masked = false) {
  gradient<D>(masked);
  registers<D>(masked);
  consistency<D>(masked);
  if constexpr (polis::HasDivergence<D>) divergence<D>(masked);
}

/// Pearson's statistic of counts against probabilities that sum to one.
inline double chi_square(const std::vector<int>& counts, const std::vector<double>& probabilities,
                         int total) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * total;
    if (expected > 0) sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

/// Pearson's statistic of numbers counted between the deciles of a distribution: 27.9 is exceeded once in a
/// thousand times.
inline double chi_square_of_deciles(const std::vector<double>& x, const std::vector<double>& deciles) {
  std::vector<int> counts(10);
  for (const double value : x) {
    ++counts.at(
        static_cast<std::size_t>(std::upper_bound(deciles.begin(), deciles.end(), value) - deciles.begin()));
  }
  return chi_square(counts, std::vector<double>(10, .1), static_cast<int>(x.size()));
}

/// Largest distance between the sample's distribution function and `cdf`, times sqrt(n) (Kolmogorov and
/// Smirnov): 1.95 is exceeded once in a thousand times.
template <class Cdf>
double distance(std::vector<double> x, const Cdf& cdf) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::abs(cdf(x[i]) - (static_cast<double>(i) + .5) / n));
  }
  return largest * std::sqrt(n);
}
inline double normal_cdf(double x) { return .5 * std::erfc(-x / std::sqrt(2.)); }

struct Moments {
  double mean, variance;
};
inline Moments moments(const std::vector<double>& x) {
  double sum = 0, squares = 0;
  for (const double value : x) sum += value;
  const auto n = static_cast<double>(x.size());
  for (const double value : x) squares += (value - sum / n) * (value - sum / n);
  return {sum / n, squares / (n - 1)};
}

/// `count` actions of one row of inputs and free weights, word by word.
template <polis::Distribution D>
std::vector<std::vector<double>> draw(const float* inputs, const float* weights, int count,
                                      std::uint32_t number) {
  std::vector<std::vector<double>> words(D::words);
  Random random = stream(number);
  for (int n = 0; n < count; ++n) {
    float uniforms[D::noise], action[D::words];
    for (float& u : uniforms) u = random.uniform();
    D::template sample<float>({inputs, 1}, {weights, 1}, {}, {uniforms, 1}, {action, 1});
    for (int i = 0; i < D::words; ++i)
      words[static_cast<std::size_t>(i)].push_back(static_cast<double>(action[i]));
  }
  return words;
}

}  // namespace checks
