// Aggregates, profiles, comparisons and their intervals against rliable 1.2.0, and Welch's test against scipy
// 1.17.1, on tests/data/scores.csv. tests/data/record_rliable.py wrote the scores and printed the figures.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/io/csv.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/comparison.hpp>
#include <polis/stats/profile.hpp>
#include <polis/stats/scores.hpp>

namespace test_rliable {

namespace stats = polis::stats;
using stats::Scores;
using Values = std::vector<double>;

/// The scores of each algorithm.
std::vector<Scores> algorithms() {
  const polis::CsvTable table = polis::read_csv(POLIS_SOURCE_DIR "/tests/data/scores.csv");
  std::vector<std::vector<Values>> by_task(3, std::vector<Values>(5));
  for (const auto& row : table.rows) {
    auto& tasks = by_task[static_cast<std::size_t>(table.number(row[0], "algorithm"))];
    for (std::size_t t = 0; t < 5; ++t) tasks[t].push_back(table.number(row[2 + t], "task"));
  }
  return {by_task.begin(), by_task.end()};
}

auto near(double value) { return doctest::Approx(value).epsilon(1e-12); }

/// Each bound to 3% of the interval's width: five times the noise of 20,000 replicates.
void check_interval(const stats::Estimate& estimate, double low, double high) {
  CHECK(std::abs(estimate.low - low) < .03 * (high - low));
  CHECK(std::abs(estimate.high - high) < .03 * (high - low));
}

}  // namespace test_rliable

TEST_CASE("stats/rliable: mean, median, interquartile mean and optimality gap of a score matrix") {
  using namespace test_rliable;
  const auto scores = algorithms();
  const Values means = {.5319159999999999, .42683400000000005, .8053099999999999};
  const Values medians = {.53909, .42695999999999995, .7710999999999999};
  const Values iqms = {.5974, .4252384615384615, .8332884615384615};
  const Values gaps = {.46808399999999994, .573166, .2273520000000001};
  const Values gaps_at_sixty = {.15055199999999996, .2051719999999999, .04666999999999988};
  for (std::size_t a = 0; a < 3; ++a) {
    REQUIRE(scores[a].tasks() == 5);
    REQUIRE(scores[a].all().size() == 50);
    CHECK(stats::aggregate_mean(scores[a]) == near(means[a]));
    CHECK(stats::aggregate_median(scores[a]) == near(medians[a]));
    CHECK(stats::aggregate_iqm(scores[a]) == near(iqms[a]));
    CHECK(stats::optimality_gap(scores[a]) == near(gaps[a]));
    CHECK(stats::optimality_gap(scores[a], .6) == near(gaps_at_sixty[a]));
  }
}

TEST_CASE("stats/rliable: stratified bootstrap intervals, over runs and over runs and tasks") {
  using namespace test_rliable;
  const Scores scores = algorithms()[0];
  const auto gap = [](const Scores& of) { return stats::optimality_gap(of); };
  const stats::Bootstrap runs{.replicates = 20'000};
  check_interval(stats::bootstrap(scores, stats::aggregate_mean, runs), .4581, .6034);
  check_interval(stats::bootstrap(scores, stats::aggregate_median, runs), .4339, .6428);
  check_interval(stats::bootstrap(scores, stats::aggregate_iqm, runs), .4887, .6743);
  check_interval(stats::bootstrap(scores, gap, runs), .3966, .5419);
  const stats::Bootstrap both{.replicates = 20'000, .resample_tasks = true};
  check_interval(stats::bootstrap(scores, stats::aggregate_mean, both), .4112, .6410);
  check_interval(stats::bootstrap(scores, stats::aggregate_median, both), .3828, .6689);
  check_interval(stats::bootstrap(scores, stats::aggregate_iqm, both), .4101, .7101);
  check_interval(stats::bootstrap(scores, gap, both), .3590, .5888);
}

TEST_CASE("stats/rliable: probability of improvement with its interval") {
  using namespace test_rliable;
  const auto scores = algorithms();
  CHECK(stats::probability_of_improvement(scores[1], scores[0]) == near(.375));
  CHECK(stats::probability_of_improvement(scores[2], scores[0]) == near(.793));
  CHECK(stats::probability_of_improvement(scores[2], scores[1]) == near(.846));
  CHECK(stats::probability_of_improvement(scores[0], scores[0]) == near(.5));
  const auto estimate = stats::bootstrap_improvement(scores[2], scores[0], {.replicates = 10'000});
  CHECK(estimate.value == near(.793));
  check_interval(estimate, .6999, .8780);
}

TEST_CASE("stats/rliable: run-score and average-score profiles with their bands") {
  using namespace test_rliable;
  const auto scores = algorithms();
  const Values thresholds = {0, .25, .5, .75, 1};
  const std::vector<Values> runs = {{.98, .78, .6, .24, 0}, {1, .76, .36, .1, 0}, {1, .94, .9, .6, .26}};
  const std::vector<Values> low = {{.94, .66, .48, .14, 0}, {1, .64, .24, .02, 0}, {1, .88, .82, .48, .16}};
  const std::vector<Values> high = {{1, .88, .72, .36, 0}, {1, .86, .5, .18, 0}, {1, 1, .98, .72, .36}};
  const std::vector<Values> averages = {{1, 1, .8, 0, 0}, {1, 1, .2, 0, 0}, {1, 1, 1, .6, .2}};
  const std::vector<Values> average_low = {{1, .8, .4, 0, 0}, {1, .8, 0, 0, 0}, {1, 1, .8, .4, 0}};
  const std::vector<Values> average_high = {{1, 1, .8, .2, 0}, {1, 1, .6, 0, 0}, {1, 1, 1, 1, .4}};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto profile = stats::performance_profile(scores[a], thresholds, {.replicates = 20'000});
    const auto average = stats::average_score_profile(scores[a], thresholds, {.replicates = 20'000});
    CHECK(profile.thresholds == thresholds);
    for (std::size_t i = 0; i < thresholds.size(); ++i) {
      CAPTURE(a);
      CAPTURE(i);
      CHECK(profile.shares[i].value == near(runs[a][i]));
      CHECK(average.shares[i].value == near(averages[a][i]));
      // Shares of 50 runs come in steps of .02, and of 5 tasks in steps of .2: bounds may differ by one.
      CHECK(std::abs(profile.shares[i].low - low[a][i]) < .0201);
      CHECK(std::abs(profile.shares[i].high - high[a][i]) < .0201);
      CHECK(average.shares[i].low == near(average_low[a][i]));
      CHECK(average.shares[i].high == near(average_high[a][i]));
    }
  }
}

TEST_CASE("stats/rliable: Welch's t, degrees of freedom and p as scipy.stats.ttest_ind gives them") {
  using namespace test_rliable;
  const auto scores = algorithms();
  struct Expected {
    std::size_t a, b, task;
    double t, degrees_of_freedom, p;
  };
  for (const Expected& e :
       std::vector<Expected>{{0, 1, 0, -.22224985508988498, 14.999813246854027, .8271171314086694},
                             {0, 2, 4, -5.119449164289391, 14.063433040811029, .00015381476080608241},
                             {1, 2, 2, -1.5151448173773907, 7.227426145997932, .17217935414020114},
                             {0, 0, 3, .26864044689839, 11.600777233405797, .7929239817209018}}) {
    const auto test = stats::welch_t_test(scores[e.a].task(e.task), scores[e.b].task(e.task).first(7));
    CHECK(test.t == near(e.t));
    CHECK(test.degrees_of_freedom == near(e.degrees_of_freedom));
    CHECK(test.p == near(e.p));
  }
}
