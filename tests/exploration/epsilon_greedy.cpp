// Epsilon-greedy: its schedule, its distribution, illegal actions.
#include <doctest/doctest.h>

#include <vector>

#include <polis/core/random.hpp>
#include <polis/exploration/epsilon_greedy.hpp>

TEST_CASE("exploration/epsilon_greedy: epsilon falls on a line, then stays") {
  using polis::EpsilonGreedy;
  const EpsilonGreedy::Config config{.start = 1, .end = .1f, .share = .5f};
  CHECK(EpsilonGreedy::amount(config, 0) == 1);
  CHECK(EpsilonGreedy::amount(config, .25) == doctest::Approx(.55));
  CHECK(EpsilonGreedy::amount(config, .5) == .1f);
  CHECK(EpsilonGreedy::amount(config, 1) == .1f);
  CHECK(EpsilonGreedy::amount({.start = 1, .end = .2f, .share = 0}, 0) == .2f);
}

TEST_CASE("exploration/epsilon_greedy: the greatest legal value, the first of equal ones") {
  const float values[] = {1, 5, 3, 3}, mask[] = {1, 0, 1, 1}, none[] = {0, 0, 0, 0};
  CHECK(polis::greedy_action({values, 1}, nullptr, 4) == 1);
  CHECK(polis::greedy_action({values, 1}, mask, 4) == 2);
  CHECK(polis::greedy_action({values, 1}, none, 4) == -1);
}

TEST_CASE("exploration/epsilon_greedy: legal actions are explored uniformly, illegal ones never") {
  using namespace polis;
  const float values[] = {9, 1, 2, 0}, mask[] = {0, 1, 1, 1};
  constexpr int draws = 60'000;
  std::vector<int> counts(4);
  for (int i = 0; i < draws; ++i) {
    Random random(3, static_cast<std::uint64_t>(i), 0, 0, Purpose::test);
    const float uniforms[] = {random.uniform(), random.uniform()};
    ++counts[static_cast<std::size_t>(EpsilonGreedy::choose(.3f, {values, 1}, mask, 4, {uniforms, 1}))];
  }
  CHECK(counts[0] == 0);
  CHECK(counts[1] == doctest::Approx(.1 * draws).epsilon(.07));
  CHECK(counts[2] == doctest::Approx(.8 * draws).epsilon(.02));
  CHECK(counts[3] == doctest::Approx(.1 * draws).epsilon(.07));
}
