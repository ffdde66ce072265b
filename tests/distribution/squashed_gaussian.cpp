#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <polis/distribution/squashed_gaussian.hpp>

#include "checks.hpp"

namespace {

using polis::Box;

struct Torque : Box<2> {
  static constexpr polis::Array<float, 2> low{{-1, -2}}, high{{1, 3}};
};
struct Endless : Box<1> {
  static constexpr float low = 0, high = std::numeric_limits<float>::infinity();
};
using D = polis::SquashedGaussianOn<Torque>;
using Unit = polis::SquashedGaussianOn<Box<1>>;
static_assert(polis::Distribution<D> && D::inputs == 2 && D::weights == 2 && D::mask_size == 0);

constexpr float mean[2] = {.5f, -1}, log_std[2] = {.25f, -.5f};

double unit_entropy(double m, double std) {
  const auto x = static_cast<float>(m), log = static_cast<float>(std::log(std));
  return Unit::entropy<double>({&x, 1}, {&log, 1}, {});
}

}  // namespace

TEST_CASE("distribution/squashed_gaussian: gradients, registers, consistency") {
  checks::all<D>();
  checks::all<Unit>();
  checks::all<polis::SquashedGaussianOn<Box<5>>>();
}

TEST_CASE("distribution/squashed_gaussian: the density of the actions, with its change of variables") {
  // scipy 1.17: norm(mean, std).logpdf(arctanh(u)) - log(half) - log(1 - u^2), u = (a - middle) / half.
  constexpr double expected = -.4100963209917814 - .32679482499522794;
  const float action[2] = {.75f, -1.5f};
  CHECK(D::log_prob<double>({mean, 1}, {log_std, 1}, {}, {action, 1}) ==
        doctest::Approx(expected).epsilon(1e-12));
  CHECK(D::log_prob<float>({mean, 1}, {log_std, 1}, {}, {action, 1}) ==
        doctest::Approx(expected).epsilon(1e-6));
  double mass = 0;  // it integrates to one between the bounds
  constexpr int cells = 20'000;
  for (int i = 0; i < cells; ++i) {
    const float a = static_cast<float>(2 * (i + .5) / cells - 1);
    mass += std::exp(Unit::log_prob<double>({mean, 1}, {log_std, 1}, {}, {&a, 1})) * 2 / cells;
  }
  CHECK(mass == doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE("distribution/squashed_gaussian: the entropy is the integral's") {
  // scipy 1.17: integrate.quad of the log slope against the normal density, plus the coordinates' entropy.
  const double both = .43140024005054434 + .8011050101449415;
  CHECK(std::abs(D::entropy<double>({mean, 1}, {log_std, 1}, {}) - both) < 1e-3);
  CHECK(std::abs(static_cast<double>(D::entropy<float>({mean, 1}, {log_std, 1}, {})) - both) < 1e-3);
  CHECK(std::abs(unit_entropy(0, .5) - .49996734706973844) < 1e-6);
  CHECK(std::abs(unit_entropy(2, 1) + 1.366658496290575) < 1e-4);
  CHECK(std::abs(unit_entropy(0, 2) + .0012334187010645259) < .01);
  CHECK(std::abs(unit_entropy(1.5, 3) + 1.6583814157468595) < .05);
  // An almost even density: log 2 is the most there is on (-1, 1).
  CHECK(unit_entropy(0, .87) > .98 * std::log(2));
  CHECK(unit_entropy(0, .87) < std::log(2));
  CHECK(unit_entropy(0, .8) < unit_entropy(0, .87));
  CHECK(unit_entropy(0, 1) < unit_entropy(0, .87));
}

TEST_CASE("distribution/squashed_gaussian: samples lie within the bounds, their coordinates are normal") {
  const auto actions = checks::draw<D>(mean, log_std, 20'000, 21);
  const double middle[2] = {0, .5}, half[2] = {1, 2.5};
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<double> z;
    for (const double a : actions[i]) {
      REQUIRE(std::abs(a - middle[i]) < half[i]);
      z.push_back((std::atanh((a - middle[i]) / half[i]) - static_cast<double>(mean[i])) /
                  std::exp(static_cast<double>(log_std[i])));
    }
    CHECK(checks::distance(z, checks::normal_cdf) < 1.95);
    CHECK(std::abs(checks::moments(z).mean) < 3.3 / std::sqrt(20'000.));
    CHECK(checks::moments(z).variance == doctest::Approx(1).epsilon(.035));
  }
}

TEST_CASE("distribution/squashed_gaussian: the greedy action is the median; no bounds mean (-1, 1)") {
  float action[2] = {};
  D::mode<float>({mean, 1}, {log_std, 1}, {}, {action, 1});
  CHECK(action[0] == doctest::Approx(std::tanh(.5)));
  CHECK(action[1] == doctest::Approx(.5 + 2.5 * std::tanh(-1.)));
  const float unbounded[1] = {-1};
  polis::SquashedGaussianOn<Endless>::mode<float>({unbounded, 1}, {log_std, 1}, {}, {action, 1});
  CHECK(action[0] == doctest::Approx(std::tanh(-1.)));
}

TEST_CASE("distribution/squashed_gaussian: saturated actions keep finite densities and gradients") {
  for (const float extreme : {-50.f, 50.f}) {
    const float means[2] = {extreme, -extreme};
    float action[2] = {}, d_means[2] = {}, d_log_stds[2] = {};
    D::mode<float>({means, 1}, {log_std, 1}, {}, {action, 1});
    CHECK(std::abs(action[0]) <= 1.f);
    CHECK((action[1] >= -2.f && action[1] <= 3.f));
    for (const float at : {action[0], extreme > 0 ? 1.f : -1.f}) {
      const float taken[2] = {at, action[1]};
      const auto e = D::evaluate<float>({means, 1}, {log_std, 1}, {}, {taken, 1});
      CHECK((std::isfinite(e.log_prob) && std::isfinite(e.entropy)));
      D::backward<float>({means, 1}, {log_std, 1}, {}, {taken, 1}, 1.f, 1.f, {d_means, 1}, {d_log_stds, 1});
      CHECK((std::isfinite(d_means[0]) && std::isfinite(d_log_stds[0])));
    }
  }
}
