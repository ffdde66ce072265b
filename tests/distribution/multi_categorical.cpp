#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/distribution/multi_categorical.hpp>

#include "checks.hpp"

namespace {

using D = polis::MultiCategorical<3, 2>;
static_assert(polis::Distribution<D> && D::inputs == 5 && D::mask_size == 5 && D::words == 2 &&
              D::noise == 2);

constexpr float logits[5] = {.5f, -1, 2, 0, 1};

}  // namespace

TEST_CASE("distribution/multi_categorical: gradients, registers, consistency") {
  checks::all<D>();
  checks::all<D>(true);
  checks::all<polis::MultiCategorical<4, 2, 3>>(true);
}

TEST_CASE("distribution/multi_categorical: every combination has the product of its probabilities") {
  const float masks[2][5] = {{1, 1, 1, 1, 1}, {1, 0, 1, 0, 1}};
  for (const auto& mask : masks) {
    double first = 0, second = 0, entropy = 0, total = 0;
    for (int i = 0; i < 3; ++i)
      first += static_cast<double>(mask[i]) * std::exp(static_cast<double>(logits[i]));
    for (int j = 3; j < 5; ++j)
      second += static_cast<double>(mask[j]) * std::exp(static_cast<double>(logits[j]));
    std::vector<double> p;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 2; ++j) {
        const bool legal = mask[i] != 0.f && mask[3 + j] != 0.f;
        p.push_back(legal ? std::exp(static_cast<double>(logits[i] + logits[3 + j])) / (first * second) : 0);
        total += p.back();
        if (!legal) continue;
        entropy -= p.back() * std::log(p.back());
        const float action[2] = {static_cast<float>(i), static_cast<float>(j)};
        CHECK(D::log_prob<float>({logits, 1}, {}, {mask, 1}, {action, 1}) ==
              doctest::Approx(std::log(p.back())).epsilon(1e-6));
      }
    }
    CHECK(total == doctest::Approx(1));
    CHECK(D::entropy<double>({logits, 1}, {}, {mask, 1}) == doctest::Approx(entropy).epsilon(1e-6));
    polis::Random random = checks::stream(50);
    std::vector<int> counts(6);
    for (int n = 0; n < 50'000; ++n) {
      const float uniforms[2] = {random.uniform(), random.uniform()};
      float action[2];
      D::sample<float>({logits, 1}, {}, {mask, 1}, {uniforms, 1}, {action, 1});
      ++counts.at(static_cast<std::size_t>(2 * action[0] + action[1]));
    }
    CHECK(checks::chi_square(counts, p, 50'000) < 20.5);  // 5 degrees of freedom, 0.1%
    for (std::size_t i = 0; i < 6; ++i) CHECK((p[i] > 0 || counts[i] == 0));
  }
}

TEST_CASE("distribution/multi_categorical: greedy and valid part by part") {
  float action[2] = {};
  D::mode<float>({logits, 1}, {}, {}, {action, 1});
  CHECK((action[0] == 2 && action[1] == 1));
  const float first_only[5] = {0, 1, 0, 0, 0}, both[5] = {0, 1, 0, 1, 0};
  CHECK(!D::valid({first_only, 1}));
  CHECK(D::valid({both, 1}));
  D::mode<float>({logits, 1}, {}, {both, 1}, {action, 1});
  CHECK((action[0] == 1 && action[1] == 0));
}
