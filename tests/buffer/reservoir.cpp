// A reservoir holds each of all that came in with the same probability.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <vector>

#include <polis/buffer/reservoir.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>

namespace test_reservoir {

using namespace polis;

Random stream(std::uint32_t number) { return Random(5, 0, number, 0, Purpose::test); }

/// Adds the numbers from `first` on, each with its double.
void add(Reservoir& reservoir, int first, int count, Random& random) {
  for (int i = first; i < first + count; ++i) {
    float* item = reservoir.add(random);
    if (item) item[0] = static_cast<float>(i), item[1] = static_cast<float>(2 * i);
  }
}

TEST_CASE("buffer/reservoir: all of what fits, then always as many, none twice") {
  Reservoir reservoir(10, 2);
  Random random = stream(0);
  CHECK(reservoir.size() == 0);
  add(reservoir, 0, 10, random);
  CHECK(reservoir.size() == 10);
  for (int i = 0; i < 10; ++i) CHECK(reservoir[i][0] == static_cast<float>(i));
  add(reservoir, 10, 500, random);
  CHECK(reservoir.size() == 10);
  CHECK(reservoir.seen() == 510);
  std::set<float> kept;
  for (int i = 0; i < 10; ++i) {
    kept.insert(reservoir[i][0]);
    CHECK(reservoir[i][1] == 2 * reservoir[i][0]);
  }
  CHECK(kept.size() == 10);
  CHECK(*kept.rbegin() > 100);
}

TEST_CASE("buffer/reservoir: everything that came in is kept with probability capacity / n") {
  constexpr int capacity = 8, count = 40, repetitions = 20'000;
  std::vector<int> kept(count), pairs(4);
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    Reservoir reservoir(capacity, 2);
    Random random = stream(static_cast<std::uint32_t>(repetition) + 1);
    add(reservoir, 0, count, random);
    bool first = false, last = false;
    for (int i = 0; i < capacity; ++i) {
      const int item = static_cast<int>(reservoir[i][0]);
      ++kept[static_cast<std::size_t>(item)];
      first = first || item == 0, last = last || item == count - 1;
    }
    ++pairs[(first ? 2u : 0u) + (last ? 1u : 0u)];
  }
  const double expected = repetitions * double{capacity} / count, p = double{capacity} / count;
  double statistic = 0;
  for (const int n : kept) statistic += (n - expected) * (n - expected) / (expected * (1 - p));
  // Without replacement the counts sum to a constant: 39 degrees of freedom, .1%: 72.1 times 40/39.
  CHECK(statistic < 73.9);
  // The first and the last together as often as any two of a sample without replacement.
  const double both = repetitions * p * (capacity - 1) / (count - 1);
  CHECK(std::abs(pairs[3] - both) < 4 * std::sqrt(both));
}

TEST_CASE("buffer/reservoir: saved and restored, it goes on with the same items") {
  Reservoir whole(6, 2), paused(6, 2), resumed(6, 2), other(7, 2);
  Random one = stream(0), two = stream(0);
  add(whole, 0, 90, one), add(paused, 0, 50, two);
  const auto bytes = to_bytes(paused);
  from_bytes(bytes, resumed);
  add(resumed, 50, 40, two);
  CHECK(to_bytes(resumed) == to_bytes(whole));
  CHECK_THROWS_AS(from_bytes(bytes, other), Error);
}

}  // namespace test_reservoir
