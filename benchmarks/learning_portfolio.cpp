// What is learnt of a portfolio at quadratic costs (N. Garleanu and L. Pedersen, 2013): how far greedy play
// is on the way from the Markowitz portfolio, which earns nothing after costs, to the optimum, .00118297 a
// step. The myopic rule is .885 of the way.
//
// The optimal rule plays beside the learnt policy on the same signals, and what a step earns less than with
// it is taken from what it earns exactly: so the error of the figure is that of a small difference. The
// figure of the linear rule that fits the policy best, which has no error of sampling, is printed beside it.
//
//     learning_portfolio [--threads N] [--json FILE] [seeds=20 steps=2000000 ...]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include <polis/polis.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

#include "seed_runs.hpp"

namespace {

using namespace polis;
using Learning = Trainer<PPO::With<ScaleRewards>, MultiAgentEnv<QuadraticPortfolio>>;

using Runs = SeedRuns<Learning>;

/// What a policy's steps earn in the long run, the error of that, and the linear rule that it is most like.
struct Evaluated {
  double average, error;
  LinearRule rule;
};

Evaluated evaluate(const Learning& trainer, QuadraticPortfolioConfig config) {
  constexpr int lanes = 64, settling = 200, steps = 20'000;
  config.steps = std::numeric_limits<int>::max();
  const std::uint64_t seed = trainer.config().seed + 1'000'000;
  MultiAgentEnv<QuadraticPortfolio> learnt(lanes, seed, config), best(lanes, seed, config);
  learnt.reset(), best.reset();
  auto player = trainer.player(lanes);
  const QuadraticPortfolio::Linear optimal{config.optimal()};
  Random unused(seed, 0, 0, 0, Purpose::evaluation);
  Actions<QuadraticPortfolio> actions[lanes]{};
  double less[lanes]{};
  double xx = 0, xf = 0, ff = 0, xa = 0, fa = 0;  // of the regression of the next position on what is seen
  for (int t = 0; t < settling + steps; ++t) {
    LaneTile<QuadraticPortfolio> tile{&learnt, 0, lanes, static_cast<std::uint64_t>(t), 0, actions};
    player(tile);
    for (int lane = 0; lane < lanes; ++lane) {
      const auto x = static_cast<double>(learnt.lane(lane).position);
      const auto f = static_cast<double>(learnt.lane(lane).signal);
      learnt.advance(lane, actions[lane]);
      best.advance(lane, optimal(best.lane(lane), best.view(lane), unused));
      if (t < settling) continue;
      const auto next = static_cast<double>(learnt.lane(lane).position);
      xx += x * x, xf += x * f, ff += f * f, xa += x * next, fa += f * next;
      less[lane] += static_cast<double>(best.reward(lane, 0) - learnt.reward(lane, 0)) / steps;
    }
  }
  const double determinant = xx * ff - xf * xf;
  return {average_reward(config, config.optimal()) - stats::mean(less),
          stats::standard_error(less),
          {(xa * ff - fa * xf) / determinant, (fa * xx - xa * xf) / determinant}};
}

void learn(FigureLog& log, const Runs& runs) {
  const QuadraticPortfolioConfig& config = runs.trainer.env;
  const double optimum = average_reward(config, config.optimal());
  const double from = average_reward(config, config.markowitz());
  const auto way = [&](double average) { return (average - from) / (optimum - from); };
  const std::vector<double> scores = runs.train([&](Learning& trainer) {
    const Evaluated result = evaluate(trainer, config);
    std::printf("seed %-4llu %.4f of the way (error %.4f); as %.3f x + %.3f f %.4f; %.2f s\n",
                static_cast<unsigned long long>(trainer.config().seed), way(result.average),
                result.error / (optimum - from), result.rule.keep, result.rule.react,
                way(average_reward(config, result.rule)), trainer.seconds());
    return way(result.average);
  });
  const stats::Estimate iqm = stats::bootstrap({scores}, stats::iqm);
  const double worst = *std::min_element(scores.begin(), scores.end());
  std::printf("of the way from Markowitz to the optimum: IQM %.4f [%.4f, %.4f], worst %.4f; myopic %.4f\n",
              iqm.value, iqm.low, iqm.high, worst, way(average_reward(config, config.myopic())));
  runs.add(log, "learning_portfolio", "share of the way", {{"iqm", iqm.value}, {"worst", worst}});
}

}  // namespace

int main(int argc, char** argv) { return run_seeds<Learning>(argc, argv, "portfolio.yaml", learn); }
