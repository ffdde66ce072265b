#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/distribution/dirichlet.hpp>

#include "checks.hpp"

namespace {

using D = polis::DirichletOn<3>;
static_assert(polis::Distribution<D> && D::inputs == 3 && D::weights == 0 && D::words == 3);

constexpr float inputs[3] = {-1, .5f, 2};

std::vector<double> gamma_variates(float shape, int count, std::uint32_t number) {
  polis::Random random = checks::stream(number);
  std::vector<double> drawn;
  for (int n = 0; n < count; ++n) {
    float uniforms[polis::internal::gamma_noise];
    for (float& u : uniforms) u = random.uniform();
    drawn.push_back(static_cast<double>(polis::internal::gamma_variate<float>(shape, {uniforms, 1})));
  }
  return drawn;
}

// The distribution function of a sum of `shape` exponential numbers (Erlang).
double erlang_cdf(int shape, double x) {
  double term = std::exp(-x), sum = 0;
  for (int k = 0; k < shape; ++k) {
    sum += term;
    term *= x / (k + 1);
  }
  return 1 - sum;
}

}  // namespace

TEST_CASE("distribution/gamma: variates have the distribution, from the lowest shape on") {
  constexpr int count = 20'000;
  for (const int shape : {1, 2, 5, 40}) {
    CAPTURE(shape);
    const auto drawn = gamma_variates(static_cast<float>(shape), count, 40u + static_cast<unsigned>(shape));
    CHECK(checks::distance(drawn, [shape](double x) { return erlang_cdf(shape, x); }) < 1.95);
    const auto found = checks::moments(drawn);
    CHECK(std::abs(found.mean - shape) < 3.3 * std::sqrt(shape / double{count}));
    CHECK(found.variance == doctest::Approx(shape).epsilon(.08));
  }
}

TEST_CASE("distribution/gamma: refused at every attempt, a variate is the proposals' mode") {
  const float uniforms[polis::internal::gamma_noise] = {};  // a threshold of 1 refuses all
  CHECK(polis::internal::gamma_variate<float>(3.f, {uniforms, 1}) == doctest::Approx(3 - 1. / 3));
}

TEST_CASE("distribution/dirichlet: gradients, registers, consistency") {
  checks::all<polis::DirichletOn<2>>();
  checks::all<D>();
  checks::all<polis::DirichletOn<6>>();
}

TEST_CASE("distribution/dirichlet: density and entropy in closed form") {
  // scipy 1.17: dirichlet(concentrations).logpdf(shares), .entropy().
  const float shares[3] = {.25f, .125f, .625f};
  CHECK(D::log_prob<double>({inputs, 1}, {}, {}, {shares, 1}) ==
        doctest::Approx(1.3576477419012525).epsilon(1e-12));
  CHECK(D::entropy<double>({inputs, 1}, {}, {}) == doctest::Approx(-1.1585085528425325).epsilon(1e-12));
  CHECK(D::log_prob<float>({inputs, 1}, {}, {}, {shares, 1}) ==
        doctest::Approx(1.3576477419012525).epsilon(1e-6));
  CHECK(D::entropy<float>({inputs, 1}, {}, {}) == doctest::Approx(-1.1585085528425325).epsilon(1e-6));
  const float zeros[4] = {};
  CHECK(polis::DirichletOn<4>::entropy<float>({zeros, 1}, {}, {}) ==
        doctest::Approx(-2.015434932937055).epsilon(1e-6));
}

TEST_CASE("distribution/dirichlet: large concentrations keep their digits in floats") {
  const float large[3] = {1000, 500, 250}, shares[3] = {.5625f, .3125f, .125f};
  constexpr double log_prob = 3.1846904296874072, entropy = -6.510993150173817;  // scipy 1.17
  CHECK(D::log_prob<double>({large, 1}, {}, {}, {shares, 1}) == doctest::Approx(log_prob).epsilon(1e-11));
  CHECK(D::entropy<double>({large, 1}, {}, {}) == doctest::Approx(entropy).epsilon(1e-11));
  CHECK(std::abs(static_cast<double>(D::log_prob<float>({large, 1}, {}, {}, {shares, 1})) - log_prob) < 1e-4);
  CHECK(std::abs(static_cast<double>(D::entropy<float>({large, 1}, {}, {})) - entropy) < 2e-6);
}

TEST_CASE("distribution/dirichlet: samples are on the simplex with the mean, covariance and deciles") {
  constexpr int count = 20'000;
  const auto shares = checks::draw<D>(inputs, nullptr, count, 32);
  // scipy 1.17: dirichlet(concentrations).mean(), .var(); each share is a Beta variate, its .ppf(.1, ...,
  // .9).
  const double mean[3] = {.2047407369343999, .30776347193229486, .48749579113330527};
  const double variance[3] = {.02196063003141911, .028734482639044292, .03369768791055174};
  const std::vector<double> deciles[3] = {
      {.04006837, .07189894, .10363607, .13697813, .17329862, .21433347, .26291311, .32481608, .41668835},
      {.10043117, .15195914, .19752038, .24168053, .28681994, .33507662, .38932221, .45489477, .54643366},
      {.24298434, .31963401, .38021900, .43438838, .48611970, .53805508, .59288496, .65478184, .73406025}};
  double product = 0;
  for (std::size_t n = 0; n < count; ++n) {
    REQUIRE(std::abs(shares[0][n] + shares[1][n] + shares[2][n] - 1) < 1e-6);
    product += (shares[0][n] - mean[0]) * (shares[1][n] - mean[1]);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const auto found = checks::moments(shares[i]);
    CHECK(std::abs(found.mean - mean[i]) < 3.3 * std::sqrt(variance[i] / count));
    CHECK(found.variance == doctest::Approx(variance[i]).epsilon(.04));
    CHECK(checks::chi_square_of_deciles(shares[i], deciles[i]) < 27.9);
  }
  CHECK(product / count == doctest::Approx(-0.0084987124).epsilon(.06));  // -mean_0 mean_1 / (sum of all + 1)
}

TEST_CASE("distribution/dirichlet: the greedy action is the mean; empty shares keep finite densities") {
  float shares[3] = {};
  D::mode<float>({inputs, 1}, {}, {}, {shares, 1});
  CHECK(shares[0] == doctest::Approx(.2047407369343999));
  CHECK(shares[2] == doctest::Approx(.48749579113330527));
  const float extreme[3] = {1e4f, -1e4f, 0}, corner[3] = {0, 1, 0};
  const auto e = D::evaluate<float>({extreme, 1}, {}, {}, {corner, 1});
  CHECK((std::isfinite(e.log_prob) && std::isfinite(e.entropy)));
  float d[3] = {};
  D::backward<float>({extreme, 1}, {}, {}, {corner, 1}, 1.f, 1.f, {d, 1}, {});
  for (const float x : d) CHECK(std::isfinite(x));
}
