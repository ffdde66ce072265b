// Scores by task, Welch's test and the incomplete beta function by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <polis/stats/comparison.hpp>
#include <polis/stats/incomplete_beta.hpp>
#include <polis/stats/profile.hpp>
#include <polis/stats/scores.hpp>

namespace test_comparison {

namespace stats = polis::stats;
using Values = std::vector<double>;
using doctest::Approx;

}  // namespace test_comparison

using namespace test_comparison;

TEST_CASE("stats/comparison: the incomplete beta function against scipy.special.betainc and closed forms") {
  const auto near = [](double value) { return Approx(value).scale(0).epsilon(1e-12); };
  CHECK(stats::incomplete_beta(.5, .5, .3) == near(.36901011956554536));
  CHECK(stats::incomplete_beta(2, 3, .4) == near(.5248));
  CHECK(stats::incomplete_beta(12.5, .5, .999) == near(.8755756058560333));
  CHECK(stats::incomplete_beta(12.5, .5, .2) == near(3.2064109208925194e-10));
  CHECK(stats::incomplete_beta(300, 200, .62) == near(.8190699881577963));
  CHECK(stats::incomplete_beta(5e3, .5, .9) == Approx(4.1123160890508647e-231).scale(0).epsilon(1e-10));
  for (const double x : {0., .1, .25, .5, .9, 1.}) {
    CHECK(std::abs(stats::incomplete_beta(1, 1, x) - x) < 1e-14);
    CHECK(std::abs(stats::incomplete_beta(3, 1, x) - x * x * x) < 1e-14);
    CHECK(std::abs(stats::incomplete_beta(1, 4, x) - (1 - std::pow(1 - x, 4))) < 1e-14);
  }
  CHECK_THROWS_WITH_AS(stats::incomplete_beta(1, 0, .5), doctest::Contains("incomplete beta function: found"),
                       polis::Error);
  CHECK_THROWS_AS(stats::incomplete_beta(1, 1, 1.1), polis::Error);
  CHECK_THROWS_AS(stats::incomplete_beta(1, 1, std::numeric_limits<double>::quiet_NaN()), polis::Error);
}

TEST_CASE(
    "stats/comparison: Student's t is Cauchy's law at one degree of freedom, and nearly normal at many") {
  CHECK(stats::student_t_p(1, 1) == Approx(.5).epsilon(1e-12));
  CHECK(stats::student_t_p(-3, 1) == Approx(1 - 2 * std::atan(3.) / M_PI).epsilon(1e-12));
  CHECK(stats::student_t_p(1.96, 1e7) == Approx(std::erfc(1.96 / std::sqrt(2.))).epsilon(1e-6));
  CHECK(stats::student_t_p(0, 5) == 1);
}

TEST_CASE("stats/comparison: Welch's test of samples that do not vary, and what it refuses") {
  const auto equal = stats::welch_t_test(Values{2, 2}, Values{2, 2, 2});
  CHECK((equal.t == 0 && equal.p == 1));
  const auto unequal = stats::welch_t_test(Values{1, 1}, Values{2, 2, 2});
  CHECK((unequal.difference == -1 && std::isinf(unequal.t) && unequal.t < 0 && unequal.p == 0));
  // One sample without variance leaves the other's degrees of freedom: a one-sample test of {1, 3} against 1.
  const auto one = stats::welch_t_test(Values{1, 3}, Values{1, 1, 1});
  CHECK(one.t == Approx(1));
  CHECK(one.degrees_of_freedom == Approx(1));
  CHECK(one.p == Approx(.5));
  CHECK_THROWS_AS(stats::welch_t_test(Values{1}, Values{1, 2}), polis::Error);
}

TEST_CASE("stats/comparison: tasks may have different numbers of runs") {
  const stats::Scores scores = {{0, 0, 1}, {4}};
  CHECK(scores.tasks() == 2);
  CHECK(stats::task_means(scores) == Values{1. / 3, 4});
  CHECK(stats::aggregate_mean(scores) == Approx(13. / 6));
  CHECK(stats::optimality_gap(scores, 2) == Approx((2 + 2 + 1 + 0) / 4.));
  CHECK(stats::probability_of_improvement(scores, {{0}, {3, 5}}) == Approx(((1. + .5 + .5) / 3 + .5) / 2));
  CHECK(stats::share_above(scores.all(), 0) == .5);  // above, not at
  const auto interval = stats::bootstrap(scores, stats::aggregate_mean, {.replicates = 500});
  CHECK(interval.low >= 2);  // task 2 has one run, drawn every time
  CHECK(interval.high <= 2.5);
}

TEST_CASE("stats/comparison: what cannot be compared is refused") {
  CHECK_THROWS_WITH_AS(stats::probability_of_improvement({{1}, {2}}, {{1}}),
                       doctest::Contains("found 2 and 1 tasks"), polis::Error);
  CHECK_THROWS_AS(stats::probability_of_improvement({{1}, {}}, {{1}, {2}}), polis::Error);
  CHECK_THROWS_AS(stats::bootstrap_improvement({{1}}, {{1}}, {.resample_tasks = true}), polis::Error);
  CHECK_THROWS_AS(stats::performance_profile({}, {0}), polis::Error);
  CHECK_THROWS_AS(stats::optimality_gap({}), polis::Error);
}
