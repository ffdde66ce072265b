// Curricula that sample: stages by learning progress or all alike, levels by what they promise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include <polis/curriculum/domain_randomization.hpp>
#include <polis/curriculum/learning_progress.hpp>
#include <polis/curriculum/prioritized_levels.hpp>

namespace test_sampling {

using polis::CurriculumDraw;
using polis::CurriculumEpisode;
using polis::DomainRandomization;
using polis::LearningProgress;
using polis::LevelScore;
using polis::PrioritizedLevels;
using polis::Random;

static_assert(polis::fields_complete<LearningProgress::Config>() &&
              polis::fields_complete<PrioritizedLevels::Config>() &&
              polis::fields_complete<DomainRandomization::Config>());

Random stream(unsigned lane) { return {12, 0, lane, 0, polis::Purpose::test}; }

/// How often each of `n` outcomes is drawn.
template <class Outcome>
std::vector<double> shares(int n, int trials, Outcome&& outcome) {
  std::vector<double> counts(static_cast<std::size_t>(n));
  for (int i = 0; i < trials; ++i) counts[static_cast<std::size_t>(outcome(i))] += 1. / trials;
  return counts;
}

bool within(double measured, double expected, int trials) {
  return std::abs(measured - expected) < 4 * std::sqrt(expected * (1 - expected) / trials) + 1e-9;
}

/// A student of stages that build on one another: practice of a stage makes it better if the one before is
/// mastered. Episodes until the last is mastered.
template <class State>
int episodes_to_master(State state, unsigned seed) {
  const int stages = state.stages();
  std::vector<double> skill(static_cast<std::size_t>(stages));
  Random random = stream(seed);
  for (int episode = 1; episode < 100'000; ++episode) {
    const CurriculumDraw draw = state.sample(random);
    const auto i = static_cast<std::size_t>(draw.stage);
    const bool won = static_cast<double>(random.uniform()) < skill[i];
    if (i == 0 || skill[i - 1] > .8) skill[i] += .01 * (1 - skill[i]);
    state.episode({.success = won ? 1.f : 0.f, .stage = draw.stage});
    if constexpr (requires { state.settle(); }) state.settle();
    if (skill.back() > .9) return episode;
  }
  return 100'000;
}

}  // namespace test_sampling

TEST_CASE("curriculum/domain_randomization: every stage is alike likely") {
  using namespace test_sampling;
  const DomainRandomization::State state({}, 4);
  Random random = stream(1);
  constexpr int trials = 20'000;
  for (const double share : shares(4, trials, [&](int) { return state.sample(random).stage; })) {
    CHECK(within(share, .25, trials));
  }
}

TEST_CASE("curriculum/learning_progress: stages are drawn by how fast success changes there") {
  using namespace test_sampling;
  LearningProgress::State state({.explore = .2f, .fast = .5f, .slow = .25f}, 3);
  for (int stage = 0; stage < 3; ++stage) CHECK(state.probability(stage) == doctest::Approx(1. / 3));
  state.episode({.success = 1, .stage = 1});  // changes .5 - .25
  state.episode({.success = 1, .stage = 2});  // .25 too, and after a failure: .25 - .1875
  state.episode({.success = 0, .stage = 2});
  CHECK(state.probability(1) == doctest::Approx(1. / 3));  // until a collection's episodes are all told
  state.settle();
  CHECK(state.probability(0) == doctest::Approx(.2 / 3));
  CHECK(state.probability(1) == doctest::Approx(.2 / 3 + .8 * .25 / .3125));
  CHECK(state.probability(2) == doctest::Approx(.2 / 3 + .8 * .0625 / .3125));
  CHECK(state.stage() == 1);
  CHECK(state.progress() == doctest::Approx((.5 + .25) / 3));
  Random random = stream(2);
  constexpr int trials = 20'000;
  const auto drawn = shares(3, trials, [&](int) { return state.sample(random).stage; });
  for (int stage = 0; stage < 3; ++stage) {
    CHECK(within(drawn[static_cast<std::size_t>(stage)], state.probability(stage), trials));
  }
  LearningProgress::State loaded({.explore = .2f, .fast = .5f, .slow = .25f}, 3);
  polis::from_bytes(polis::to_bytes(state), loaded);
  CHECK(polis::to_bytes(loaded) == polis::to_bytes(state));
  CHECK(loaded.probability(1) == state.probability(1));
}

TEST_CASE("curriculum/learning_progress: a ladder is climbed faster than by stages all alike") {
  using namespace test_sampling;
  double by_progress = 0, at_random = 0;
  for (unsigned seed = 0; seed < 10; ++seed) {
    by_progress += episodes_to_master(LearningProgress::State({}, 10), seed) / 10.;
    at_random += episodes_to_master(DomainRandomization::State({}, 10), seed) / 10.;
  }
  CHECK(by_progress < .75 * at_random);
}

