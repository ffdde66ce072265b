// What is learnt of alternating offers over one unit, on a grid of .05, beside the subgame-perfect
// equilibrium (A. Rubinstein, 1982): with 1 to 4 offers; and without a deadline, where a rejection may end
// negotiations, with equal and with different discounts. The figure is what the first mover is paid by greedy
// play.
//
//     learning_negotiation [--threads N] [--json FILE] [seeds=20 steps=1000000 ...]
#include <algorithm>
#include <cmath>
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
using Learning = Trainer<TabularQ, MultiAgentEnv<Bargaining>>;

struct NegotiationRun {
  Learning::Config trainer{};
  std::uint64_t steps = 4'000'000;
  int seeds = 5;
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
  }
};

/// Trains every seed on one problem; returns the largest difference from what is known.
double learn(FigureLog& log, NegotiationRun run, const std::string& name, int deadline, float first,
             float second) {
  auto& env = run.trainer.env;
  env.deadline = deadline;
  env.breakdown = deadline == 0;
  env.discount_first = first, env.discount_second = second;
  const UtilityFrontier<1> unit({{{{1}}, {{1}}}});
  const double known = perfect_utility(unit, env.discounts(), 0, deadline);
  std::vector<double> shares;
  double worst = 0, offers = 0;
  for (int i = 0; i < run.seeds; ++i) {
    auto config = run.trainer;
    config.seed += static_cast<std::uint64_t>(i);
    Learning trainer(config);
    trainer.train(run.steps);
    EvaluationResult result = trainer.evaluate(1000);
    shares.push_back(result.agents[0]);
    worst = std::max(worst, std::abs(result.agents[0] - known));
    offers += result.metrics["offers"] / run.seeds;
    std::printf("%s, seed %llu: first %.4f, second %.4f, offers %.2f, %.2f s\n", name.c_str(),
                static_cast<unsigned long long>(config.seed), result.agents[0], result.agents[1],
                result.metrics["offers"], trainer.seconds());
    std::fflush(stdout);
  }
  const stats::Estimate iqm = stats::bootstrap({shares}, stats::iqm);
  std::printf("%s: known %.4f, IQM %.4f [%.4f, %.4f], farthest by %.4f, %.2f offers\n", name.c_str(), known,
              iqm.value, iqm.low, iqm.high, worst, offers);
  const std::string sizes = std::to_string(run.seeds) + " seeds x " + std::to_string(run.steps) + " steps";
  const auto add = [&](const char* part, double value) {
    log.add({.name = "learning_negotiation/" + name + part,
             .value = value,
             .unit = "share",
             .threads = log.threads(),
             .sizes = sizes});
  };
  add("/known", known), add("/iqm", iqm.value), add("/farthest", worst);
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(), {});
    NegotiationRun run;
    read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings/rubinstein.yaml").string(), run);
    run.trainer.threads = log.threads();
    cli.apply(run);
    std::cout << Learning::name() << "\n" << to_yaml(run);
    double worst = 0;
    for (int deadline = 1; deadline <= 4; ++deadline) {
      worst = std::max(worst, learn(log, run, std::to_string(deadline) + "_offers", deadline, .9f, .9f));
    }
    worst = std::max(worst, learn(log, run, "no_deadline", 0, .9f, .9f));
    worst = std::max(worst, learn(log, run, "no_deadline_unequal", 0, .9f, .8f));
    std::printf("farthest from the equilibrium: %.4f\n", worst);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
