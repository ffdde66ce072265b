// Random processes of returns: their distributions, and that a fit finds them again.
#include <polis/envs/market/processes.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>
#include <polis/envs/market/fit.hpp>

#include "market_fixture.hpp"
#include "stylised_facts.hpp"

namespace test_processes {

using namespace polis;
using namespace polis::market;
using namespace polis_test;

template <ReturnProcess P>
std::vector<double> path(const P& process, int bars, std::uint64_t seed = 3) {
  Random random(seed, 0, 0, 0, Purpose::test);
  auto state = process.begin(random);
  std::vector<double> returns;
  for (int t = 0; t < bars; ++t) returns.push_back(static_cast<double>(process.advance(state, random)));
  return returns;
}

double deviation(const std::vector<double>& values) {
  return internal::fitting::sample_moments(values).deviation;
}

/// Daily log returns (percent) of the first index.
std::vector<double> index_returns() {
  const MarketPrices prices = index_prices();
  std::vector<double> returns;
  for (std::size_t at = 4; at < prices.close.size(); at += 4) {
    returns.push_back(
        100 * std::log(static_cast<double>(prices.close[at]) / static_cast<double>(prices.close[at - 4])));
  }
  return returns;
}

}  // namespace test_processes

TEST_CASE("envs/processes: Student's numbers have variance 1 and the tails of their degrees of freedom") {
  using namespace test_processes;
  Random random(7, 0, 0, 0, Purpose::test);
  constexpr int draws = 200'000;
  double squares = 0, beyond = 0;
  for (int i = 0; i < draws; ++i) {
    const auto t = static_cast<double>(student(5, random)) * std::sqrt(5. / 3);  // unscaled
    squares += t * t, beyond += std::abs(t) > 2.5706;                            // the 97.5% quantile of t(5)
  }
  CHECK(squares / draws == doctest::Approx(5. / 3).epsilon(.03));
  CHECK(beyond / draws == doctest::Approx(.05).epsilon(.04));
}

TEST_CASE("envs/processes: moments in the long run") {
  using namespace test_processes;
  constexpr int bars = 200'000;
  const Garch garch{.mean = .05f, .omega = .05f, .alpha = .08f, .beta = .87f};
  CHECK(deviation(path(garch, bars)) == doctest::Approx(1).epsilon(.02));
  // Kurtosis of GARCH with normal shocks: 3 (1 - s^2) / (1 - s^2 - 2 alpha^2), s = alpha + beta.
  CHECK(kurtosis(path(garch, bars)) == doctest::Approx(3 * .0975 / (.0975 - .0128)).epsilon(.1));

  const MertonJumps jumps{
      .mean = .1f, .deviation = .8f, .intensity = .1f, .jump_mean = -1, .jump_deviation = 2};
  const auto drawn = path(jumps, bars);
  CHECK(internal::fitting::sample_moments(drawn).mean == doctest::Approx(.1 - .1).scale(1).epsilon(.02));
  CHECK(deviation(drawn) == doctest::Approx(std::sqrt(.64 + .1 * (1 + 4))).epsilon(.02));

  const MeanRevertingPrice reverting{.level = 5, .persistence = .9f, .deviation = .5f};
  Random random(2, 0, 0, 0, Purpose::test);
  auto state = reverting.begin(random);
  double sum = 0, squares = 0;
  for (int t = 0; t < bars; ++t) {
    reverting.advance(state, random);
    const auto x = static_cast<double>(state.log_price);
    sum += x, squares += x * x;
  }
  const double mean = sum / bars;
  CHECK(mean == doctest::Approx(5).epsilon(.01));
  CHECK(std::sqrt(squares / bars - mean * mean) == doctest::Approx(.5 / std::sqrt(1 - .81)).epsilon(.02));
}

