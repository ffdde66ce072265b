"""Writes scores.csv and prints the figures that tests/stats/rliable.cpp compares with.

    pip install rliable==1.2.0 "pandas<3" && python3 record_rliable.py

Recorded with rliable 1.2.0, numpy 2.4.6, scipy 1.17.1, arch 7.2.0. The scores are pseudo-random numbers of a
linear congruential generator, rounded to four decimals: three algorithms, ten runs, five tasks.
"""

import csv
import itertools
import pathlib

import numpy
import scipy.stats
from rliable import library, metrics


def uniforms(state=2026):
    """Knuth's 64-bit generator (MMIX), its upper 53 bits."""
    while True:
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53


def scores():
    """[algorithm][run][task]: a level for each algorithm and task, and noise that is sometimes a failure."""
    draw = uniforms()
    matrix = numpy.zeros((3, 10, 5))
    for algorithm, run, task in itertools.product(range(3), range(10), range(5)):
        level = 0.4 + 0.15 * algorithm + 0.1 * task * (1 if algorithm != 1 else -0.3)
        noise = 0.5 * (next(draw) + next(draw) - 1)
        failed = next(draw) < 0.1
        matrix[algorithm, run, task] = round(0.05 if failed else level + noise, 4)
    return matrix


def main():
    matrix = scores()
    with open(pathlib.Path(__file__).with_name("scores.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["algorithm", "run", *(f"task{task}" for task in range(5))])
        for algorithm, run in itertools.product(range(3), range(10)):
            writer.writerow([algorithm, run, *matrix[algorithm, run]])

    numpy.random.seed(1)
    for algorithm, of in enumerate(matrix):
        print("algorithm", algorithm)
        for name in ["mean", "median", "iqm"]:
            print(name, repr(float(getattr(metrics, "aggregate_" + name)(of))))
        for gamma in [1, 0.6]:
            print("optimality gap at", gamma, repr(float(metrics.aggregate_optimality_gap(of, gamma))))
    aggregates = lambda x: numpy.array(
        [metrics.aggregate_mean(x), metrics.aggregate_median(x), metrics.aggregate_iqm(x),
         metrics.aggregate_optimality_gap(x)])
    for tasks in [False, True]:
        for seed in range(2):
            _, intervals = library.get_interval_estimates(
                {"0": matrix[0]}, aggregates, reps=20000, task_bootstrap=tasks)
            print("intervals of mean, median, iqm, gap of algorithm 0; tasks resampled:", tasks)
            print(intervals["0"])
    for x, y in [(1, 0), (2, 0), (2, 1), (0, 0)]:
        improvement = metrics.probability_of_improvement(matrix[x], matrix[y])
        print("improvement of", x, "over", y, repr(float(improvement)))
    _, intervals = library.get_interval_estimates(
        {"2, 0": (matrix[2], matrix[0])}, metrics.probability_of_improvement, reps=10000)
    print("interval of 2 over 0", intervals["2, 0"].ravel())
    thresholds = numpy.array([0, 0.25, 0.5, 0.75, 1])
    for runs in [True, False]:
        profiles, intervals = library.create_performance_profile(
            {str(a): matrix[a] for a in range(3)}, thresholds, use_score_distribution=runs, reps=20000)
        print("profiles of runs" if runs else "profiles of average scores", thresholds)
        for a in range(3):
            print(a, profiles[str(a)].tolist(), intervals[str(a)].tolist())
    for x, y, task in [(0, 1, 0), (0, 2, 4), (1, 2, 2), (0, 0, 3)]:
        test = scipy.stats.ttest_ind(matrix[x, :, task], matrix[y, :7, task], equal_var=False)
        print("Welch", x, y, task, *(repr(float(v)) for v in (test.statistic, test.df, test.pvalue)))
    print("I_x(a, b)")
    points = [(0.5, 0.5, 0.3), (2, 3, 0.4), (12.5, 0.5, 0.999), (12.5, 0.5, 0.2), (300, 200, 0.62)]
    for a, b, x in [*points, (5e3, 0.5, 0.9)]:
        print(a, b, x, repr(float(scipy.special.betainc(a, b, x))))


if __name__ == "__main__":
    main()
