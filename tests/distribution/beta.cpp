#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <polis/distribution/beta.hpp>

#include "checks.hpp"

namespace {

using polis::Box;

struct Four : Box<4> {
  static constexpr polis::Array<float, 4> low{{-2, 0, -1, 10}}, high{{3, 1, 1, 10.5f}};
};
struct Unit : Box<1> {
  static constexpr float low = 0, high = 1;
};
struct HalfOpen : Box<1> {
  static constexpr float low = 0, high = std::numeric_limits<float>::infinity();
};
struct Empty : Box<2> {
  static constexpr float low = 1, high = 1;
};
static_assert(polis::FiniteBox<Four> && polis::FiniteBox<Unit> && polis::AnyBox<Box<2>>);
static_assert(!polis::FiniteBox<Box<2>> && !polis::FiniteBox<HalfOpen> && !polis::FiniteBox<Empty>);
static_assert(!polis::FiniteBox<polis::Simplex<3>> && !polis::AnyBox<polis::Simplex<3>>);

using D = polis::BetaOn<Four>;
static_assert(polis::Distribution<D> && D::inputs == 8 && D::weights == 0 && D::words == 4);

// alpha and beta of the four, less one, before softplus.
constexpr float inputs[8] = {-1.5f, 3, 0, 20, .25f, -.5f, 0, 30.5f};

}  // namespace

TEST_CASE("distribution/beta: gradients, registers, consistency") {
  checks::all<polis::BetaOn<Unit>>();
  checks::all<D>();
}

TEST_CASE("distribution/beta: density and entropy on the Box's own scale") {
  // scipy 1.17: sums of beta(alpha, beta, loc=low, scale=high - low).logpdf(action) and .entropy().
  constexpr double log_prob = 1.0103636484445206, entropy = -.3039788925621387;
  const float action[4] = {1.25f, .875f, -.5f, 10.1875f};
  CHECK(D::log_prob<double>({inputs, 1}, {}, {}, {action, 1}) == doctest::Approx(log_prob).epsilon(1e-12));
  CHECK(D::entropy<double>({inputs, 1}, {}, {}) == doctest::Approx(entropy).epsilon(1e-12));
  CHECK(D::log_prob<float>({inputs, 1}, {}, {}, {action, 1}) == doctest::Approx(log_prob).epsilon(2e-6));
  CHECK(D::entropy<float>({inputs, 1}, {}, {}) == doctest::Approx(entropy).epsilon(2e-6));
}

TEST_CASE("distribution/beta: samples have its mean, variance and deciles") {
  constexpr int count = 20'000;
  const auto actions = checks::draw<D>(inputs, nullptr, count, 31);
  // scipy 1.17: beta(...).mean(), .var(), .ppf(.1, ..., .9).
  const double mean[4] = {-.015736192827178863, .7330858993843062, 0, 10.200000000011778};
  const double variance[4] = {1.485843587174637, .029998625321809497, .2279828752178602,
                              .0011214953270816098};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto found = checks::moments(actions[i]);
    CHECK(std::abs(found.mean - mean[i]) < 3.3 * std::sqrt(variance[i] / count));
    CHECK(found.variance == doctest::Approx(variance[i]).epsilon(.04));
  }
  const auto on_box = [](std::vector<double> deciles, double low, double length) {
    for (double& x : deciles) x = low + length * x;
    return deciles;
  };
  CHECK(
      checks::chi_square_of_deciles(actions[0], on_box({.08603397, .15768295, .22759484, .29835956, .37172061,
                                                        .44951233, .53431391, .63073939, .75014788},
                                                       -2, 5)) < 27.9);
  CHECK(
      checks::chi_square_of_deciles(actions[3], on_box({.31450099, .34268994, .36352159, .38160921, .39872079,
                                                        .41599941, .43463473, .45658798, .48717533},
                                                       10, .5)) < 27.9);
  double product = 0;  // the four are independent
  for (std::size_t n = 0; n < count; ++n) product += (actions[0][n] - mean[0]) * (actions[1][n] - mean[1]);
  CHECK(std::abs(product) / std::sqrt(count * variance[0] * variance[1]) < 3.3);
}

TEST_CASE("distribution/beta: the greedy action is the mean, within the bounds at any input") {
  float action[4] = {};
  D::mode<float>({inputs, 1}, {}, {}, {action, 1});
  CHECK(action[0] == doctest::Approx(-.015736192827178863));
  CHECK(action[3] == doctest::Approx(10.2));
  const float extreme[8] = {1e4f, -1e4f, 80, -80, -1e4f, 1e4f, -80, 80};
  float d[8] = {};
  D::mode<float>({extreme, 1}, {}, {}, {action, 1});
  for (int bound = 0; bound < 2; ++bound) {
    if (bound == 1) action[0] = -2, action[1] = 1, action[2] = 1, action[3] = 10;
    for (int i = 0; i < 4; ++i) CHECK((action[i] >= Four::low[i] && action[i] <= Four::high[i]));
    const auto e = D::evaluate<float>({extreme, 1}, {}, {}, {action, 1});
    CHECK((std::isfinite(e.log_prob) && std::isfinite(e.entropy)));
    D::backward<float>({extreme, 1}, {}, {}, {action, 1}, 1.f, 1.f, {d, 1}, {});
    for (const float x : d) CHECK(std::isfinite(x));
  }
}
