// Descriptive statistics, the interquartile mean and the stratified bootstrap.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

namespace test_stats {

using Values = std::vector<double>;
namespace stats = polis::stats;
using doctest::Approx;

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace test_stats

using namespace test_stats;

TEST_CASE("stats/descriptive: hand values") {
  const Values values = {2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(stats::mean(values) == 5);
  CHECK(stats::variance(values) == Approx(32. / 7));
  CHECK(stats::standard_deviation(values) == Approx(2.13808993529939));
  CHECK(stats::standard_error(values) == Approx(.755928946018454));
  CHECK(stats::median(values) == 4.5);
  const Values four = {4, 1, 3, 2};  // NumPy: percentile of (1, 2, 3, 4)
  CHECK(stats::quantile(four, .25) == Approx(1.75));
  CHECK(stats::quantile(four, .4) == Approx(2.2));
  CHECK(stats::quantile(four, 0) == 1);
  CHECK(stats::quantile(four, 1) == 4);
  CHECK(stats::quantile(Values{7}, .3) == 7);
  CHECK(error_of([] { stats::mean({}); }) == "mean: found 0 values; expected at least 1");
  CHECK(error_of([] { stats::variance(Values{1}); }) == "variance: found 1 values; expected at least 2");
}

TEST_CASE("stats/iqm: a quarter, rounded down, is dropped on each side") {
  CHECK(stats::iqm(Values{10, 1, 2, 3, 4, 5, 6, 7, 8, 900}) == Approx(5.5));
  CHECK(stats::iqm(Values{-100, 1, 2, 3, 100}) == Approx(2));
  CHECK(stats::iqm(Values{3, 1, 2}) == Approx(2));
  CHECK(stats::iqm(Values{9, 1, 2, 3}) == Approx(2.5));
  CHECK(stats::iqm(Values{1, 2, 3, 4, 5, 6, 100}) == Approx(4));
  CHECK(stats::iqm(Values{5}) == 5);
  CHECK(error_of([] { stats::iqm({}); }).find("interquartile mean: found 0 values") == 0);
}

TEST_CASE("stats/bootstrap: the interval of a mean of ten coin flips is the binomial law's") {
  // The replicates' sum is binomial(10, .5): P(<= 1) = .0107 and P(<= 2) = .0547, so that 2 and 8 bound 95%.
  const Values flips = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
  const auto estimate = stats::bootstrap({flips}, stats::mean, {.seed = 3});
  CHECK(estimate.value == .5);
  CHECK(estimate.low == Approx(.2));
  CHECK(estimate.high == Approx(.8));
  // At 90%, 3 would need P(<= 2) below .05: still 2 and 8; at 80% it is 3 and 7 (P(<= 3) = .1719).
  const auto narrow = stats::bootstrap({flips}, stats::mean, {.confidence = .8, .seed = 3});
  CHECK(narrow.low == Approx(.3));
  CHECK(narrow.high == Approx(.7));
}

TEST_CASE("stats/bootstrap: runs are drawn within their task") {
  const auto estimate = stats::bootstrap({{0, 0, 0, 0}, {1, 1, 1}}, stats::mean, {.replicates = 1000});
  CHECK(estimate.low == Approx(3. / 7));
  CHECK(estimate.high == Approx(3. / 7));
}

TEST_CASE(
    "stats/bootstrap: interval of an interquartile mean as rliable 1.2.0 gives it (50,000 replicates)") {
  const std::vector<Values> tasks = {{1.69, .41, 0, .6, .51, -1.45, .27, .15, -.05, -2.29},
                                     {.07, -.58, -2.51, -.25, .48, 2.11, -2.05, .23, -1.9, 3.1},
                                     {2.02, 2, 2.51, 1.91, 1.88, 2.06, 2.83, 3.01, 1.8, 1.79}};
  const auto all = stats::bootstrap_iqm(tasks);
  CHECK(all.value == Approx(.85875));
  CHECK(all.low == Approx(.396).epsilon(.03));     // three seeds of rliable: .3919, .4000, .3975
  CHECK(all.high == Approx(1.2523).epsilon(.01));  // 1.2500, 1.2550, 1.2519
  const auto first = stats::bootstrap_iqm({tasks[0]});
  CHECK(first.value == Approx(.215));
  CHECK(first.low == Approx(-.665).epsilon(.03));
  CHECK(first.high == Approx(.59667).epsilon(.03));
}

TEST_CASE("stats/bootstrap: the same seed gives the same interval, another one nearly") {
  const std::vector<Values> tasks = {{1.03, 5.2, 2.71, 8.1, 4.4}, {3.3, 3.9, 9.6, 1.8, 2.2}};
  const auto a = stats::bootstrap_iqm(tasks, {.replicates = 5000, .seed = 1});
  const auto b = stats::bootstrap_iqm(tasks, {.replicates = 5000, .seed = 1});
  const auto c = stats::bootstrap_iqm(tasks, {.replicates = 5000, .seed = 2});
  CHECK((a.low == b.low && a.high == b.high));
  CHECK((a.low != c.low || a.high != c.high));
  CHECK(a.low == Approx(c.low).epsilon(.1));
}

TEST_CASE("stats/bootstrap: a 95% interval of a normal mean covers it as often as theory says") {
  // The percentile interval is about z sqrt((n-1)/n) s/sqrt(n) wide: for n = 20 it covers P(|t_19| < 1.91) =
  // .929.
  const int trials = 1000;
  int covered = 0;
  for (int trial = 0; trial < trials; ++trial) {
    polis::Random random(5, 0, static_cast<unsigned>(trial), 0, polis::Purpose::test);
    Values sample(20);
    for (double& value : sample) value = random.normal();
    const auto estimate = stats::bootstrap({sample}, stats::mean, {.replicates = 1000, .seed = 9});
    covered += estimate.low <= 0 && 0 <= estimate.high;
  }
  CHECK(covered > 929 - 3 * 8.2);
  CHECK(covered < 929 + 3 * 8.2);
}

TEST_CASE("stats/bootstrap: what cannot be resampled is refused") {
  CHECK(error_of([] { stats::bootstrap_iqm({}); }).find("bootstrap: found 0 values") == 0);
  CHECK(error_of([] { stats::bootstrap_iqm({{1, 2}, {}}); }).find("bootstrap: found 0 values") == 0);
  CHECK(error_of([] {
          stats::bootstrap_iqm({{1}}, {.replicates = 0});
        }).find("bootstrap: found no replicates") == 0);
  CHECK(error_of([] {
          stats::bootstrap_iqm({{1}}, {.confidence = 1});
        }).find("bootstrap: found a confidence") == 0);
}
