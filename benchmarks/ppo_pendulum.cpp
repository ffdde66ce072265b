// PPO on Pendulum, the whole training with the settings that learning_pendulum learns with: the time of
// 307,200 steps (75 rollouts of 4 lanes x 1024 steps, 2 epochs, minibatches of 256), and the speed of its
// parts.
#include <filesystem>
#include <vector>

#include <polis/polis.hpp>

#include "learning.hpp"
#include "whole_training.hpp"

int main(int argc, char** argv) {
  using namespace polis;
  using Learner = PPO::With<Relu, Uniform, NormalizeObservations>;
  using Trainer = polis::Trainer<Learner, MultiAgentEnv<NormalizedPendulum>>;
  FigureLog log(argc, argv);
  LearningRun<Trainer> run;
  read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings/pendulum_rl_tools.yaml").string(),
            run);
  run.trainer.threads = log.threads();
  const OperationsPerStep operations({3, 64, 64, 1}, {3, 64, 64, 1}, run.trainer.algorithm.epochs);
  const char* sizes = "307,200 steps, 4 lanes x 1024 steps, minibatch 256, 2 epochs, 2 x 64-64 ReLU";

  measure_trainings<Trainer>(log, "ppo_pendulum", run.trainer, run.steps, operations.total(), sizes);
  measure_whole_training<Trainer>(log, "ppo_pendulum", run.trainer, operations, sizes);
}
