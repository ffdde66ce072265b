// Prioritised replay: the sum tree, sampling in proportion, importance weights, rings that wrap, saving.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include <polis/buffer/prioritized_replay.hpp>
#include <polis/core/archive.hpp>

namespace test_prioritized_replay {

using namespace polis;

ProportionalReplay replay(int units, int capacity, ProportionalReplay::Config config = {}) {
  return {config, {.units = units, .capacity = capacity, .n_step = 1, .width = 1, .observation = 1}};
}

void step(ProportionalReplay& r, int unit, float seen) {
  const int id = r.begin(unit, 1);
  r.observations(id, 0, 0) = seen;
  r.link(unit, nullptr);
}

/// How often each of `count` transitions is drawn whose observations count from 0.
std::vector<int> draws(const ProportionalReplay& r, std::size_t count) {
  std::vector<int> counts(count), ids(1000);
  std::vector<float> weights(ids.size());
  for (std::uint64_t i = 0; i < 40; ++i) {
    Random random(1, i, 0, 0, Purpose::test);
    r.sample(random, 0, ids, weights);
    for (const int id : ids) ++counts.at(static_cast<std::size_t>(r.observations(id, 0, 0)));
  }
  return counts;
}

}  // namespace test_prioritized_replay

TEST_CASE("buffer/prioritized_replay: the tree finds the leaf of a mass, never an empty one") {
  polis::SumTree tree(5);
  const double masses[] = {0, 2, 0, 3, .5};
  for (int i = 0; i < 5; ++i) tree.set(i, masses[i]);
  CHECK(tree.total() == 5.5);
  CHECK(tree.find(0) == 1);
  CHECK(tree.find(1.99) == 1);
  CHECK(tree.find(2) == 3);
  CHECK(tree.find(5) == 4);
  CHECK(tree.find(5.5) == 4);  // what rounding may ask for
  tree.set(3, 0);
  CHECK(tree.total() == 2.5);
  CHECK(tree.find(2) == 4);
}

TEST_CASE("buffer/prioritized_replay: samples in proportion to the errors, weights that undo it") {
  using namespace test_prioritized_replay;
  auto r = replay(1, 8, {.exponent = 1, .correction = 1, .epsilon = 0});
  for (int t = 0; t < 5; ++t) step(r, 0, static_cast<float>(t));
  r.settle();
  CHECK(r.size() == 4);
  for (const int count : draws(r, 4)) CHECK(count == 10'000);  // equal parts: exactly so
  const std::vector<int> ids{r.place(0, 0), r.place(0, 1), r.place(0, 2), r.place(0, 3)};
  const std::vector<float> errors{-1, 2, 3, -4};
  r.learn(ids, errors);
  const auto counts = draws(r, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(r.probability(ids[i]) == doctest::Approx(.1 * static_cast<double>(i + 1)));
    CHECK(counts[i] == doctest::Approx(4000. * static_cast<double>(i + 1)).epsilon(.01));
  }
  std::vector<int> drawn(10);
  std::vector<float> weights(10);
  Random random(1, 0, 0, 0, Purpose::test);
  r.sample(random, 0, drawn, weights);
  for (std::size_t i = 0; i < 10;
       ++i) {  // (N P)^-1, by the greatest of them, which is the first one's: 1 / .4
    CHECK(weights[i] == doctest::Approx(.1 / r.probability(drawn[i])));
  }
}

TEST_CASE("buffer/prioritized_replay: beta rises with training, the exponent tempers priorities") {
  using namespace test_prioritized_replay;
  auto r = replay(1, 8, {.exponent = .5f, .correction = .5f, .epsilon = 0});
  for (int t = 0; t < 3; ++t) step(r, 0, static_cast<float>(t));
  r.settle();
  const std::vector<int> ids{r.place(0, 0), r.place(0, 1)};
  const std::vector<float> errors{1, 16};
  r.learn(ids, errors);
  CHECK(r.probability(ids[1]) == doctest::Approx(.8));
  std::vector<int> drawn(5);
  std::vector<float> weights(5);
  for (const double progress : {0., .5, 1.}) {
    Random random(1, 0, 0, 0, Purpose::test);
    r.sample(random, progress, drawn, weights);
    CHECK(weights[0] == 1);
    CHECK(weights[4] == doctest::Approx(std::pow(4, -(.5 + .5 * progress))));
  }
}

TEST_CASE("buffer/prioritized_replay: what is kept alone is drawn; new transitions come first") {
  using namespace test_prioritized_replay;
  auto r = replay(2, 3, {.exponent = 1, .epsilon = 0});
  int seen = 0;
  for (int round = 0; round < 5; ++round) {
    for (int t = 0; t < 2 + 3 * round; ++t) step(r, 0, static_cast<float>(seen++));
    r.settle();
    const auto counts = draws(r, static_cast<std::size_t>(seen));
    for (int i = 0; i < seen; ++i) {  // the last step is under way, the three before it are kept
      const bool kept = i < seen - 1 && i >= seen - 4;
      CHECK((counts[static_cast<std::size_t>(i)] > 0) == kept);
    }
  }
  const std::vector<int> ids{r.place(0, r.completed(0) - 1)};
  const std::vector<float> errors{9};
  r.learn(ids, errors);
  step(r, 1, 0), step(r, 1, 0);
  r.settle();
  CHECK(r.size() == 4);
  CHECK(r.probability(r.place(1, 0)) == r.probability(ids[0]));
}

TEST_CASE("buffer/prioritized_replay: a saved one draws the same") {
  using namespace test_prioritized_replay;
  auto one = replay(1, 6), two = replay(1, 6);
  for (int t = 0; t < 9; ++t) step(one, 0, static_cast<float>(t));
  one.settle();
  const std::vector<int> ids{one.place(0, 4), one.place(0, 6)};
  const std::vector<float> errors{5, .1f};
  one.learn(ids, errors);
  ArchiveWriter writer;
  writer(one);
  ArchiveReader reader(writer.bytes());
  reader(two);
  reader.finish();
  step(one, 0, 9), step(two, 0, 9);
  one.settle(), two.settle();
  CHECK(draws(two, 10) == draws(one, 10));
  CHECK(two.probability(ids[0]) == one.probability(ids[0]));
}
