// PPO on a team of five with one value of each state: the whole training, and the speed of its parts, in
// environment steps per second (each is one of all five agents). The settings are those that learning of the
// team is shown with: `ppo_team/return` before and after.
#include <filesystem>

#include <polis/polis.hpp>

#include "crossing.hpp"
#include "learning.hpp"
#include "whole_training.hpp"

int main(int argc, char** argv) {
  using namespace polis;
  using Learner = PPO::With<Mlp<64, 64>, TeamCritic<Mlp<128, 128>>, NormalizeObservations>;
  using Trainer = polis::Trainer<Learner, MultiAgentEnv<Crossing>>;
  FigureLog log(argc, argv);
  LearningRun<Trainer> run;
  read_settings(log, std::filesystem::path(__FILE__).parent_path() / "settings/crossing.yaml", run);
  const int epochs = run.trainer.algorithm.epochs;
  OperationsPerStep operations({12, 64, 64, 2}, {}, epochs);
  const OperationsPerStep critic({}, {60, 128, 128, 1}, epochs);
  operations.rollout *= Crossing::agents;
  operations.learning = operations.learning * Crossing::agents + critic.learning;
  operations.values = critic.values;
  const char* sizes = "128 lanes x 128 steps, 5 agents, minibatch 1024, 1 epoch, 64-64 and 128-128 tanh";

  measure_trainings<Trainer>(log, "ppo_team", run.trainer, run.steps, operations.total(), sizes);
  measure_whole_training<Trainer>(log, "ppo_team", run.trainer, operations, sizes);

  WholeTraining<Trainer> work(run.trainer, 9, .2);
  const Figure alone = median_figure("", work.environment(), log.threads(), sizes);
  const Figure whole = median_figure("", work.training(operations), log.threads(), sizes);
  log.add({.name = "ppo_team/share_of_the_environment",
           .value = 100 * whole.value / alone.value,
           .unit = "%",
           .threads = log.threads(),
           .sizes = "of the training's time, by the speeds of both"});
  Trainer trainer(run.trainer);
  const double before = trainer.evaluate(200).mean;
  trainer.train(run.steps);
  log.add({.name = "ppo_team/return_before", .value = before, .unit = "return", .sizes = "200 episodes"});
  log.add({.name = "ppo_team/return_after",
           .value = trainer.evaluate(200).mean,
           .unit = "return",
           .sizes = "200 episodes; 10 are the way to all goals"});
}
