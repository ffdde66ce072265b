// What is learnt of sharing a capacity of 10 among three users, whose alpha-fair optimum has a closed form:
// with alpha .5, and by max-min. The figure is sum |x - x*| of greedy play as a share of the capacity.
//
//     learning_allocation [--threads N] [--json FILE] [seeds=20 steps=2000000 ...]
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
using Learning = Trainer<PPO, MultiAgentEnv<AlphaFairSharing<3>>>;

struct AllocationRun {
  Learning::Config trainer{};
  std::uint64_t steps = 1'000'000;
  int seeds = 5;
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
  }
};

void learn(FigureLog& log, AllocationRun run, const std::string& name, bool max_min) {
  run.trainer.env.max_min = max_min;
  std::vector<double> distances;
  for (int i = 0; i < run.seeds; ++i) {
    auto config = run.trainer;
    config.seed += static_cast<std::uint64_t>(i);
    Learning trainer(config);
    trainer.train(run.steps);
    EvaluationResult result = trainer.evaluate(64);
    distances.push_back(result.metrics["distance"]);
    std::printf("%s, seed %llu: distance %.4f, return %.4f (optimum %.4f), %.2f s\n", name.c_str(),
                static_cast<unsigned long long>(config.seed), distances.back(), result.mean,
                AlphaFairSharing<3>::optimal_value(trainer.lanes().view(0)).value, trainer.seconds());
    std::fflush(stdout);
  }
  const stats::Estimate iqm = stats::bootstrap({distances}, stats::iqm);
  const double worst = *std::max_element(distances.begin(), distances.end());
  std::printf("%s: distance IQM %.4f [%.4f, %.4f], worst %.4f\n", name.c_str(), iqm.value, iqm.low, iqm.high,
              worst);
  const std::string sizes = std::to_string(run.seeds) + " seeds x " + std::to_string(run.steps) + " steps";
  const auto add = [&](const char* part, double value) {
    log.add({.name = "learning_allocation/" + name + part,
             .value = value,
             .unit = "share of capacity",
             .threads = log.threads(),
             .sizes = sizes});
  };
  add("/iqm", iqm.value), add("/worst", worst);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(), {});
    AllocationRun run;
    read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings/alpha_fair.yaml").string(), run);
    run.trainer.threads = log.threads();
    cli.apply(run);
    std::cout << Learning::name() << "\n" << to_yaml(run);
    learn(log, run, "alpha_fair", false);
    learn(log, run, "max_min", true);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
