#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/flat.hpp>

using namespace polis;

namespace {
std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::vector<float> result(count);
  unsigned state = seed;
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  return result;
}
}  // namespace

TEST_CASE("core/flat: scale and add_scaled work on every element of any length") {
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 100u}) {
    const auto x = numbers(count, 1), y = numbers(count, 2);
    auto scaled = x, sum = y;
    scale<Simd>(scaled, .3f);
    add_scaled<Simd>(sum, -2.f, x);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(scaled[i] == x[i] * .3f);
      CHECK(sum[i] == doctest::Approx(y[i] - 2 * x[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("core/flat: shards are summed in one tree, however the range is split") {
  constexpr std::size_t size = 77;
  for (const std::size_t shards : {1u, 2u, 3u, 5u, 8u, 11u, 16u, 29u}) {
    const auto all = numbers(size * shards, 3);
    auto whole = all, parts = all;
    const auto sum = [shards](std::vector<float>& from, std::size_t begin, std::size_t count) {
      std::vector<float*> pointers;
      for (std::size_t s = 0; s < shards; ++s) pointers.push_back(from.data() + s * size + begin);
      sum_shards<Simd>(pointers, count);
    };
    sum(whole, 0, size);
    for (std::size_t begin = 0; begin < size; begin += 9)
      sum(parts, begin, std::min<std::size_t>(9, size - begin));
    for (std::size_t i = 0; i < size; ++i) {
      CHECK(whole[i] == parts[i]);
      std::vector<float> left;
      for (std::size_t s = 0; s < shards; ++s) left.push_back(all[s * size + i]);
      while (left.size() > 1) {  // the tree, level by level
        std::vector<float> above;
        for (std::size_t s = 0; s < left.size(); s += 2) {
          above.push_back(s + 1 < left.size() ? left[s] + left[s + 1] : left[s]);
        }
        left = above;
      }
      CHECK(whole[i] == left[0]);
    }
  }
}

TEST_CASE("core/flat: the squared norm is summed in double, whatever the length") {
  for (const std::size_t count : {0u, 1u, 15u, 16u, 33u, 1000u}) {
    const auto x = numbers(count, 4);
    double wanted = 0;
    for (const float value : x) wanted += double(value) * double(value);
    CHECK(squared_norm(x) == doctest::Approx(wanted).epsilon(1e-12));
  }
  const std::vector<float> large(3, std::numeric_limits<float>::max());
  CHECK(squared_norm(large) < 4e77);  // no overflow
  CHECK(squared_norm(large) > 3e77);
}

TEST_CASE("core/aligned: vectors begin on a cache line and can be archived") {
  for (const std::size_t count : {1u, 3u, 100u}) {
    AlignedVector<float> values(count, 1.5f);
    CHECK(reinterpret_cast<std::uintptr_t>(values.data()) % cache_line == 0);
    ArchiveWriter writer;
    writer(values);
    AlignedVector<float> copy;
    ArchiveReader reader(writer.bytes());
    reader(copy);
    CHECK(copy == values);
  }
  CHECK_THROWS_AS(static_cast<void>(AlignedAllocator<double>().allocate(std::size_t(1) << 62)),
                  std::bad_array_new_length);
}