TEST_CASE("envs/processes: volume persists, and rises with the size of returns") {
  using namespace test_processes;
  const VolumeProcess volume{.persistence = .6f, .response = .4f, .deviation = .1f};
  Random random(4, 0, 0, 0, Purpose::test);
  std::vector<double> sizes, volumes;
  float log_volume = 0;
  for (int t = 0; t < 100'000; ++t) {
    const float z = random.normal();
    log_volume = volume.advance(log_volume, z, random);
    sizes.push_back(std::abs(static_cast<double>(z))), volumes.push_back(static_cast<double>(log_volume));
  }
  // Var = (response^2 (1 - 2 / pi) + deviation^2) / (1 - persistence^2); cov(|z|, v) = response (1 - 2 / pi).
  const double size_variance = 1 - 2 / std::numbers::pi, variance = (.16 * size_variance + .01) / (1 - .36);
  CHECK(deviation(volumes) == doctest::Approx(std::sqrt(variance)).epsilon(.03));
  CHECK(correlation(volumes, volumes, 1) == doctest::Approx(.6).epsilon(.03));
  CHECK(correlation(sizes, volumes, 0) ==
        doctest::Approx(.4 * std::sqrt(size_variance / variance)).epsilon(.03));
}

TEST_CASE(
    "envs/processes: stylised facts: GARCH clusters and has heavy tails, Brownian motion and jumps do not "
    "cluster") {
  using namespace test_processes;
  constexpr int bars = 60'000;
  for (const auto& returns : {path(Garch{}, bars), path(StudentGarch{}, bars)}) {
    CHECK(std::abs(correlation(returns, returns, 1)) < .15);
    CHECK(clusters(returns));
    CHECK(tail_index(returns) > 2);
    CHECK(tail_index(returns) < 5);
  }
  CHECK_FALSE(clusters(path(GeometricBrownian{}, bars)));
  const auto jumps = path(MertonJumps{}, bars);
  CHECK_FALSE(clusters(jumps));
  CHECK(kurtosis(jumps) > 4);
  CHECK(kurtosis(jumps, 60) < kurtosis(jumps));
}

TEST_CASE("envs/processes: a fit finds the parameters that made the returns, and none is likelier" *
          doctest::test_suite("learning")) {
  using namespace test_processes;
  constexpr int bars = 8'000;
  const auto fitted = [](const auto& truth) {
    const auto returns = path(truth, bars);
    const auto result = fit<std::remove_cvref_t<decltype(truth)>>(returns);
    CHECK(result.log_likelihood >= log_likelihood(truth, returns) - 1e-3);
    CHECK(result.log_likelihood <
          log_likelihood(truth, returns) + 15);  // half a chi-square of few parameters
    return result.process;
  };
  const auto brownian = fitted(GeometricBrownian{.mean = .1f, .deviation = 1.3f});
  CHECK(brownian.mean == doctest::Approx(.1).epsilon(.5));
  CHECK(brownian.deviation == doctest::Approx(1.3).epsilon(.02));

  const auto garch = fitted(Garch{.mean = .06f, .omega = .04f, .alpha = .1f, .beta = .86f});
  CHECK(garch.alpha == doctest::Approx(.1).epsilon(.25));
  CHECK(garch.beta == doctest::Approx(.86).epsilon(.03));
  CHECK(garch.omega == doctest::Approx(.04).epsilon(.5));

  StudentGarch truth;
  truth.omega = .03f, truth.alpha = .09f, truth.beta = .88f, truth.nu = 6;
  const auto student = fitted(truth);
  CHECK(student.alpha == doctest::Approx(.09).epsilon(.3));
  CHECK(student.beta == doctest::Approx(.88).epsilon(.03));
  CHECK(student.nu == doctest::Approx(6).epsilon(.2));

  const auto jumps = fitted(MertonJumps{
      .mean = .1f, .deviation = .7f, .intensity = .08f, .jump_mean = -.6f, .jump_deviation = 2.5f});
  CHECK(jumps.deviation == doctest::Approx(.7).epsilon(.03));
  CHECK(jumps.intensity == doctest::Approx(.08).epsilon(.25));
  CHECK(jumps.jump_deviation == doctest::Approx(2.5).epsilon(.15));

  const auto reverting = fitted(MeanRevertingPrice{.level = 0, .persistence = .9f, .deviation = .5f});
  CHECK(reverting.persistence == doctest::Approx(.9).epsilon(.02));
  CHECK(reverting.deviation == doctest::Approx(.5).epsilon(.02));

  const auto two = fitted(two_regimes());
  CHECK(two.deviation[0] == doctest::Approx(.7004).epsilon(.03));
  CHECK(two.deviation[1] == doctest::Approx(2.0502).epsilon(.03));
  CHECK(two.transition[0][0] == doctest::Approx(.98977).epsilon(.005));
  CHECK(two.transition[1][1] == doctest::Approx(.97494).epsilon(.01));

  const auto three = fitted(three_regimes());
  for (int k = 0; k < 3; ++k) {
    CHECK(three.deviation[k] ==
          doctest::Approx(static_cast<double>(three_regimes().deviation[k])).epsilon(.1));
  }
}

