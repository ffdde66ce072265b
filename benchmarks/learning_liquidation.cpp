// What is learnt of selling a large position in five steps (R. Almgren and N. Chriss, 2001): the cost of
// greedy play, expected loss and risk in dollars. The optimum is 1,275,356, a constant rate costs 1,745,500;
// to sell half of what is left at every step, the middle of the actions, costs 1,285,040.
//
//     learning_liquidation [--threads N] [--json FILE] [seeds=20 steps=2000000 ...]
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
using Learning = Trainer<PPO, MultiAgentEnv<Liquidation<1>>>;

using Runs = SeedRuns<Learning>;

void learn(FigureLog& log, const Runs& runs) {
  const std::vector<double> costs = runs.train([](Learning& trainer) {
    const double cost = trainer.evaluate(8).metrics["cost"];
    std::printf("seed %llu: cost %.0f, %.2f s\n", static_cast<unsigned long long>(trainer.config().seed),
                cost, trainer.seconds());
    return cost;
  });
  const stats::Estimate iqm = stats::bootstrap({costs}, stats::iqm);
  const double worst = *std::max_element(costs.begin(), costs.end());
  std::printf("cost: IQM %.0f [%.0f, %.0f], worst %.0f\n", iqm.value, iqm.low, iqm.high, worst);
  runs.add(log, "learning_liquidation", "dollars", {{"iqm", iqm.value}, {"worst", worst}});
}

}  // namespace

int main(int argc, char** argv) { return run_seeds<Learning>(argc, argv, "liquidation.yaml", learn); }
