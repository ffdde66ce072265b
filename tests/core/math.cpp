#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <polis/core/math.hpp>

namespace {

using polis::Batch;
namespace math = polis::math;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

struct Error {
  double ulp = 0;       // in units in the last place of the true value
  double relative = 0;  // to the true value
  double absolute = 0;
  float largest = 0;  // largest result in absolute value
  void add(double found, double truth) {
    int exponent = 0;
    std::frexp(truth, &exponent);
    const double unit = std::ldexp(1., std::max(exponent - 24, -149));
    const double difference = std::abs(found - truth);
    absolute = std::max(absolute, difference);
    ulp = std::max(ulp, difference / unit);
    if (truth != 0) relative = std::max(relative, difference / std::abs(truth));
    largest = std::max(largest, std::abs(static_cast<float>(found)));
  }
};

// Compares f on floats and on registers with the double-precision truth at `count` points from low to high:
// evenly spaced, or evenly in their logarithms.
template <class F, class Truth>
Error error(F f, Truth truth, double low, double high, int count, bool logarithmic = false) {
  Error result;
  constexpr int width = polis::batch_width<Batch<>>;
  for (int i = 0; i < count; i += width) {
    float x[width], y[width];
    for (int k = 0; k < width; ++k) {
      const double at = static_cast<double>(i + k) / count;
      x[k] = static_cast<float>(logarithmic ? low * std::pow(high / low, at) : low + (high - low) * at);
    }
    f(Batch<>::load_unaligned(x)).store_unaligned(y);
    for (int k = 0; k < width; ++k) {
      const double expected = truth(static_cast<double>(x[k]));
      result.add(static_cast<double>(y[k]), expected);
      result.add(static_cast<double>(f(x[k])), expected);
    }
  }
  return result;
}

constexpr auto polis_exp = [](auto x) { return math::exp(x); };
constexpr auto polis_log = [](auto x) { return math::log(x); };
constexpr auto polis_log1p = [](auto x) { return math::log1p(x); };
constexpr auto polis_tanh = [](auto x) { return math::tanh(x); };
constexpr auto polis_sin = [](auto x) { return math::sin(x); };
constexpr auto polis_cos = [](auto x) { return math::cos(x); };

// f of a float, having checked that every element of a register gives the same bits up to one unit (division
// and its replacement by a reciprocal may differ by that), or the same special value.
template <class F>
float both(F f, float x) {
  float lanes[polis::batch_width<Batch<>>];
  const float result = f(x);
  f(Batch<>(x)).store_unaligned(lanes);
  for (const float lane : lanes) {
    const bool same = lane == result || (std::isnan(lane) && std::isnan(result));
    CHECK((same || std::abs(lane - result) <= 2e-7f * std::abs(result)));
  }
  return result;
}

}  // namespace

