// The replay: n-step transitions by hand, rings that wrap, uniform samples, saving.
#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <vector>

#include <polis/buffer/replay.hpp>
#include <polis/core/archive.hpp>

namespace test_replay {

using namespace polis;

UniformReplay replay(int units, int capacity, int n_step) {
  return {{}, {.units = units, .capacity = capacity, .n_step = n_step, .width = 1, .observation = 1}};
}

/// A decision on seeing `seen`, then a reward.
void step(UniformReplay& r, int unit, float seen, float reward, float discount = .5f) {
  const int id = r.begin(unit, discount);
  r.observations(id, 0, 0) = seen;
  r.actions(id, 0, 0) = seen + 100;
  r.link(unit, nullptr);
  r.reward(unit, &reward);
}

}  // namespace test_replay

TEST_CASE("buffer/replay: n-step transitions, a termination within them") {
  auto r = test_replay::replay(2, 10, 3);
  for (int t = 0; t < 5; ++t) test_replay::step(r, 1, static_cast<float>(t), static_cast<float>(t + 1));
  CHECK(r.completed(0) == 0);
  REQUIRE(r.completed(1) == 2);
  for (int t = 0; t < 2; ++t) {  // r_t + r_(t+1)/2 + r_(t+2)/4, then an eighth of the value three steps on
    const int id = r.place(1, static_cast<std::uint64_t>(t));
    const auto first = static_cast<float>(t + 1);
    CHECK(r.rewards(id, 0) == first + (first + 1) / 2 + (first + 2) / 4);
    CHECK(r.discounts(id) == .125f);
    CHECK(r.observations(id, 0, 0) == static_cast<float>(t));
    CHECK(r.actions(id, 0, 0) == static_cast<float>(t + 100));
    CHECK(r.next_observations(id, 0, 0) == static_cast<float>(t + 3));
    CHECK(r.unit_of(id) == 1);
  }
  r.terminate(1);
  REQUIRE(r.completed(1) == 5);
  CHECK(r.rewards(r.place(1, 3), 0) == 4 + 5 / 2.f);
  CHECK(r.rewards(r.place(1, 4), 0) == 5);
  for (std::uint64_t t = 2; t < 5; ++t) CHECK(r.discounts(r.place(1, t)) == 0);
}

TEST_CASE("buffer/replay: a truncation bootstraps from the final observation, discounted by age") {
  auto r = test_replay::replay(1, 10, 3);
  test_replay::step(r, 0, 1, 1);
  test_replay::step(r, 0, 2, 1);
  r.next_observations(r.newest(0), 0, 0) = 7;
  r.truncate(0, .5f);
  REQUIRE(r.completed(0) == 2);
  CHECK(r.rewards(r.place(0, 0), 0) == 1.5f);
  CHECK(r.discounts(r.place(0, 0)) == .25f);
  CHECK(r.discounts(r.place(0, 1)) == .5f);
  for (std::uint64_t t = 0; t < 2; ++t) CHECK(r.next_observations(r.place(0, t), 0, 0) == 7);
}

TEST_CASE("buffer/replay: rewards between two decisions are summed without discount") {
  auto r = test_replay::replay(1, 10, 1);
  test_replay::step(r, 0, 1, 1);
  const float more = 2;
  r.reward(0, &more);
  test_replay::step(r, 0, 2, 4);
  REQUIRE(r.completed(0) == 1);
  CHECK(r.rewards(r.place(0, 0), 0) == 3);
  CHECK(r.discounts(r.place(0, 0)) == .5f);
}

TEST_CASE("buffer/replay: what was cut off from outside is forgotten, what was complete is kept") {
  auto r = test_replay::replay(1, 10, 2);
  for (int t = 0; t < 4; ++t) test_replay::step(r, 0, static_cast<float>(t), 1);
  CHECK(r.completed(0) == 2);
  r.drop(0);
  CHECK(r.pending(0) == 0);
  CHECK(r.completed(0) == 2);
  test_replay::step(r, 0, 50, 1);
  r.terminate(0);
  CHECK(r.observations(r.place(0, 2), 0, 0) == 50);
}

TEST_CASE("buffer/replay: a full ring keeps the newest transitions, and samples are uniform on all rings") {
  using namespace polis;
  auto r = test_replay::replay(2, 4, 2);
  for (int t = 0; t < 20; ++t) test_replay::step(r, 0, static_cast<float>(t), 1);
  for (int t = 0; t < 4; ++t) test_replay::step(r, 1, static_cast<float>(100 + t), 1);
  r.settle();
  CHECK(r.size() == 6);  // 14 to 17 of the first, 100 and 101 of the second
  std::vector<int> ids(60'000), counts(6);
  std::vector<float> weights(ids.size());
  Random random(1, 0, 0, 0, Purpose::test);
  r.sample(random, 0, ids, weights);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const int seen = static_cast<int>(r.observations(ids[i], 0, 0));
    const int which = seen < 100 ? seen - 14 : seen - 96;
    REQUIRE(which >= 0);
    REQUIRE(which < 6);
    CHECK(r.next_observations(ids[i], 0, 0) == static_cast<float>(seen + 2));
    ++counts[static_cast<std::size_t>(which)];
    REQUIRE(weights[i] == 1);
  }
  for (const int count : counts) CHECK(count == doctest::Approx(10'000).epsilon(.05));  // 5 standard errors
}

TEST_CASE("buffer/replay: a saved replay goes on as it was") {
  using namespace polis;
  auto one = test_replay::replay(1, 4, 2), two = test_replay::replay(1, 4, 2);
  for (int t = 0; t < 7; ++t) test_replay::step(one, 0, static_cast<float>(t), 1);
  ArchiveWriter writer;
  writer(one);
  ArchiveReader reader(writer.bytes());
  reader(two);
  reader.finish();
  test_replay::step(two, 0, 7, 1);
  CHECK(two.completed(0) == 6);
  CHECK(two.rewards(two.place(0, 5), 0) == 1.5f);
  CHECK(two.next_observations(two.place(0, 5), 0, 0) == 7);
  auto other = test_replay::replay(1, 5, 2);
  ArchiveReader again(writer.bytes());
  CHECK_THROWS_AS(again(other), Error);
}
