// Self-play in poker: how far from an equilibrium its policies are as they learn, by walking the whole game
// (exploitability: what a best response earns against the policy, the mean of both seats).
//
//     learning_poker [--threads N] [--json FILE] [--only NAME] [seeds=20 trainer.lanes=64 ...]
//
// Every learning curve has its settings in a file; words on the command line change all of them that are run,
// those whose name holds NAME.
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

/// Trainings that differ in nothing but their seeds, each looked at `points` times.
template <class Trainer>
struct PokerRun {
  typename Trainer::Config trainer{};
  std::uint64_t steps = 1'000'000;
  int seeds = 10;
  int points = 10;
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
    visit("points", self.points);
  }
};

/// Notes the exploitability of a trainer's policy as it learns.
template <class Trainer>
class Curve : public Sink {
 public:
  Curve(const Trainer& trainer, std::uint64_t steps, int points)
      : trainer_(trainer), every_(steps / static_cast<std::uint64_t>(points)), next_(every_) {}

  void row(const MetricsRow& row) override {
    if (row.kind != MetricsRow::Kind::training || row.step < next_) return;
    values.push_back(tree_.exploitability(action_probabilities(trainer_.learner())));
    next_ += every_;
  }

  std::vector<double> values;

 private:
  const Trainer& trainer_;
  GameTree<typename Trainer::Environment> tree_;
  std::uint64_t every_, next_;
};

/// One curve for every seed; prints them, and the interquartile mean of each point.
template <class Algorithm, class Game, class Change>
void learn(FigureLog& log, const CommandLine& cli, const std::string& name, const char* settings,
           const Change& change) {
  if (name.find(cli.value("--only", std::string())) == name.npos) return;
  using Learning = Trainer<Algorithm, MultiAgentEnv<Game>>;
  PokerRun<Learning> run;
  read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings" / settings).string(), run);
  run.trainer.threads = log.threads();
  change(run.trainer.algorithm);
  cli.apply(run);
  std::cout << name << ": " << Learning::name() << "\n" << to_yaml(run);
  std::vector<std::vector<double>> points(static_cast<std::size_t>(run.points));
  for (int i = 0; i < run.seeds; ++i) {
    auto config = run.trainer;
    config.seed += static_cast<std::uint64_t>(i);
    Learning trainer(config);
    Curve curve(trainer, run.steps, run.points);
    trainer.add_sink(curve);
    trainer.train(run.steps);
    std::printf("seed %-4llu", static_cast<unsigned long long>(config.seed));
    for (std::size_t p = 0; p < points.size(); ++p) {
      points[p].push_back(curve.values.at(p));
      std::printf(" %.3f", curve.values[p]);
    }
    std::printf("  %.2f s\n", trainer.seconds());
    std::fflush(stdout);
  }
  std::printf("IQM      ");
  for (const auto& point : points) std::printf(" %.3f", stats::iqm(point));
  const stats::Estimate iqm = stats::bootstrap({points.back()}, stats::iqm);
  const auto [best, worst] = std::minmax_element(points.back().begin(), points.back().end());
  const double uniform = GameTree<Game>().exploitability(UniformPolicy<RoleOf<Game, 0>::Action::size>{});
  std::printf("\nat the end: IQM %.4f, 95%% interval [%.4f, %.4f]; worst %.4f, best %.4f; uniform %.4f\n",
              iqm.value, iqm.low, iqm.high, *worst, *best, uniform);
  const std::string sizes = std::to_string(run.seeds) + " seeds x " + std::to_string(run.steps) + " steps";
  const auto add = [&](const char* part, double value) {
    log.add({.name = "learning_poker/" + name + part,
             .value = value,
             .unit = "exploitability",
             .threads = log.threads(),
             .sizes = sizes});
  };
  add("/iqm", iqm.value), add("/iqm_low", iqm.low), add("/iqm_high", iqm.high);
  add("/worst", *worst), add("/uniform", uniform);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(),
                          {{"--only NAME", "the curves whose name holds it"}});
    const auto as_it_is = [](auto&) {};
    const auto without_magnet = [](auto& algorithm) { algorithm.magnet.coefficient = 0; };
    learn<MMD, KuhnPoker>(log, cli, "kuhn/mmd", "poker_kuhn_mmd.yaml", as_it_is);
    learn<MMD, KuhnPoker>(log, cli, "kuhn/without_magnet", "poker_kuhn_mmd.yaml", without_magnet);
    learn<MMD, LeducPoker>(log, cli, "leduc/mmd", "poker_leduc_mmd.yaml", as_it_is);
    learn<MMD, LeducPoker>(log, cli, "leduc/without_magnet", "poker_leduc_mmd.yaml", without_magnet);
    learn<NFSP, KuhnPoker>(log, cli, "kuhn/nfsp", "poker_kuhn_nfsp.yaml", as_it_is);
    learn<NFSP, LeducPoker>(log, cli, "leduc/nfsp", "poker_leduc_nfsp.yaml", as_it_is);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
