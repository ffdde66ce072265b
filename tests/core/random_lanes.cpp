#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <polis/core/random_lanes.hpp>

namespace test_random_lanes {

using namespace polis;

TEST_CASE("core/random_lanes: the streams of lanes are those of Random") {
  constexpr int width = batch_width<Batch<>>;
  RandomLanes<> lanes(0x123456789abcdef0u, 5, consecutive<Simd>(77), 3, Purpose::action);
  std::vector<Random> singles;
  for (int i = 0; i < width; ++i) {
    singles.emplace_back(0x123456789abcdef0u, 5, 77 + static_cast<std::uint32_t>(i), 3, Purpose::action);
  }
  for (int draw = 0; draw < 11; ++draw) {
    std::uint32_t words[width];
    lanes.bits().store_unaligned(words);
    for (int i = 0; i < width; ++i) CHECK(words[i] == singles[static_cast<std::size_t>(i)].bits());
  }
  for (const int n : {1, 2, 3, 5, 6, 1000}) {
    float uniform[width], integer[width];
    lanes.uniform(-3, 5).store_unaligned(uniform);
    lanes.integer(n).store_unaligned(integer);
    for (int i = 0; i < width; ++i) {
      Random& single = singles[static_cast<std::size_t>(i)];
      CHECK(uniform[i] == single.uniform(-3, 5));
      CHECK(integer[i] == static_cast<float>(single.integer(n)));
    }
  }
  CHECK(!xsimd::any(lanes.redrawn()));
}

TEST_CASE("core/random_lanes: words drawn in bulk are those of Random, and so are permutations") {
  RandomWords<> words(7, 8, 9, 10, Purpose::permutation);
  Random random(7, 8, 9, 10, Purpose::permutation);
  for (int i = 0; i < 200; ++i) CHECK(words.bits() == random.bits());
  std::vector<int> values, others;
  for (int i = 0; i < 100; ++i) values.push_back(i), others.push_back(i);
  shuffle(std::span<int>(values), words);
  shuffle(std::span<int>(others), random);
  CHECK(values == others);
  CHECK(words.integer(1000) == random.integer(1000));
}

TEST_CASE("core/random_lanes: tiles of uniform numbers are the streams', drawn ahead or not") {
  constexpr int count = 5;
  UniformTiles<count> tiles;
  const std::uint32_t lanes[tile_rows] = {3, 1, 4, 1, 5, 9}, agents[tile_rows] = {2, 6, 5, 3, 5, 8};
  const auto check = [&](std::uint64_t step, Purpose purpose, int rows, int from) {
    const float* const numbers = tiles.draw<Simd>(11, step, purpose, lanes + from, agents + from, rows);
    for (int r = 0; r < rows; ++r) {
      Random random(11, step, lanes[from + r], agents[from + r], purpose);
      for (int i = 0; i < count; ++i) CHECK(numbers[i * tile_rows + r] == random.uniform());
    }
  };
  for (const std::uint64_t step : {0u, 1u, 2u, 3u, 4u, 9u, 10u, 10u, 8u}) check(step, Purpose::action, 4, 0);
  check(9, Purpose::action, 4, 1);      // of other rows
  check(9, Purpose::evaluation, 4, 1);  // for another purpose
  for (const int rows : {1, 3, 6, 40}) {
    for (const std::uint64_t step : {20u, 21u, 22u}) check(step, Purpose::action, rows, 0);
  }
  check((1ull << 32) - 1, Purpose::action, 2, 0);
  check(1ull << 32, Purpose::action, 2, 0);
}

TEST_CASE("core/random_lanes: a block of counters is the published block of each") {
  constexpr std::size_t width = WordBatch<>::size;
  Random random(3, 0, 0, 0, Purpose::test);
  Philox::Counter counters[width];
  std::uint32_t words[4][width];
  for (std::size_t i = 0; i < width; ++i) {
    for (int w = 0; w < 4; ++w) words[w][i] = counters[i][w] = random.bits();
  }
  const Philox::Key key{{random.bits(), random.bits()}};
  const Array<WordBatch<>, 4> block =
      philox_block<Simd>({{WordBatch<>::load_unaligned(words[0]), WordBatch<>::load_unaligned(words[1]),
                           WordBatch<>::load_unaligned(words[2]), WordBatch<>::load_unaligned(words[3])}},
                         key);
  for (int w = 0; w < 4; ++w) block[w].store_unaligned(words[w]);
  for (std::size_t i = 0; i < width; ++i) {
    for (int w = 0; w < 4; ++w) CHECK(words[w][i] == Philox::block(counters[i], key)[w]);
  }
}

TEST_CASE("core/random_lanes: numbers are stored one after the other where the mask says") {
  constexpr std::uint32_t width = WordBatch<>::size;
  for (std::uint32_t pattern = 0; pattern < 256; ++pattern) {
    float flags[width];
    for (std::uint32_t i = 0; i < width; ++i) flags[i] = (pattern >> i % 8 & 1) != 0 ? 1.f : 0.f;
    std::uint32_t to[2 * width] = {};
    const int count =
        store_selected<Simd>(Batch<>::load_unaligned(flags) > Batch<>(0.f), consecutive<Simd>(5), to);
    int expected = 0;
    for (std::uint32_t i = 0; i < width; ++i) {
      if (flags[i] > 0) CHECK(to[expected++] == 5 + i);
    }
    CHECK(count == expected);
  }
}

}  // namespace test_random_lanes
