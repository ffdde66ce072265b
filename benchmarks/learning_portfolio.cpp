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
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include <polis/io/command_line.hpp>
#include <polis/io/yaml.hpp>
#include <polis/polis.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

#include "figure.hpp"

namespace {

using namespace polis;
using Learning = Trainer<PPO::With<ScaleRewards>, MultiAgentEnv<QuadraticPortfolio>>;

struct PortfolioRun {
  Learning::Config trainer{};
  std::uint64_t steps = 1'000'000;
  int seeds = 5;
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
  }
};

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

void learn(FigureLog& log, const PortfolioRun& run) {
  const QuadraticPortfolioConfig& config = run.trainer.env;
  const double optimum = average_reward(config, config.optimal());
  const double from = average_reward(config, config.markowitz());
  const auto way = [&](double average) { return (average - from) / (optimum - from); };
  std::vector<double> scores;
  for (int i = 0; i < run.seeds; ++i) {
    auto settings = run.trainer;
    settings.seed += static_cast<std::uint64_t>(i);
    Learning trainer(settings);
    trainer.train(run.steps);
    const Evaluated result = evaluate(trainer, config);
    scores.push_back(way(result.average));
    std::printf("seed %-4llu %.4f of the way (error %.4f); as %.3f x + %.3f f %.4f; %.2f s\n",
                static_cast<unsigned long long>(settings.seed), scores.back(),
                result.error / (optimum - from), result.rule.keep, result.rule.react,
                way(average_reward(config, result.rule)), trainer.seconds());
    std::fflush(stdout);
  }
  const stats::Estimate iqm = stats::bootstrap({scores}, stats::iqm);
  const double worst = *std::min_element(scores.begin(), scores.end());
  std::printf("of the way from Markowitz to the optimum: IQM %.4f [%.4f, %.4f], worst %.4f; myopic %.4f\n",
              iqm.value, iqm.low, iqm.high, worst, way(average_reward(config, config.myopic())));
  const std::string sizes = std::to_string(run.seeds) + " seeds x " + std::to_string(run.steps) + " steps";
  const auto add = [&](const char* part, double value) {
    log.add({.name = std::string("learning_portfolio/") + part,
             .value = value,
             .unit = "share of the way",
             .threads = log.threads(),
             .sizes = sizes});
  };
  add("iqm", iqm.value), add("worst", worst);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(), {});
    PortfolioRun run;
    read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings/portfolio.yaml").string(), run);
    run.trainer.threads = log.threads();
    cli.apply(run);
    std::cout << Learning::name() << "\n" << to_yaml(run);
    learn(log, run);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
