// Trading on a signal at quadratic costs: Garleanu and Pedersen's rule and figures, exactly and by
// simulation.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/reference.hpp>
#include <polis/envs/market/quadratic_portfolio.hpp>

#include "../env/lane.hpp"

namespace test_quadratic_portfolio {

using namespace polis;
using doctest::Approx;
using polis_test::Lane;
using Portfolio = QuadraticPortfolio;

static_assert(DeviceEnvironment<Portfolio> && HasMetrics<Portfolio> && HasReferencePolicies<Portfolio> &&
              HasOptimalValue<Portfolio> && fields_complete<QuadraticPortfolioConfig>());

TEST_CASE("envs/quadratic_portfolio: the rule and what rules earn are the known ones") {
  const auto known = GarleanuPedersen::of(1, .04, 5, .1, .1);
  CHECK(known.rate == Approx(.358258).epsilon(1e-6));
  CHECK(known.aim == Approx(2.120209).epsilon(1e-6));
  const QuadraticPortfolioConfig config;
  CHECK(std::abs(average_reward(config, config.optimal()) - .00118297) < 5e-9);
  CHECK(std::abs(average_reward(config, config.myopic()) - .00104665) < 5e-9);
  CHECK(std::abs(average_reward(config, config.markowitz())) < 1e-9);
  CHECK(average_reward(config, config.myopic()) / average_reward(config, config.optimal()) ==
        Approx(.885).epsilon(1e-3));
  CHECK(config.myopic().keep == Approx(5. / 6));
  CHECK(config.markowitz().react == Approx(2.5));
  CHECK(std::isnan(average_reward(config, {1, .1})));
  CHECK(Portfolio::optimal_value(Lane<Portfolio>{}.view()).value == average_reward(config, config.optimal()));
  CHECK(Portfolio::optimal_value(Lane<Portfolio>{}.view()).of == OptimalValue::Of::step);
}

TEST_CASE("envs/quadratic_portfolio: no other linear rule earns as much") {
  QuadraticPortfolioConfig config;
  for (const float cost : {.2f, 5.f, 50.f}) {
    for (const float decay : {.02f, .1f, .6f}) {
      config.cost = cost, config.decay = decay;
      const LinearRule best = config.optimal();
      for (const double keep : {-.01, 0., .01}) {
        for (const double react : {-.02, 0., .02}) {
          if (keep == 0 && react == 0) continue;
          const LinearRule other{best.keep + keep, best.react * (1 + react)};
          CHECK(average_reward(config, other) < average_reward(config, best));
        }
      }
    }
  }
}

/// What a rule is worth where later steps count less, from no position: moments of position and signal. As
/// the paper has it, a position earns one step after the trade that is paid for.
double discounted(const QuadraticPortfolioConfig& config, const LinearRule& rule, double rate) {
  const double signal = config.signal_variance(), stays = 1 - static_cast<double>(config.decay);
  const auto variance = static_cast<double>(config.variance);
  double square = 0, before = 0, total = 0, weight = 1;
  for (int t = 0; t < 2000; ++t, weight *= 1 - rate) {
    const double with_signal = rule.keep * before + rule.react * signal;
    const double next = rule.keep * rule.keep * square + 2 * rule.keep * rule.react * before +
                        rule.react * rule.react * signal;
    const double across = rule.keep * square + rule.react * before;
    total += weight * (1 - rate) *
             (static_cast<double>(config.exposure) * with_signal -
              static_cast<double>(config.risk) / 2 * variance * next);
    total -= weight * static_cast<double>(config.cost) / 2 * variance * (next + square - 2 * across);
    square = next, before = stays * with_signal;
  }
  return total;
}

TEST_CASE("envs/quadratic_portfolio: with discounting the formula is optimal too") {
  const QuadraticPortfolioConfig config;
  const double rate = .1;
  const LinearRule best = GarleanuPedersen::of(1, .04, 5, .1, .1, rate).rule();
  const double value = discounted(config, best, rate);
  for (const double keep : {-.01, 0., .01}) {
    for (const double react : {-.02, 0., .02}) {
      if (keep == 0 && react == 0) continue;
      CHECK(discounted(config, {best.keep + keep, best.react * (1 + react)}, rate) < value);
    }
  }
  CHECK(discounted(config, config.optimal(), rate) < value);
}

TEST_CASE("envs/quadratic_portfolio: references earn by simulation what is exact") {
  Lane<Portfolio> lane;
  lane.config.steps = std::numeric_limits<int>::max();
  const QuadraticPortfolioConfig& config = lane.config;
  const std::map<std::string, double> exact{{"optimal", average_reward(config, config.optimal())},
                                            {"myopic", average_reward(config, config.myopic())},
                                            {"markowitz", average_reward(config, config.markowitz())}};
  int count = 0;
  for_each_reference<Portfolio>(lane.view(), [&](const char* name, const auto& policy) {
    constexpr int batches = 200, length = 4000;
    Random random(7, 0, 0, 0, Purpose::test);
    lane.reset();
    for (int i = 0; i < 200; ++i) lane.step(policy(lane.env, lane.view(), random));
    double mean = 0, squares = 0, signals = 0;
    for (int batch = 0; batch < batches; ++batch) {
      double total = 0;
      for (int i = 0; i < length; ++i) {
        lane.step(policy(lane.env, lane.view(), random));
        total += static_cast<double>(lane.rewards[0]) / length;
        signals += static_cast<double>(lane.env.signal * lane.env.signal) / (batches * length);
      }
      mean += total / batches, squares += total * total / batches;
    }
    const double error = std::sqrt((squares - mean * mean) / batches);
    CAPTURE(std::string(name));
    CHECK(std::abs(mean - exact.at(name)) < 4 * error);
    CHECK(error < 2e-5);
    CHECK(signals / config.signal_variance() == Approx(1).epsilon(.02));
    std::map<std::string, double> figures;
    lane.env.metrics([&](const char* figure, double value) { figures[figure] = value; });
    CHECK(std::abs(figures.at("gain") - figures.at("risk") - figures.at("cost") - mean) < 1e-5);
    ++count;
  });
  CHECK(count == 3);
}

TEST_CASE("envs/quadratic_portfolio: a step by hand") {
  Lane<Portfolio> lane;
  lane.config.steps = 2;
  lane.reset();
  lane.env.signal = .2f, lane.env.position = .1f;
  const float unit = lane.config.position_unit();
  CHECK(unit == Approx(.2867697));
  float seen[2];
  lane.env.observe(0, Row{seen}, lane.view());
  CHECK(seen[0] == Approx(.1 / .2867697));
  CHECK(seen[1] == Approx(.2 / .1147079));
  Actions<Portfolio> actions{};
  actions[0][0] = .3f / unit;
  lane.step(actions);
  CHECK(lane.rewards[0] == Approx(.1 * .2 * .3 - .04 / 2 * .09 - 5 * .04 / 2 * .04));
  CHECK(lane.episode == End::none);
  CHECK(lane.env.position == Approx(.3));
  lane.step(actions);
  CHECK(lane.episode == End::truncated);
}

}  // namespace test_quadratic_portfolio