TEST_CASE("core/math: exp within 2 ulp") {
  CHECK(error(polis_exp, [](double x) { return std::exp(x); }, -86.9, 88.72, 400'000).ulp < 2);
  CHECK(error(polis_exp, [](double x) { return std::exp(x); }, -1, 1, 200'000).ulp < 2);
  CHECK(error(polis_exp, [](double x) { return std::exp(x); }, 1e-40, 1e-2, 50'000, true).ulp < 2);
  CHECK(both(polis_exp, 0.f) == 1.f);
  CHECK(both(polis_exp, infinity) == infinity);
  CHECK(both(polis_exp, 89.f) == infinity);
  CHECK(both(polis_exp, -infinity) == 0.f);
  CHECK(both(polis_exp, -88.f) == 0.f);
  CHECK(std::isnan(both(polis_exp, not_a_number)));
}

TEST_CASE("core/math: log within 2 ulp, denormal numbers included") {
  CHECK(error(polis_log, [](double x) { return std::log(x); }, 1e-44, 3.4e38, 400'000, true).ulp < 2);
  CHECK(error(polis_log, [](double x) { return std::log(x); }, .5, 2, 400'000).ulp < 2);
  CHECK(both(polis_log, 1.f) == 0.f);
  CHECK(both(polis_log, 0.f) == -infinity);
  CHECK(both(polis_log, infinity) == infinity);
  CHECK(std::isnan(both(polis_log, -1.f)));
  CHECK(std::isnan(both(polis_log, -infinity)));
  CHECK(std::isnan(both(polis_log, not_a_number)));
}

TEST_CASE("core/math: log1p within 4 ulp; softplus and sigmoid") {
  CHECK(error(polis_log1p, [](double x) { return std::log1p(x); }, -.99, 5, 300'000).ulp < 4);
  CHECK(error(polis_log1p, [](double x) { return std::log1p(x); }, 1e-30, 1e30, 200'000, true).ulp < 4);
  CHECK(both(polis_log1p, -1.f) == -infinity);
  CHECK(both(polis_log1p, infinity) == infinity);
  CHECK(std::isnan(both(polis_log1p, not_a_number)));
  const auto softplus = [](auto x) { return math::softplus(x); };
  const auto sigmoid = [](auto x) { return math::sigmoid(x); };
  CHECK(error(softplus, [](double x) { return std::log1p(std::exp(x)); }, -80, 80, 200'000).ulp < 4);
  CHECK(error(sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80, 200'000).ulp < 4);
}

TEST_CASE("core/math: tanh within 3.5e-7 of its value, odd, saturating") {
  const auto truth = [](double x) { return std::tanh(x); };
  const Error wide = error(polis_tanh, truth, -12, 12, 800'000);
  CHECK(wide.relative < 3.5e-7);
  CHECK(wide.largest <= 1.f + 3.5e-7f);
  CHECK(error(polis_tanh, truth, 1e-30, .6, 200'000, true).ulp < 4);
  CHECK(both(polis_tanh, 0.f) == 0.f);
  CHECK(both(polis_tanh, infinity) == doctest::Approx(1).epsilon(2e-7));
  CHECK(both(polis_tanh, -infinity) == doctest::Approx(-1).epsilon(2e-7));
  CHECK(both(polis_tanh, 1e30f) == both(polis_tanh, infinity));
  CHECK(both(polis_tanh, -.7f) == -both(polis_tanh, .7f));
  CHECK(std::isnan(both(polis_tanh, not_a_number)));
}

TEST_CASE("core/math: atanh, the inverse of tanh") {
  const auto polis_atanh = [](auto x) { return math::atanh(x); };
  const auto truth = [](double x) { return std::atanh(x); };
  CHECK(error(polis_atanh, truth, -.9999999, .9999999, 400'000).ulp < 3);
  CHECK(error(polis_atanh, truth, 1e-30, 1e-1, 100'000, true).ulp < 3);
  CHECK(both(polis_atanh, 0.f) == 0.f);
  CHECK(both(polis_atanh, 1.f) == infinity);
  CHECK(both(polis_atanh, -1.f) == -infinity);
  CHECK(std::isnan(both(polis_atanh, 1.5f)));
  CHECK(std::isnan(both(polis_atanh, not_a_number)));
}

TEST_CASE("core/math: log gamma and its derivatives, in double, at published arguments") {
  // mpmath 1.3, 40 digits: loggamma, digamma, psi(1, .).
  const double x[] = {.01, .5, 1, 1.4616321449683623, 3.7, 25, 1e4};
  const double log_gamma[] = {4.5994798780420217,  .57236494292470009, 0,
                              -.12148629053584961, 1.4280723266653881, 54.784729398112319,
                              82099.717496442377};
  const double psi[] = {-100.56088545786867, -1.9635100260214235, -.57721566490153286, 0,
                        1.1671535393615114,  3.198742512851974,   9.2102903711428494};
  const double psi1[] = {10001.621213528313, 4.9348022005446793,  1.6449340668482264,   .96767224544762125,
                         .3100378576700383,  .040810663257225579, 1.0000500016666667e-4};
  for (int i = 0; i < 7; ++i) {
    CHECK(math::lgamma(x[i]) == doctest::Approx(log_gamma[i]).epsilon(1e-13));
    CHECK(math::digamma(x[i]) == doctest::Approx(psi[i]).epsilon(1e-13));
    CHECK(math::trigamma(x[i]) == doctest::Approx(psi1[i]).epsilon(1e-13));
  }
}

TEST_CASE("core/math: lgamma, digamma and trigamma of floats and registers") {
  const auto lgamma = [](auto x) { return math::lgamma(x); };
  const auto digamma = [](auto x) { return math::digamma(x); };
  const auto trigamma = [](auto x) { return math::trigamma(x); };
  const auto true_lgamma = [](double x) { return std::lgamma(x); };
  CHECK(error(lgamma, true_lgamma, .5, 4, 200'000).absolute < 4e-7);
  CHECK(error(lgamma, true_lgamma, 4, 1e6, 200'000, true).ulp < 3);
  CHECK(error(lgamma, true_lgamma, 1e-30, .5, 100'000, true).ulp < 3);
  const auto true_digamma = [](double x) { return math::digamma(x); };
  CHECK(error(digamma, true_digamma, .5, 4, 200'000).absolute < 3e-7);
  CHECK(error(digamma, true_digamma, 4, 1e6, 200'000, true).ulp < 2);
  CHECK(error(digamma, true_digamma, 1e-30, .5, 100'000, true).ulp < 2);
  CHECK(error(trigamma, [](double x) { return math::trigamma(x); }, 1e-15, 1e6, 200'000, true).ulp < 4);
  CHECK(both(lgamma, 0.f) == infinity);
  CHECK(both(digamma, 0.f) == -infinity);
  CHECK(both(trigamma, 0.f) == infinity);
  CHECK(both(lgamma, infinity) == infinity);
  CHECK(both(digamma, infinity) == infinity);
  CHECK(both(trigamma, infinity) == 0.f);
  CHECK(std::isnan(both(lgamma, not_a_number)));
  CHECK(std::isnan(both(digamma, not_a_number)));
  CHECK(std::isnan(both(trigamma, not_a_number)));
}

TEST_CASE("core/math: sin and cos to 1e4 and beyond") {
  const auto true_sin = [](double x) { return std::sin(x); };
  const auto true_cos = [](double x) { return std::cos(x); };
  CHECK(error(polis_sin, true_sin, -7, 7, 300'000).ulp < 3);
  CHECK(error(polis_cos, true_cos, -7, 7, 300'000).ulp < 3);
  CHECK(error(polis_sin, true_sin, 1e-30, 1, 100'000, true).ulp < 3);
  CHECK(error(polis_sin, true_sin, -1e4, 1e4, 500'000).absolute < 1.1e-7);
  CHECK(error(polis_cos, true_cos, -1e4, 1e4, 500'000).absolute < 1.1e-7);
  CHECK(error(polis_sin, true_sin, 1e5, 3e38, 100'000, true).largest <= 1.f);
  CHECK(std::isnan(both(polis_sin, infinity)));
  CHECK(std::isnan(both(polis_cos, not_a_number)));
}

TEST_CASE("core/math: floor, clamp, min and max, and what they do with NaN") {
  const auto polis_floor = [](auto x) { return math::floor(x); };
  for (const float x : {-2.5f, -2.f, -.1f, 0.f, .9f, 3.f, 8388607.5f, 3e9f, -3e9f, 1e-40f, -1e-40f}) {
    CHECK(both(polis_floor, x) == std::floor(x));
  }
  CHECK(std::isnan(both(polis_floor, not_a_number)));
  const auto clamp = [](auto x) { return math::clamp(x, decltype(x)(-1.f), decltype(x)(2.f)); };
  CHECK(both(clamp, -3.f) == -1.f);
  CHECK(both(clamp, 3.f) == 2.f);
  CHECK(both(clamp, .5f) == .5f);
  CHECK(std::isnan(both(clamp, not_a_number)));
  CHECK(math::select(true, 1.f, 2.f) == 1.f);
  CHECK(math::fma(2.f, 3.f, 4.f) == 10.f);
  CHECK(both([](auto x) { return math::sqrt(x); }, 9.f) == 3.f);
  CHECK(both([](auto x) { return math::abs(x); }, -9.f) == 9.f);
}

TEST_CASE("core/math: a register's sum is taken in halves") {
  float x[polis::batch_width<Batch<>>];
  float expected = 0;
  for (int i = 0; i < polis::batch_width<Batch<>>; ++i) expected += x[i] = static_cast<float>(i + 1);
  CHECK(polis::horizontal_sum<polis::Simd>(Batch<>::load_unaligned(x)) == expected);
}