TEST_CASE("curriculum/prioritized_levels: fresh levels and replays, these by rank and by age") {
  using namespace test_sampling;
  const PrioritizedLevels::Config config{.levels = 3, .replay = .5f, .temperature = .5f, .staleness = .25f};
  PrioritizedLevels::State state(config, 2);
  Random random = stream(3);
  CHECK(!state.sample(random).replayed);
  CHECK(state.sample(random).stage == 1);
  // Levels 7, 8, 9, played twice each: returns change by 1, 3 and 2. Ages when all is told: 2, 1, 0.
  for (const float factor : {0.f, 1.f}) {
    state.episode({.return_ = factor * 1, .level = 7});
    state.episode({.return_ = factor * -3, .level = 8});
    state.episode({.return_ = factor * 2, .level = 9});
  }
  state.settle();
  const double ranks = 1 + 1 / 4. + 1 / 9.;  // k^-2
  const std::vector<double> expected = {.75 / 9 / ranks + .25 * 2 / 3, .75 / ranks + .25 / 3,
                                        .75 / 4 / ranks};
  for (int place = 0; place < 3; ++place) {
    CHECK(state.level(place) == static_cast<std::uint32_t>(7 + place));
    CHECK(state.probability(place) == doctest::Approx(expected[static_cast<std::size_t>(place)]));
  }
  constexpr int trials = 20'000;
  const auto drawn = shares(4, trials, [&](int) {
    const CurriculumDraw draw = state.sample(random);
    if (!draw.replayed) {
      CHECK(draw.level > 0);
      return 3;
    }
    return static_cast<int>(draw.level) - 7;
  });
  CHECK(within(drawn[3], .5, trials));
  for (std::size_t i = 0; i < 3; ++i) CHECK(within(drawn[i], .5 * expected[i], trials));

  // A fresh level, whose progress is not known, takes the place of the lowest; a replay of that one that
  // comes in late changes nothing.
  state.episode({.return_ = 5, .level = 10});
  CHECK(state.level(0) == 10);
  state.episode({.return_ = 100, .replayed = true, .level = 7});
  for (int place = 0; place < 3; ++place) CHECK(state.level(place) != 7);
  // Episodes of no level are none of its business.
  const auto before = polis::to_bytes(state);
  state.episode({.return_ = 5});
  CHECK(polis::to_bytes(state) == before);

  PrioritizedLevels::State loaded(config, 2);
  polis::from_bytes(polis::to_bytes(state), loaded);
  state.settle();
  CHECK(polis::to_bytes(loaded) == polis::to_bytes(state));
  for (int place = 0; place < 3; ++place) CHECK(loaded.probability(place) == state.probability(place));
}

TEST_CASE("curriculum/prioritized_levels: what is sometimes won scores above what is always won or lost") {
  using namespace test_sampling;
  const PrioritizedLevels::Config config{.score = LevelScore::Learnability, .levels = 3, .staleness = 0};
  PrioritizedLevels::State state(config, 1);
  for (int i = 0; i < 20; ++i) {
    state.episode({.success = 0, .level = 1});
    state.episode({.success = static_cast<float>(i % 2), .level = 2});
    state.episode({.success = 1, .level = 3});
  }
  state.settle();
  CHECK(state.probability(1) > .99);
  CHECK_THROWS_WITH_AS(state.episode({.success = std::numeric_limits<float>::quiet_NaN(), .level = 1}),
                       doctest::Contains("PrioritizedLevels"), polis::Error);
}

TEST_CASE("curriculum: settings of those that sample which make no sense are refused by name") {
  using namespace test_sampling;
  const auto progress = [](LearningProgress::Config config) { LearningProgress::State state(config, 2); };
  CHECK_THROWS_WITH_AS(progress({.explore = 0}), doctest::Contains("curriculum.explore"), polis::Error);
  CHECK_THROWS_WITH_AS(progress({.fast = 2}), doctest::Contains("curriculum.fast"), polis::Error);
  CHECK_THROWS_WITH_AS(progress({.slow = .5f}), doctest::Contains("curriculum.slow"), polis::Error);
  const auto levels = [](PrioritizedLevels::Config config) { PrioritizedLevels::State state(config, 2); };
  CHECK_THROWS_WITH_AS(levels({.levels = 0}), doctest::Contains("curriculum.levels"), polis::Error);
  CHECK_THROWS_WITH_AS(levels({.replay = 1}), doctest::Contains("curriculum.replay"), polis::Error);
  CHECK_THROWS_WITH_AS(levels({.temperature = 0}), doctest::Contains("curriculum.temperature"), polis::Error);
  CHECK_THROWS_WITH_AS(levels({.staleness = 2}), doctest::Contains("curriculum.staleness"), polis::Error);
  CHECK_THROWS_WITH_AS(levels({.memory = 1}), doctest::Contains("curriculum.memory"), polis::Error);
}
