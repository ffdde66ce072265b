// Elo ratings: the formula, and what they come to when the strengths behind the results are known.
#include <doctest/doctest.h>

#include <cmath>

#include <polis/algorithm/elo.hpp>
#include <polis/algorithm/opponents.hpp>
#include <polis/core/random.hpp>

namespace test_elo {

using namespace polis;

static_assert(OpponentsWord<UniformOpponents> && OpponentsWord<RatedOpponents> &&
              OpponentsWord<HardestOpponents> && !OpponentsWord<int>);

TEST_CASE("algorithm/elo: expectations and moves of the formula") {
  CHECK(elo_expectation(1200, 1200) == .5);
  CHECK(elo_expectation(1600, 1200) == doctest::Approx(10. / 11).epsilon(1e-12));
  CHECK(elo_expectation(1613, 1609) + elo_expectation(1609, 1613) == doctest::Approx(1).epsilon(1e-12));
  double first = 1613, second = 1609;
  const double expected = 1 / (1 + std::pow(10., -4. / 400));
  rate_game({.k = 32}, 1, first, second);
  CHECK(first == doctest::Approx(1613 + 32 * (1 - expected)).epsilon(1e-12));
  CHECK(first + second == doctest::Approx(3222).epsilon(1e-12));
  double equal = 1000, other = 1000;
  rate_game({.k = 32}, .5, equal, other);
  CHECK((equal == 1000 && other == 1000));
  rate_game({.k = 20}, 0, equal, other);
  CHECK((equal == 990 && other == 1010));
}

TEST_CASE("algorithm/elo: ratings come to the strengths that results are drawn from, in the mean") {
  const double strengths[3] = {200, 0, -150};
  double ratings[3] = {1000, 1000, 1000}, means[3] = {};
  Random random(8, 0, 0, 0, Purpose::test);
  constexpr int games = 200'000, settled = 20'000;
  for (int game = 0; game < games; ++game) {
    const int first = random.integer(3), second = (first + 1 + random.integer(2)) % 3;
    const bool won = random.uniform_double() < elo_expectation(strengths[first], strengths[second]);
    rate_game({.k = 8}, won ? 1 : 0, ratings[first], ratings[second]);
    for (int i = 0; game >= settled && i < 3; ++i) means[i] += ratings[i] / (games - settled);
  }
  CHECK(ratings[0] + ratings[1] + ratings[2] == doctest::Approx(3000).epsilon(1e-9));
  CHECK(std::abs(means[0] - means[1] - 200) < 10);
  CHECK(std::abs(means[1] - means[2] - 150) < 10);
}

TEST_CASE("algorithm/opponents: how much each past policy weighs") {
  const PastPolicy strong{.number = 1, .rating = 1400, .games = 8, .points = 1};
  const PastPolicy weak{.number = 2, .rating = 1000, .games = 8, .points = 8};
  CHECK(strong.score() == .2);
  CHECK(weak.score() == .9);
  CHECK(PastPolicy{}.score() == .5);
  CHECK(UniformOpponents::weight({}, strong, 1000) == UniformOpponents::weight({}, weak, 1000));
  CHECK(RatedOpponents::weight({}, strong, 1000) == doctest::Approx(10. / 11).epsilon(1e-12));
  CHECK(RatedOpponents::weight({}, weak, 1000) == .5);
  CHECK(HardestOpponents::weight({.power = 2}, strong, 1000) == doctest::Approx(.64).epsilon(1e-12));
  CHECK(HardestOpponents::weight({.power = 1}, weak, 1000) == doctest::Approx(.1).epsilon(1e-12));
}

}  // namespace test_elo
