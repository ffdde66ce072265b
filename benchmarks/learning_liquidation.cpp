// What is learnt of selling a large position in five steps (R. Almgren and N. Chriss, 2001): the cost of
// greedy play, expected loss and risk in dollars. The optimum is 1,275,356, a constant rate costs 1,745,500;
// to sell half of what is left at every step, the middle of the actions, costs 1,285,040.
//
//     learning_liquidation [--threads N] [--json FILE] [seeds=20 steps=2000000 ...]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
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
using Learning = Trainer<PPO, MultiAgentEnv<Liquidation<1>>>;

struct LiquidationRun {
  Learning::Config trainer{};
  std::uint64_t steps = 1'000'000;
  int seeds = 5;
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
  }
};

void learn(FigureLog& log, const LiquidationRun& run) {
  std::vector<double> costs;
  for (int i = 0; i < run.seeds; ++i) {
    auto config = run.trainer;
    config.seed += static_cast<std::uint64_t>(i);
    Learning trainer(config);
    trainer.train(run.steps);
    costs.push_back(trainer.evaluate(8).metrics["cost"]);
    std::printf("seed %llu: cost %.0f, %.2f s\n", static_cast<unsigned long long>(config.seed), costs.back(),
                trainer.seconds());
    std::fflush(stdout);
  }
  const stats::Estimate iqm = stats::bootstrap({costs}, stats::iqm);
  const double worst = *std::max_element(costs.begin(), costs.end());
  std::printf("cost: IQM %.0f [%.0f, %.0f], worst %.0f\n", iqm.value, iqm.low, iqm.high, worst);
  const std::string sizes = std::to_string(run.seeds) + " seeds x " + std::to_string(run.steps) + " steps";
  const auto add = [&](const char* part, double value) {
    log.add({.name = std::string("learning_liquidation/") + part,
             .value = value,
             .unit = "dollars",
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
    LiquidationRun run;
    read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings/liquidation.yaml").string(), run);
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
