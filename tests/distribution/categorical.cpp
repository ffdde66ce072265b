#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/distribution/categorical.hpp>

#include "checks.hpp"

namespace {

using polis::Categorical;
using polis::In;
using polis::Out;

constexpr float logits[5] = {.5f, -1.f, 2.f, 0.f, 1.f};
constexpr float three_legal[5] = {1, 0, 1, 1, 0};

std::vector<double> softmax(const float* mask) {
  std::vector<double> p(5);
  double sum = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    p[i] = mask && mask[i] == 0.f ? 0 : std::exp(static_cast<double>(logits[i]));
    sum += p[i];
  }
  for (double& x : p) x /= sum;
  return p;
}

int sample(const float* x, const float* mask, float uniform) {
  float action = -1;
  Categorical<5>::sample<float>({x, 1}, {}, {mask, 1}, {&uniform, 1}, {&action, 1});
  return static_cast<int>(action);
}

}  // namespace

TEST_CASE("distribution/categorical: gradients, registers, consistency") {
  checks::all<Categorical<5>>();
  checks::all<Categorical<5>>(true);
  checks::all<Categorical<1>>();
  checks::all<Categorical<2>>(true);
}

TEST_CASE("distribution/categorical: log-probabilities and entropy of a softmax, with and without a mask") {
  for (const float* mask : {static_cast<const float*>(nullptr), &three_legal[0]}) {
    const std::vector<double> p = softmax(mask);
    double entropy = 0;
    for (int i = 0; i < 5; ++i) {
      const double q = p[static_cast<std::size_t>(i)];
      if (q == 0) continue;
      entropy -= q * std::log(q);
      const auto action = static_cast<float>(i);
      CHECK(Categorical<5>::log_prob<double>({logits, 1}, {}, {mask, 1}, {&action, 1}) ==
            doctest::Approx(std::log(q)).epsilon(1e-12));
      CHECK(Categorical<5>::log_prob<float>({logits, 1}, {}, {mask, 1}, {&action, 1}) ==
            doctest::Approx(std::log(q)).epsilon(1e-6));
    }
    CHECK(Categorical<5>::entropy<double>({logits, 1}, {}, {mask, 1}) ==
          doctest::Approx(entropy).epsilon(1e-12));
  }
}

TEST_CASE("distribution/categorical: samples have the probabilities; mode is the likeliest legal action") {
  polis::Random random = checks::stream(10);
  for (const float* mask : {static_cast<const float*>(nullptr), &three_legal[0]}) {
    std::vector<int> counts(5);
    for (int i = 0; i < 100'000; ++i)
      ++counts.at(static_cast<std::size_t>(sample(logits, mask, random.uniform())));
    CHECK(checks::chi_square(counts, softmax(mask), 100'000) < 18.5);  // 4 degrees of freedom, 0.1%
    if (mask) CHECK((counts[1] == 0 && counts[4] == 0));
  }
  float action = -1;
  Categorical<5>::mode<float>({logits, 1}, {}, {}, {&action, 1});
  CHECK(action == 2);
  const float without[5] = {1, 1, 0, 1, 1};
  Categorical<5>::mode<float>({logits, 1}, {}, {without, 1}, {&action, 1});
  CHECK(action == 4);
}

TEST_CASE("distribution/categorical: no uniform number and no logits lead to an illegal action") {
  const float extreme[5] = {80.f, -80.f, 1e4f, -1e4f, 0.f};
  const float uniforms[] = {0.f, 0x1p-24f, .5f, 1.f - 0x1p-24f};
  for (int bits = 1; bits < 32; ++bits) {
    float mask[5];
    for (int i = 0; i < 5; ++i) mask[i] = static_cast<float>(bits >> i & 1);
    CHECK(Categorical<5>::valid({mask, 1}));
    for (const float u : uniforms) {
      for (const float* x : {&logits[0], &extreme[0]}) {
        const int action = sample(x, mask, u);
        REQUIRE((action >= 0 && action < 5));
        CHECK(mask[action] == 1.f);
      }
    }
    float action = -1;
    Categorical<5>::mode<float>({extreme, 1}, {}, {mask, 1}, {&action, 1});
    CHECK(mask[static_cast<int>(action)] == 1.f);
  }
  const float nothing[5] = {};
  CHECK(!Categorical<5>::valid({nothing, 1}));
  CHECK(Categorical<5>::valid({}));
}

TEST_CASE("distribution/categorical: an illegal action's logit gets no gradient") {
  float d[5] = {9, 9, 9, 9, 9};
  const float action = 2;
  Categorical<5>::backward<float>({logits, 1}, {}, {three_legal, 1}, {&action, 1}, 1.f, 1.f, {d, 1}, {});
  CHECK(d[1] == 0);
  CHECK(d[4] == 0);
  CHECK(std::abs(d[0] + d[2] + d[3]) < 1e-6f);  // logits matter by their differences
}
