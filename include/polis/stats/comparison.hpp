// Whether one algorithm is better than another: the probability of improvement (Agarwal et al. 2021; Mann and
// Whitney 1947) and Welch's t-test (1947, with the degrees of freedom of Satterthwaite 1946).
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include <polis/core/error.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/incomplete_beta.hpp>
#include <polis/stats/scores.hpp>

namespace polis::stats {

/// The probability that a run of X scores more than a run of Y on a task drawn at random; equal scores count
/// half. Says how likely an improvement is, not how large. Error: different numbers of tasks.
inline double probability_of_improvement(const Scores& x, const Scores& y) {
  if (x.tasks() != y.tasks()) {
    throw Error("found " + std::to_string(x.tasks()) + " and " + std::to_string(y.tasks()) + " tasks",
                "probability of improvement", "the same tasks");
  }
  x.require_runs("probability of improvement"), y.require_runs("probability of improvement");
  double sum = 0;
  for (std::size_t t = 0; t < x.tasks(); ++t) {
    double wins = 0;
    for (const double a : x.task(t)) {
      for (const double b : y.task(t)) wins += a > b ? 1 : a == b ? .5 : 0;
    }
    sum += wins / static_cast<double>(x.task(t).size() * y.task(t).size());
  }
  return sum / static_cast<double>(x.tasks());
}

/// The same with its interval; rliable's settings.
inline Estimate bootstrap_improvement(const Scores& x, const Scores& y,
                                      const Bootstrap& settings = {.replicates = 2000}) {
  return bootstrap(x, y, probability_of_improvement, settings);
}

/// Two-sided p-value of a t statistic: P(|T| >= |t|) with this many degrees of freedom.
inline double student_t_p(double t, double degrees_of_freedom) {
  return incomplete_beta(degrees_of_freedom / 2, .5, degrees_of_freedom / (degrees_of_freedom + t * t));
}

/// What Welch's test found of mean(a) - mean(b).
struct WelchTest {
  double difference = 0;
  double standard_error = 0;
  double t = 0;
  double degrees_of_freedom = 0;
  double p = 1;  ///< two-sided
};

/// Tests whether two independent samples, at least two values each, have equal means; their variances may
/// differ. Where neither sample varies, equal means have p = 1 and unequal ones p = 0.
inline WelchTest welch_t_test(std::span<const double> a, std::span<const double> b) {
  const double of_a = variance(a) / static_cast<double>(a.size());
  const double of_b = variance(b) / static_cast<double>(b.size());
  WelchTest test;
  test.difference = mean(a) - mean(b);
  test.standard_error = std::sqrt(of_a + of_b);
  if (test.standard_error == 0) {
    const double sign = test.difference < 0 ? -1 : 1;
    test.t = test.difference == 0 ? 0 : sign * std::numeric_limits<double>::infinity();
    test.degrees_of_freedom = static_cast<double>(a.size() + b.size() - 2);
    test.p = test.difference == 0 ? 1 : 0;
    return test;
  }
  test.t = test.difference / test.standard_error;
  test.degrees_of_freedom =
      (of_a + of_b) * (of_a + of_b) /
      (of_a * of_a / static_cast<double>(a.size() - 1) + of_b * of_b / static_cast<double>(b.size() - 1));
  test.p = student_t_p(test.t, test.degrees_of_freedom);
  return test;
}

}  // namespace polis::stats
