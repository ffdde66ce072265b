// What is learnt of sharing a capacity of 10 among three users, whose alpha-fair optimum has a closed form:
// with alpha .5, and by max-min. The figure is sum |x - x*| of greedy play as a share of the capacity.
//
//     learning_allocation [--threads N] [--json FILE] [seeds=20 steps=2000000 ...]
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <polis/polis.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>

#include "seed_runs.hpp"

namespace {

using namespace polis;
using Learning = Trainer<PPO, MultiAgentEnv<AlphaFairSharing<3>>>;

using Runs = SeedRuns<Learning>;

void learn(FigureLog& log, Runs runs, const std::string& name, bool max_min) {
  runs.trainer.env.max_min = max_min;
  const std::vector<double> distances = runs.train([&](Learning& trainer) {
    EvaluationResult result = trainer.evaluate(64);
    const double distance = result.metrics["distance"];
    std::printf("%s, seed %llu: distance %.4f, return %.4f (optimum %.4f), %.2f s\n", name.c_str(),
                static_cast<unsigned long long>(trainer.config().seed), distance, result.mean,
                AlphaFairSharing<3>::optimal_value(trainer.lanes().view(0)).value, trainer.seconds());
    return distance;
  });
  const stats::Estimate iqm = stats::bootstrap({distances}, stats::iqm);
  const double worst = *std::max_element(distances.begin(), distances.end());
  std::printf("%s: distance IQM %.4f [%.4f, %.4f], worst %.4f\n", name.c_str(), iqm.value, iqm.low, iqm.high,
              worst);
  runs.add(log, "learning_allocation/" + name, "share of capacity", {{"iqm", iqm.value}, {"worst", worst}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_seeds<Learning>(argc, argv, "alpha_fair.yaml", [](FigureLog& log, const Runs& runs) {
    learn(log, runs, "alpha_fair", false);
    learn(log, runs, "max_min", true);
  });
}
