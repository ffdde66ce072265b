// Random orders computed position by position: bijections, and uniform ones.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <polis/device/permutation.hpp>

using namespace polis;

namespace {

Permutation draw(int count, std::uint64_t number) {
  Random random(11, number, static_cast<std::uint32_t>(count), 0, Purpose::test);
  return Permutation(count, random);
}
/// Chi-squared of counts that should all be alike, in standard deviations from its mean.
double deviation(const std::vector<int>& counts, double expected, double freedom) {
  double chi = 0;
  for (const int count : counts) chi += (count - expected) * (count - expected) / expected;
  return (chi - freedom) / std::sqrt(2 * freedom);
}

}  // namespace

TEST_CASE("every position has a thing of its own") {
  for (const int count : {1, 2, 3, 7, 64, 1000, 1023, 1024, 1025, 5000, 65537}) {
    const Permutation permutation = draw(count, 0);
    std::vector<int> hits(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const int at = permutation(i);
      REQUIRE(at >= 0);
      REQUIRE(at < count);
      ++hits[static_cast<std::size_t>(at)];
    }
    for (const int hit : hits) REQUIRE(hit == 1);
  }
}

TEST_CASE("all 120 orders of five things are equally likely") {
  std::vector<int> orders(120);
  for (std::uint64_t draws = 0; draws < 24'000; ++draws) {
    const Permutation permutation = draw(5, draws);
    int order[5], code = 0;
    for (int i = 0; i < 5; ++i) order[i] = permutation(i);
    for (int i = 0; i < 5; ++i) {
      int less = 0;
      for (int j = i + 1; j < 5; ++j) less += order[j] < order[i];
      code = code * (5 - i) + less;
    }
    ++orders[static_cast<std::size_t>(code)];
  }
  CHECK(std::abs(deviation(orders, 200, 119)) < 4);
}

TEST_CASE("each thing is equally likely at each place, and so is each pair of neighbours") {
  constexpr int count = 40, draws = 20'000;
  std::vector<int> places(count * count), pairs(count * (count - 1));
  for (std::uint64_t number = 0; number < draws; ++number) {
    const Permutation permutation = draw(count, number);
    for (int i = 0; i < count; ++i) ++places[static_cast<std::size_t>(i * count + permutation(i))];
    const int a = permutation(20), b = permutation(21);
    ++pairs[static_cast<std::size_t>(a * (count - 1) + (b > a ? b - 1 : b))];
  }
  CHECK(std::abs(deviation(places, draws / 40., 39. * 39)) < 4);
  CHECK(std::abs(deviation(pairs, draws / 1560., 1559)) < 4);
}
