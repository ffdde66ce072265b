// Running moments merged batch by batch, observations normalised by them, rewards scaled and not shifted.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/random.hpp>
#include <polis/core/simd.hpp>
#include <polis/normalization/moments.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/normalization/rewards.hpp>

namespace test_normalization {

using namespace polis;

struct Direct {
  double mean = 0, variance = 0;
};
Direct direct(const std::vector<double>& values) {
  Direct d;
  for (const double x : values) d.mean += x / static_cast<double>(values.size());
  for (const double x : values)
    d.variance += (x - d.mean) * (x - d.mean) / static_cast<double>(values.size());
  return d;
}

}  // namespace test_normalization

TEST_CASE("normalization/moments: merged in batches they are those of all values at once") {
  using namespace test_normalization;
  Random random(1, 0, 0, 0, Purpose::test);
  RunningMoments moments(2);
  std::vector<double> first, second;
  for (const int count : {1, 7, 100, 0, 1000, 3}) {
    double distance[2] = {}, squared[2] = {};
    for (int i = 0; i < count; ++i) {
      // A mean a million times the deviation: naive sums of squares would be lost.
      const double x[2] = {1e6 + static_cast<double>(random.normal()),
                           -5 + 3 * static_cast<double>(random.normal())};
      first.push_back(x[0]), second.push_back(x[1]);
      for (int f = 0; f < 2; ++f) {
        const double d = x[f] - moments.mean(f);
        distance[f] += d, squared[f] += d * d;
      }
    }
    moments.merge(count, distance, squared);
  }
  CHECK(moments.count() == 1111);
  CHECK(moments.mean(0) == doctest::Approx(direct(first).mean).epsilon(1e-12));
  CHECK(moments.mean(1) == doctest::Approx(direct(second).mean).epsilon(1e-9));
  CHECK(moments.variance(0) == doctest::Approx(direct(first).variance).epsilon(1e-3));
  CHECK(moments.variance(1) == doctest::Approx(direct(second).variance).epsilon(1e-9));
}

TEST_CASE(
    "normalization/observations: statistics can stay those of the first rollouts, after a resume as well") {
  using namespace test_normalization;
  constexpr int slots = 4, rows = 8;
  const auto everything = [](std::ptrdiff_t, std::ptrdiff_t) { return true; };
  NormalizeObservations::Config config;
  config.rollouts = 2;
  NormalizeObservations::State state(config, 1);
  std::vector<float> data(slots * rows);
  std::vector<double> first_two;
  for (int rollout = 0; rollout < 4; ++rollout) {
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<float>(rollout * 100 + static_cast<int>(i));
      if (rollout < 2) first_two.push_back(static_cast<double>(data[i]));
    }
    if (rollout == 3) {  // resumed
      ArchiveWriter writer;
      state.archive(writer);
      state = NormalizeObservations::State(config, 1);
      ArchiveReader reader(writer.bytes());
      state.archive(reader);
    }
    state.learn(row_major(data.data(), slots, rows, 1), everything);
  }
  CHECK(state.moments().count() == 2 * slots * rows);
  CHECK(state.moments().mean(0) == doctest::Approx(direct(first_two).mean));
  CHECK(state.moments().variance(0) == doctest::Approx(direct(first_two).variance));
}

TEST_CASE(
    "normalization/observations: identity at first, then mean 0 and deviation 1 of what was decided on") {
  using namespace test_normalization;
  constexpr int slots = 20, rows = 16;
  Random random(2, 0, 0, 0, Purpose::test);
  std::vector<float> data(slots * rows * 2);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = i % 2 == 0 ? 100 + 10 * random.normal() : .01f * random.normal();
  }
  const auto view = row_major(data.data(), slots, rows, 2);
  const auto decided = [](std::ptrdiff_t slot, std::ptrdiff_t row) { return (slot + row) % 2 == 0; };
  for (int slot = 0; slot < slots; ++slot) {
    for (int row = 0; row < rows; ++row) {
      if (!decided(slot, row)) view(slot, row, 0) = 1e6f;  // must not count
    }
  }
  NormalizeObservations::State state({}, 2);
  alignas(64) float tile[2 * tile_rows];
  const int ids[1] = {0};
  state.gather<Simd>(data.data(), 2, ids, 1, 2, tile);
  CHECK(tile[0] == doctest::Approx(std::fmin(data[0], 10.f)));  // clipped at 10

  state.learn(view, decided);
  double sum[2] = {}, squares[2] = {}, count = 0;
  for (int i = 0; i < slots * rows; ++i) {
    if (!decided(i / rows, i % rows)) continue;
    const int id[1] = {i};
    state.gather<Simd>(data.data(), 2, id, 1, 2, tile);
    for (int f = 0; f < 2; ++f) {
      const auto x = static_cast<double>(tile[f * tile_rows]);
      sum[f] += x, squares[f] += x * x;
    }
    ++count;
  }
  for (int f = 0; f < 2; ++f) {
    CHECK(std::abs(sum[f] / count) < 1e-4);
    CHECK(squares[f] / count == doctest::Approx(1).epsilon(1e-3));
  }
  view(0, 0, 0) = 1e5f;
  state.gather<Simd>(data.data(), 2, ids, 1, 2, tile);
  CHECK(tile[0] == 10.f);

  NormalizeObservations::State restored({}, 2);
  const auto bytes = to_bytes(state);
  from_bytes(bytes, restored);
  alignas(64) float again[2 * tile_rows];
  restored.gather<Simd>(data.data(), 2, ids, 1, 2, again);
  CHECK(again[tile_rows] == tile[tile_rows]);
}

TEST_CASE("normalization/rewards: divided by the deviation of returns, with the mean's sign kept") {
  using namespace test_normalization;
  constexpr int slots = 50, rows = 4;
  Random random(3, 0, 0, 0, Purpose::test);
  std::vector<float> raw(slots * rows), data;
  std::vector<End> ends(raw.size(), End::none);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    raw[i] = -5 + random.normal();
    if (random.uniform() < .1f) ends[i] = random.uniform() < .5f ? End::terminated : End::truncated;
  }
  data = raw;
  ScaleRewards::State state({}, rows);
  const auto rewards = row_major(data.data(), slots, rows);
  state.scale(rewards, row_major(ends.data(), slots, rows), 0, .9f);

  std::vector<double> returns;
  double running[rows] = {};
  for (std::size_t i = 0; i < raw.size(); ++i) {
    double& r = running[i % rows];
    r = static_cast<double>(.9f) * r + static_cast<double>(raw[i]);
    returns.push_back(r);
    if (ends[i] != End::none) r = 0;
  }
  const auto deviation = static_cast<float>(std::sqrt(direct(returns).variance));
  for (std::size_t i = 0; i < raw.size(); ++i)
    CHECK(data[i] == doctest::Approx(raw[i] / deviation).epsilon(1e-4));
  CHECK(state.moments().count() == slots * rows);

  // Slots before the first were scaled when they were first seen.
  data = raw;
  state.scale(rewards, row_major(ends.data(), slots, rows), 1, .9f);
  for (int row = 0; row < rows; ++row) CHECK(rewards(0, row) == raw[static_cast<std::size_t>(row)]);
  CHECK(state.moments().count() == slots * rows + (slots - 1) * rows);
  // Far-off rewards are clipped.
  rewards(49, 3) = 1e6f;
  state.scale(rewards, row_major(ends.data(), slots, rows), 49, .9f);
  CHECK(rewards(49, 3) <= 10.f);
}
