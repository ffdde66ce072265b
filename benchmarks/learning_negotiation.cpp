// What is learnt of alternating offers over one unit, on a grid of .05, beside the subgame-perfect
// equilibrium (A. Rubinstein, 1982): with 1 to 4 offers; and without a deadline, where a rejection may end
// negotiations, with equal and with different discounts. The figure is what the first mover is paid by greedy
// play.
//
//     learning_negotiation [--threads N] [--json FILE] [seeds=20 steps=1000000 ...]
#include <algorithm>
#include <cmath>
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
using Learning = Trainer<TabularQ, MultiAgentEnv<Bargaining>>;

using Runs = SeedRuns<Learning>;

/// Trains every seed on one problem; returns the largest difference from what is known.
double learn(FigureLog& log, Runs runs, const std::string& name, int deadline, float first, float second) {
  auto& env = runs.trainer.env;
  env.deadline = deadline;
  env.breakdown = deadline == 0;
  env.discount_first = first, env.discount_second = second;
  const UtilityFrontier<1> unit({{{{1}}, {{1}}}});
  const double known = perfect_utility(unit, env.discounts(), 0, deadline);
  double worst = 0, offers = 0;
  const std::vector<double> shares = runs.train([&](Learning& trainer) {
    EvaluationResult result = trainer.evaluate(1000);
    worst = std::max(worst, std::abs(result.agents[0] - known));
    offers += result.metrics["offers"] / runs.seeds;
    std::printf("%s, seed %llu: first %.4f, second %.4f, offers %.2f, %.2f s\n", name.c_str(),
                static_cast<unsigned long long>(trainer.config().seed), result.agents[0], result.agents[1],
                result.metrics["offers"], trainer.seconds());
    return result.agents[0];
  });
  const stats::Estimate iqm = stats::bootstrap({shares}, stats::iqm);
  std::printf("%s: known %.4f, IQM %.4f [%.4f, %.4f], farthest by %.4f, %.2f offers\n", name.c_str(), known,
              iqm.value, iqm.low, iqm.high, worst, offers);
  runs.add(log, "learning_negotiation/" + name, "share",
           {{"known", known}, {"iqm", iqm.value}, {"farthest", worst}});
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  return run_seeds<Learning>(argc, argv, "rubinstein.yaml", [](FigureLog& log, const Runs& runs) {
    double worst = 0;
    for (int deadline = 1; deadline <= 4; ++deadline) {
      worst = std::max(worst, learn(log, runs, std::to_string(deadline) + "_offers", deadline, .9f, .9f));
    }
    worst = std::max(worst, learn(log, runs, "no_deadline", 0, .9f, .9f));
    worst = std::max(worst, learn(log, runs, "no_deadline_unequal", 0, .9f, .8f));
    std::printf("farthest from the equilibrium: %.4f\n", worst);
  });
}
