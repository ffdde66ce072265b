// SAC and TD3 on Pendulum, the whole training with the settings that learning_sac and learning_td3 learn
// with: the time of 10,000 steps (batches of 100, one update a step after 100 steps), end to end.
#include <filesystem>
#include <string>
#include <vector>

#include <polis/polis.hpp>

#include "learning.hpp"
#include "whole_training.hpp"

namespace polis {

/// Operations of the products of one update on one transition, 2 per multiply-add, on average over updates of
/// which every `actor_every`-th is the actor's too. With F the products of a forward pass, G those of all
/// layers but the first: the actor once and target critics forward, the critics forward and backward (2 F +
/// G); then the actor forward and backward, `climbed` critics forward, and one of them, for each transition
/// the least, back to its inputs (F).
double operations_of_update(const std::vector<int>& actor, const std::vector<int>& critic, int critics,
                            int climbed, int actor_every) {
  const auto products = [](const std::vector<int>& widths, std::size_t first) {
    double sum = 0;
    for (std::size_t i = first; i + 1 < widths.size(); ++i) sum += 2. * widths[i] * widths[i + 1];
    return sum;
  };
  const double actor_forward = products(actor, 0), actor_pass = 2 * actor_forward + products(actor, 1);
  const double forward = products(critic, 0), pass = 2 * forward + products(critic, 1);
  return actor_forward + critics * (forward + pass) + (actor_pass + (climbed + 1) * forward) / actor_every;
}

template <class Words>
void measure(FigureLog& log, const std::string& name, double operations) {
  using Trainer = polis::Trainer<Words, MultiAgentEnv<NormalizedPendulum>>;
  constexpr std::uint64_t steps = 10'000;
  LearningRun<Trainer> run;
  const auto here = std::filesystem::path(__FILE__).parent_path();
  read_yaml((here / ("settings/pendulum_" + name + ".yaml")).string(), run);
  run.trainer.threads = log.threads();
  const double updates = static_cast<double>(steps) - run.trainer.algorithm.learning_starts;
  measure_trainings<Trainer>(log, name + "_pendulum", run.trainer, steps,
                             operations * run.trainer.algorithm.batch * updates / static_cast<double>(steps),
                             "10,000 steps, batch 100, one update a step, 64-64");
}

}  // namespace polis

int main(int argc, char** argv) {
  using namespace polis;
  FigureLog log(argc, argv);
  measure<SAC::With<Mlp<64, 64>>>(log, "sac", operations_of_update({3, 64, 64, 2}, {4, 64, 64, 1}, 2, 2, 1));
  measure<TD3::With<Mlp<64, 64>>>(log, "td3", operations_of_update({3, 64, 64, 1}, {4, 64, 64, 1}, 2, 1, 2));
}
