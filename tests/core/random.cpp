#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/core/random_lanes.hpp>

namespace {

using polis::Philox;
using polis::Purpose;
using polis::Random;

static_assert(std::is_trivially_copyable_v<Random>);

// Random123's known-answer vectors (kat_vectors, "philox4x32 10"), checked by the compiler.
static_assert(Philox::block({{0, 0, 0, 0}}, {{0, 0}}) ==
              Philox::Counter{{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}});
static_assert(Philox::block({{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u}}) ==
              Philox::Counter{{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}});
static_assert(Philox::block({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
                            {{0xa4093822u, 0x299f31d0u}}) ==
              Philox::Counter{{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}});

// Pearson's statistic for equally likely cells.
double chi_square(const std::vector<int>& counts) {
  const double expected =
      std::accumulate(counts.begin(), counts.end(), 0.) / static_cast<double>(counts.size());
  double sum = 0;
  for (const int n : counts) sum += (n - expected) * (n - expected) / expected;
  return sum;
}

double normal_cdf(double x) { return .5 * std::erfc(-x / std::sqrt(2.)); }

}  // namespace

TEST_CASE("core/random: Philox gives Random123's published words") {
  CHECK(Philox::block({{0, 0, 0, 0}}, {{0, 0}})[0] == 0x6627e8d5u);
  CHECK(Philox::block({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
                      {{0xa4093822u, 0x299f31d0u}})[3] == 0x24126ea1u);
}

TEST_CASE("core/random: a stream reads all four words of every block") {
  Random random(0x123456789abcdef0u, 5, 6, 7, Purpose::action);
  for (std::uint32_t draw = 0; draw < 3; ++draw) {
    const auto block = Philox::block({{draw, 5, 6, 7u << 12 | static_cast<std::uint32_t>(Purpose::action)}},
                                     {{0x9abcdef0u, 0x12345678u}});
    for (int i = 0; i < 4; ++i) CHECK(random.bits() == block[i]);
  }
}

TEST_CASE("core/random: uniform numbers fill 100 cells evenly") {
  std::vector<int> single(100), twice(100);
  Random random(1, 0, 0, 0, Purpose::test);
  for (int i = 0; i < 200'000; ++i) {
    const float u = random.uniform();
    const double d = random.uniform_double();
    REQUIRE((u >= 0 && u < 1 && d >= 0 && d < 1));
    ++single[static_cast<std::size_t>(100 * u)];
    ++twice[static_cast<std::size_t>(100 * d)];
  }
  // 99 degrees of freedom: 0.1% quantiles 60 and 149.
  CHECK((chi_square(single) > 60 && chi_square(single) < 149));
  CHECK((chi_square(twice) > 60 && chi_square(twice) < 149));
  for (int i = 0; i < 1000; ++i) {
    const float u = random.uniform(-3.f, 5.f);
    CHECK((u >= -3.f && u <= 5.f));
  }
}

TEST_CASE("core/random: integers are uniform, also in ranges that do not divide 2^32") {
  for (const int n : {1, 2, 7, 100}) {
    std::vector<int> counts(static_cast<std::size_t>(n));
    Random random(2, 0, 0, 0, Purpose::test);
    for (int i = 0; i < 1000 * n; ++i) ++counts.at(static_cast<std::size_t>(random.integer(n)));
    CHECK(chi_square(counts) < n - 1 + 5 * std::sqrt(2. * n));
  }
  // In 3 * 2^29 of 2^32 words a plain multiplication would prefer every third number: rejection must even it
  // out.
  Random random(3, 0, 0, 0, Purpose::test);
  std::vector<int> thirds(3);
  constexpr int range = 3 << 29;
  for (int i = 0; i < 60'000; ++i) ++thirds[static_cast<std::size_t>(random.integer(range) % 3)];
  CHECK(chi_square(thirds) < 13.8);
}

TEST_CASE("core/random: normal numbers have the normal distribution's moments and quantiles") {
  constexpr int count = 100'000;
  std::vector<double> x(count);
  Random random(4, 0, 0, 0, Purpose::test);
  for (double& value : x) value = static_cast<double>(random.normal());
  double moment[5] = {};
  for (const double value : x) {
    for (int k = 1; k <= 4; ++k) moment[k] += std::pow(value, k) / count;
  }
  const double error = 4 / std::sqrt(static_cast<double>(count));  // four standard errors
  CHECK(std::abs(moment[1]) < error);
  CHECK(std::abs(moment[2] - 1) < error * std::sqrt(2.));
  CHECK(std::abs(moment[3]) < error * std::sqrt(15.));
  CHECK(std::abs(moment[4] - 3) < error * std::sqrt(96.));
  double pairs = 0;  // the two numbers of one pair must not be related
  for (std::size_t i = 0; i < count; i += 2) pairs += x[i] * x[i + 1] / (count / 2);
  CHECK(std::abs(pairs) < error * std::sqrt(2.));
  std::sort(x.begin(), x.end());
  double distance = 0;  // Kolmogorov and Smirnov
  for (std::size_t i = 0; i < count; ++i) {
    distance = std::max(distance, std::abs(normal_cdf(x[i]) - (static_cast<double>(i) + .5) / count));
  }
  CHECK(distance * std::sqrt(static_cast<double>(count)) < 1.95);  // 0.1%
}

TEST_CASE("core/random: streams that differ in one word of their address are unrelated") {
  const auto correlation = [](Random a, Random b) {
    double sum = 0;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) {
      sum += (static_cast<double>(a.uniform()) - .5) * (static_cast<double>(b.uniform()) - .5);
    }
    return 12 * sum / std::sqrt(static_cast<double>(count));  // standard normal for independent streams
  };
  const Random base(9, 10, 11, 12, Purpose::reset);
  CHECK(std::abs(correlation(base, Random(10, 10, 11, 12, Purpose::reset))) < 3.5);
  CHECK(std::abs(correlation(base, Random(9 + (1ull << 32), 10, 11, 12, Purpose::reset))) < 3.5);
  CHECK(std::abs(correlation(base, Random(9, 11, 11, 12, Purpose::reset))) < 3.5);
  CHECK(std::abs(correlation(base, Random(9, 10, 12, 12, Purpose::reset))) < 3.5);
  CHECK(std::abs(correlation(base, Random(9, 10, 11, 13, Purpose::reset))) < 3.5);
  CHECK(std::abs(correlation(base, Random(9, 10, 11, 12, Purpose::environment))) < 3.5);
  CHECK(correlation(base, base) > 100);
}

TEST_CASE("core/random: every order of four values is equally likely") {
  std::vector<int> counts(256), seen;
  Random random(5, 0, 0, 0, Purpose::permutation);
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> order{0, 1, 2, 3};
    polis::shuffle(std::span<int>(order), random);
    ++counts[static_cast<std::size_t>(order[0] + 4 * order[1] + 16 * order[2] + 64 * order[3])];
  }
  std::copy_if(counts.begin(), counts.end(), std::back_inserter(seen), [](int n) { return n > 0; });
  CHECK(seen.size() == 24);
  CHECK(chi_square(seen) < 49.7);  // 23 degrees of freedom, 0.1%
}

TEST_CASE("core/random: a tile of streams equals the streams one by one") {
  for (const int rows : {1, 17, 64}) {
    for (const int count : {1, 4, 7}) {
      std::vector<std::uint32_t> lanes(64), agents(64);
      for (std::uint32_t r = 0; r < 64; ++r) lanes[r] = 1000 + 3 * r, agents[r] = r % 5;
      std::vector<float> tile(static_cast<std::size_t>(count * polis::tile_rows));
      polis::philox_uniform_tile<polis::Simd>(77, 12, Purpose::action, lanes.data(), agents.data(), rows,
                                              count, tile.data());
      for (int r = 0; r < rows; ++r) {
        Random random(77, 12, lanes[static_cast<std::size_t>(r)], agents[static_cast<std::size_t>(r)],
                      Purpose::action);
        for (int i = 0; i < count; ++i) {
          REQUIRE(tile[static_cast<std::size_t>(i * polis::tile_rows + r)] == random.uniform());
        }
      }
    }
  }
}