TEST_CASE("envs/processes: an index is likelier with every fact that a process knows of") {
  using namespace test_processes;
  const auto returns = index_returns();
  const double brownian = fit<GeometricBrownian>(returns).log_likelihood;
  const auto garch = fit<Garch>(returns);
  const auto student = fit<StudentGarch>(returns);
  CHECK(fit<MertonJumps>(returns).log_likelihood > brownian + 50);
  CHECK(fit<RegimeSwitching<2>>(returns).log_likelihood > brownian + 50);
  CHECK(fit<RegimeSwitching<3>>(returns).log_likelihood > fit<RegimeSwitching<2>>(returns).log_likelihood);
  CHECK(garch.log_likelihood > brownian + 50);
  CHECK(student.log_likelihood > garch.log_likelihood + 20);
  CHECK((student.process.alpha + student.process.beta > .9f &&
         student.process.alpha + student.process.beta < 1));
  CHECK((student.process.nu > 3 && student.process.nu < 15));
}

TEST_CASE("envs/processes: what cannot be fitted is an error") {
  using namespace test_processes;
  std::vector<double> returns(50, 1.);
  CHECK_THROWS_WITH_AS(fit<Garch>(returns), doctest::Contains("50 returns"), Error);
  returns.resize(200, 1.);
  CHECK_THROWS_WITH_AS(fit<GeometricBrownian>(returns), doctest::Contains("alike"), Error);
  returns[7] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(fit<MertonJumps>(returns), doctest::Contains("return 7"), Error);
}

TEST_CASE(
    "envs/processes: synthetic markets of each generator have the volatility and the correlation of the "
    "data" *
    doctest::test_suite("learning")) {
  using namespace test_processes;
  MarketHistory history(index_prices());
  const auto real = history.training_returns();
  const Array<int, 4> symbols{{0, 1, 2, 3}};
  for (const MarketGenerator generator : {MarketGenerator::Brownian, MarketGenerator::Garch,
                                          MarketGenerator::StudentGarch, MarketGenerator::Jumps}) {
    CAPTURE(enum_names(generator)[static_cast<std::size_t>(generator)]);
    history.set_model(fit_market(real, generator));
    const MarketData data = history.training();
    CHECK(data.factor.generator == generator);
    SyntheticMarket<4> path;
    Random random(19, 0, 0, 0, Purpose::test);
    path.start(data, symbols, 2, random);
    std::vector<double> drawn[4];
    int seen[3] = {};
    for (int t = 0; t < 60'000; ++t) {
      path.advance(data, symbols, 2, random);
      ++seen[path.regime()];
      for (int s = 0; s < 4; ++s) drawn[s].push_back(100 * static_cast<double>(path.log_return(s)));
    }
    const bool garch = data.factor.clusters();
    for (int s = 0; s < 4; ++s) {  // GARCH's own variance is what its parameters say, which are uncertain
      CHECK(deviation(drawn[s]) ==
            doctest::Approx(deviation(real[std::size_t(s)])).epsilon(garch ? .25 : .05));
    }
    CHECK(correlation(drawn[0], drawn[2], 0) ==
          doctest::Approx(correlation(real[0], real[2], 0)).epsilon(.15));
    const auto size = transformed(drawn[0], [](double r) { return std::abs(r); });
    CHECK((correlation(size, size, 1) > 4 / std::sqrt(60'000.)) == garch);
    CHECK((seen[0] > 0) == garch);
    CHECK((seen[2] > 0) == garch);
    // In calm stages nothing wilder occurs.
    path.start(data, symbols, garch ? 0 : 1, random);
    for (int t = 0; t < 1000; ++t) {
      path.advance(data, symbols, garch ? 0 : 1, random);
      CHECK(path.regime() == (garch ? 0 : 1));
    }
  }
  CHECK_THROWS_WITH_AS(history.set_model({}), doctest::Contains("0 asset models"), Error);
}
