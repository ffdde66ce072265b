// What is learnt of supply chains whose optima are known: lost sales, whose policies are evaluated exactly on
// the chain of stocks and orders under way; and the beer game, four firms that are paid by the cost of all.
//
//     learning_supply [--threads N] [--json FILE] [--only NAME] [seeds=20 trainer.lanes=64 ...]
//
// Every learning has its settings in a file; words on the command line change all of those that are run,
// whose name holds NAME.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <polis/envs/games/exact.hpp>
#include <polis/io/command_line.hpp>
#include <polis/io/yaml.hpp>
#include <polis/polis.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

#include "seed_runs.hpp"

namespace {

using namespace polis;

/// Trains every seed and says what `cost(trainer)` its greedy policy has a period.
template <class Algorithm, class E, class Cost>
void learn(FigureLog& log, const CommandLine& cli, const std::string& name, const char* settings,
           const Cost& cost) {
  if (name.find(cli.value("--only", std::string())) == name.npos) return;
  using Learning = Trainer<Algorithm, MultiAgentEnv<E>>;
  SeedRuns<Learning> runs;
  read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings" / settings).string(), runs);
  runs.trainer.threads = log.threads();
  cli.apply(runs);
  std::cout << name << ": " << Learning::name() << "\n" << to_yaml(runs);
  const std::vector<double> costs = runs.train([&](const Learning& trainer) {
    const double of_seed = cost(trainer);
    std::printf("seed %-4llu cost %.4f  %.2f s, %.0f steps/s\n",
                static_cast<unsigned long long>(trainer.config().seed), of_seed, trainer.seconds(),
                static_cast<double>(trainer.clock().steps) / trainer.seconds());
    return of_seed;
  });
  const stats::Estimate iqm = stats::bootstrap({costs}, stats::iqm);
  const auto [best, worst] = std::minmax_element(costs.begin(), costs.end());
  std::printf("cost a period: IQM %.4f, 95%% interval [%.4f, %.4f]; best %.4f, worst %.4f\n", iqm.value,
              iqm.low, iqm.high, *best, *worst);
  runs.add(log, "learning_supply/" + name, "cost",
           {{"iqm", iqm.value}, {"iqm_low", iqm.low}, {"iqm_high", iqm.high}, {"worst", *worst}});
}

/// The exact cost a period of the greedy policy of lost sales.
double exact_cost(const auto& trainer) {
  using E = LostSales<2>;
  constexpr int choices = E::Action::size;
  const auto probabilities = action_probabilities(trainer.learner());
  const Array<float, choices> all = [] {
    Array<float, choices> flags{};
    for (float& flag : flags) flag = 1;
    return flags;
  }();
  return E::exact_cost(trainer.lanes().view(0), [&](In<float> seen) {
    const Array<double, choices> of = probabilities(0, seen, In<float>{all.data()});
    return certain<choices>(static_cast<int>(std::max_element(of.begin(), of.end()) - of.begin()));
  });
}

/// Orders by how much they differ from what is asked, at most 8 either way.
using Beer = BasicBeerGame<BeerGameSpec{.order = OrderBy::difference, .largest = 8}>;

/// The cost a period of the greedy policy in the beer game, over 64 runs of 5,000 periods.
double long_run_cost(const auto& trainer) {
  constexpr int runs = 64, periods = 5'000;
  Beer::Config config = trainer.config().env;
  config.periods = periods;
  auto env = trainer.evaluation_lanes(runs, config, {});
  return -run_episodes(env, runs, trainer.player(runs)).mean / periods;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(),
                          {{"--only NAME", "what is learnt: those whose name holds it"}});
    learn<PPO, LostSales<2>>(log, cli, "lost_sales/ppo", "lost_sales.yaml",
                             [](const auto& trainer) { return exact_cost(trainer); });
    const auto of_team = [](const auto& trainer) { return long_run_cost(trainer); };
    learn<IPPO::With<Relu, ScaleRewards, NormalizeObservations, SeparateParameters>, Beer>(
        log, cli, "beer_game/independent", "beer_game.yaml", of_team);
    learn<MAPPO::With<Relu, ScaleRewards, NormalizeObservations, SeparateParameters>, Beer>(
        log, cli, "beer_game/central", "beer_game.yaml", of_team);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
