// Episodes: what is kept of each, parts of long ones, rings that wrap, samples without replacement, saving.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include <polis/buffer/episodes.hpp>
#include <polis/core/archive.hpp>

namespace test_episodes {

using namespace polis;

EpisodeArrays buffer(int units, int capacity, int longest) {
  return {{},
          {.units = units,
           .capacity = capacity,
           .longest = longest,
           .width = 2,
           .observation = 1,
           .mask = 2,
           .state = 1,
           .carry = 3}};
}

/// A decision on seeing `seen`, then a reward.
void step(EpisodeArrays& b, int unit, float seen, float reward) {
  const int id = b.begin(unit, 1);
  for (int j = 0; j < 2; ++j) {
    b.observations(id, j, 0) = seen + static_cast<float>(j) / 10;
    b.actions(id, j, 0) = static_cast<float>(j);
  }
  b.states(id, 0) = -seen;
  const float masks[] = {seen, 1, 1, seen};
  b.link(unit, masks);
  b.reward(unit, &reward);
}

}  // namespace test_episodes

TEST_CASE("buffer/episodes: decisions, rewards and ends of an episode, and what follows a truncation") {
  auto b = test_episodes::buffer(2, 3, 4);
  for (int t = 0; t < 3; ++t) test_episodes::step(b, 1, static_cast<float>(t + 5), static_cast<float>(t));
  const float between = 10;
  b.reward(1, &between);  // between two decisions
  CHECK(b.pending(1) == 3);
  CHECK(b.completed(1) == 0);
  b.terminate(1);
  REQUIRE(b.completed(1) == 1);
  CHECK(b.completed(0) == 0);
  const int first = b.place(1, 0), at = first * 5;
  CHECK(b.unit_of(first) == 1);
  CHECK(b.length(first) == 3);
  CHECK(b.end(first) == polis::End::terminated);
  for (int t = 0; t < 3; ++t) {
    CHECK(b.observations(at + t, 1, 0) == static_cast<float>(t + 5) + .1f);
    CHECK(b.states(at + t, 0) == -static_cast<float>(t + 5));
    CHECK(b.masks(at + t, 0, 0) == static_cast<float>(t + 5));
    CHECK(b.actions(at + t, 1, 0) == 1);
    CHECK(b.rewards(at + t, 0) == static_cast<float>(t) + (t == 2 ? 10.f : 0.f));
  }
  test_episodes::step(b, 1, 1, 1);
  const auto after = b.following(1);
  after.observations[1] = 77, after.masks[3] = 78, after.state[0] = 79;
  b.truncate(1, 1);
  const int second = b.place(1, 1), end = second * 5 + 1;
  CHECK(b.length(second) == 1);
  CHECK(b.end(second) == polis::End::truncated);
  CHECK(b.observations(end, 1, 0) == 77);
  CHECK(b.masks(end, 1, 1) == 78);
  CHECK(b.states(end, 0) == 79);
  for (int j = 0; j < 2; ++j) CHECK(b.actions(end, j, 0) == polis::no_action);
}

TEST_CASE("buffer/episodes: an episode that is longer than a part goes on in the next one") {
  auto b = test_episodes::buffer(1, 9, 4);
  for (int t = 0; t < 9; ++t) {
    test_episodes::step(b, 0, static_cast<float>(t), 1);
    CHECK(b.starts(0) == (t % 4 == 0));
    if (b.starts(0)) {
      for (int k = 0; k < 6; ++k) b.first_carries(0)[k] = static_cast<float>(100 * t + k);
    }
  }
  b.terminate(0);
  REQUIRE(b.completed(0) == 3);
  for (int part = 0; part < 3; ++part) {
    const int episode = b.place(0, static_cast<std::uint64_t>(part));
    CHECK(b.length(episode) == (part < 2 ? 4 : 1));
    CHECK(b.end(episode) == (part < 2 ? polis::End::truncated : polis::End::terminated));
    for (int k = 0; k < 6; ++k) CHECK(b.carries(episode, k / 3, k % 3) == static_cast<float>(400 * part + k));
    for (int t = 0; t < (part < 2 ? 5 : 1); ++t) {  // the slot behind a part holds the next one's first
      const auto seen = static_cast<float>(4 * part + t);
      CHECK(b.observations(episode * 5 + t, 0, 0) == seen);
      CHECK(b.states(episode * 5 + t, 0) == -seen);
      CHECK(b.masks(episode * 5 + t, 1, 1) == seen);
    }
  }
}

TEST_CASE("buffer/episodes: what was cut off from outside is forgotten, complete parts are kept") {
  auto b = test_episodes::buffer(1, 9, 2);
  for (int t = 0; t < 3; ++t) test_episodes::step(b, 0, static_cast<float>(t), 1);
  b.drop(0);
  CHECK(b.pending(0) == 0);
  CHECK(b.completed(0) == 1);
  test_episodes::step(b, 0, 50, 1);
  b.terminate(0);
  CHECK(b.observations(b.place(0, 1) * 3, 0, 0) == 50);
  CHECK(b.length(b.place(0, 1)) == 1);
}

TEST_CASE("buffer/episodes: a full ring keeps the newest, and every set of episodes is drawn equally often") {
  using namespace polis;
  auto b = test_episodes::buffer(2, 3, 1);
  for (int t = 0; t < 8; ++t) test_episodes::step(b, 0, static_cast<float>(t), 1), b.terminate(0);
  for (int t = 0; t < 2; ++t) test_episodes::step(b, 1, static_cast<float>(8 + t), 1), b.terminate(1);
  b.settle();
  CHECK(b.total() == 10);
  REQUIRE(b.size() == 5);  // 5, 6, 7 of the first, 8 and 9 of the second
  Random random(1, 0, 0, 0, Purpose::test);
  std::vector<int> counts(1u << 5);
  for (int i = 0; i < 60'000; ++i) {
    std::vector<int> ids(3);
    b.sample(random, ids);
    unsigned set = 0;
    for (const int id : ids) set |= 1u << (static_cast<unsigned>(b.observations(id * 2, 0, 0)) - 5u);
    ++counts[set];
  }
  int sets = 0;
  for (unsigned set = 0; set < counts.size(); ++set) {
    if (counts[set] == 0) continue;
    ++sets;
    CHECK(__builtin_popcount(set) == 3);                        // no episode twice
    CHECK(counts[set] == doctest::Approx(6'000).epsilon(.06));  // 5 standard errors
  }
  CHECK(sets == 10);
  std::vector<int> all(5);
  b.sample(random, all);
  CHECK(std::set<int>(all.begin(), all.end()).size() == 5);
}

TEST_CASE("buffer/episodes: saved ones go on as they were") {
  using namespace polis;
  auto one = test_episodes::buffer(1, 2, 4), two = test_episodes::buffer(1, 2, 4);
  for (int t = 0; t < 7; ++t) test_episodes::step(one, 0, static_cast<float>(t), 1);
  ArchiveWriter writer;
  writer(one);
  ArchiveReader reader(writer.bytes());
  reader(two);
  reader.finish();
  test_episodes::step(two, 0, 7, 1);
  two.terminate(0);
  CHECK(two.completed(0) == 2);
  CHECK(two.length(two.place(0, 1)) == 4);
  for (int t = 0; t < 4; ++t) {
    CHECK(two.observations(two.place(0, 1) * 5 + t, 0, 0) == static_cast<float>(4 + t));
  }
  auto other = test_episodes::buffer(1, 2, 5);
  ArchiveReader again(writer.bytes());
  CHECK_THROWS_AS(again(other), Error);
}
