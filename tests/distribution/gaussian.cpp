#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/distribution/diag_gaussian.hpp>
#include <polis/distribution/simplex_gaussian.hpp>

#include "checks.hpp"

namespace {

using polis::DiagGaussian;
using polis::SimplexGaussian;

}  // namespace

TEST_CASE("distribution/diag_gaussian: gradients, registers, consistency") {
  checks::all<DiagGaussian<1>>();
  checks::all<DiagGaussian<3>>();
  checks::all<DiagGaussian<4>>();
}

TEST_CASE("distribution/diag_gaussian: density and entropy in closed form, mode, first weights") {
  const float mean[2] = {.5f, -1}, log_std[2] = {.25f, -.5f}, action[2] = {1, -2};
  double log_prob = 0, entropy = 0;
  for (int i = 0; i < 2; ++i) {
    const double std = std::exp(static_cast<double>(log_std[i]));
    const double z = static_cast<double>(action[i] - mean[i]) / std;
    log_prob += std::log(std::exp(-z * z / 2) / (std * std::sqrt(2 * M_PI)));
    entropy += .5 * std::log(2 * M_PI * std::exp(1.) * std * std);
  }
  using D = DiagGaussian<2>;
  CHECK(D::log_prob<double>({mean, 1}, {log_std, 1}, {}, {action, 1}) ==
        doctest::Approx(log_prob).epsilon(1e-12));
  CHECK(D::entropy<double>({mean, 1}, {log_std, 1}, {}) == doctest::Approx(entropy).epsilon(1e-12));
  CHECK(D::log_prob<float>({mean, 1}, {log_std, 1}, {}, {action, 1}) ==
        doctest::Approx(log_prob).epsilon(1e-6));
  float greedy[2] = {}, weights[2] = {};
  D::mode<float>({mean, 1}, {log_std, 1}, {}, {greedy, 1});
  CHECK((greedy[0] == mean[0] && greedy[1] == mean[1]));
  D::initialize({.log_std = -.75f}, weights);
  CHECK((weights[0] == -.75f && weights[1] == -.75f));
}

TEST_CASE("distribution/diag_gaussian: samples are normal with mean and deviation, and unrelated") {
  const float mean[3] = {.5f, -1, 3}, log_std[3] = {.25f, -.5f, 0};
  constexpr int count = 20'000;
  std::vector<double> z[3];
  polis::Random random = checks::stream(11);
  for (int n = 0; n < count; ++n) {
    float uniforms[DiagGaussian<3>::noise], action[3];
    for (float& u : uniforms) u = random.uniform();
    DiagGaussian<3>::sample<float>({mean, 1}, {log_std, 1}, {}, {uniforms, 1}, {action, 1});
    for (int i = 0; i < 3; ++i) {
      z[i].push_back(static_cast<double>((action[i] - mean[i]) / std::exp(log_std[i])));
    }
  }
  for (int i = 0; i < 3; ++i) {
    CHECK(checks::distance(z[i], checks::normal_cdf) < 1.95);  // 0.1%
    double product = 0;
    for (std::size_t n = 0; n < count; ++n) product += z[i][n] * z[(i + 1) % 3][n];
    CHECK(std::abs(product) / std::sqrt(static_cast<double>(count)) < 3.5);
  }
}

TEST_CASE("distribution/simplex_gaussian: gradients, registers, consistency") {
  checks::all<SimplexGaussian<2>>();
  checks::all<SimplexGaussian<4>>();
}

TEST_CASE(
    "distribution/simplex_gaussian: shares are on the simplex, their log ratios the normal coordinates") {
  using D = SimplexGaussian<3>;
  const float mean[2] = {.5f, -1}, log_std[2] = {.25f, -.5f};
  std::vector<double> z[2];
  polis::Random random = checks::stream(12);
  for (int n = 0; n < 5'000; ++n) {
    float uniforms[D::noise], shares[3];
    for (float& u : uniforms) u = random.uniform();
    D::sample<float>({mean, 1}, {log_std, 1}, {}, {uniforms, 1}, {shares, 1});
    REQUIRE(std::abs(shares[0] + shares[1] + shares[2] - 1) < 1e-6f);
    float y[2];
    for (int i = 0; i < 2; ++i) {
      REQUIRE(shares[i] > 0);
      y[i] = std::log(shares[i] / shares[2]);
      z[i].push_back(static_cast<double>((y[i] - mean[i]) / std::exp(log_std[i])));
    }
    CHECK(D::log_prob<float>({mean, 1}, {log_std, 1}, {}, {shares, 1}) ==
          doctest::Approx(polis::DiagGaussian<2>::log_prob<float>({mean, 1}, {log_std, 1}, {}, {y, 1}))
              .epsilon(1e-4));
  }
  for (const auto& coordinate : z) CHECK(checks::distance(coordinate, checks::normal_cdf) < 1.95);
  float shares[3] = {};
  D::mode<float>({mean, 1}, {log_std, 1}, {}, {shares, 1});
  CHECK(shares[0] / shares[2] == doctest::Approx(std::exp(.5)));
  CHECK(shares[1] / shares[2] == doctest::Approx(std::exp(-1.)));
}

TEST_CASE("distribution/simplex_gaussian: shares next to nothing keep a finite log-probability") {
  const float mean[2] = {200, -200}, log_std[2] = {};
  float shares[3] = {};
  SimplexGaussian<3>::mode<float>({mean, 1}, {log_std, 1}, {}, {shares, 1});
  CHECK(shares[0] == 1.f);
  CHECK((shares[1] > 0 && shares[1] < 1e-29f));
  CHECK(std::isfinite(SimplexGaussian<3>::log_prob<float>({mean, 1}, {log_std, 1}, {}, {shares, 1})));
}
