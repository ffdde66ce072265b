// PPO on Pendulum, the whole training with the settings that learning_pendulum learns with: the time of
// 307,200 steps (75 rollouts of 4 lanes x 1024 steps, 2 epochs, minibatches of 256), and the speed of its
// parts. Other settings are words: `-- trainer.algorithm.minibatch=4096`.
#include <filesystem>
#include <string>

#include <polis/polis.hpp>

#include "learning.hpp"
#include "whole_training.hpp"

int main(int argc, char** argv) {
  using namespace polis;
  using Learner = PPO::With<Relu, Uniform, NormalizeObservations>;
  using Trainer = polis::Trainer<Learner, MultiAgentEnv<NormalizedPendulum>>;
  FigureLog log(argc, argv);
  LearningRun<Trainer> run;
  read_settings(log, std::filesystem::path(__FILE__).parent_path() / "settings/pendulum_rl_tools.yaml", run);
  const OperationsPerStep operations({3, 64, 64, 1}, {3, 64, 64, 1}, run.trainer.algorithm.epochs);
  const auto& algorithm = run.trainer.algorithm;
  const std::string sizes = std::to_string(run.steps) + " steps, " + std::to_string(run.trainer.lanes) +
                            " lanes x " + std::to_string(algorithm.steps) + " steps, minibatch " +
                            std::to_string(algorithm.minibatch) + ", " + std::to_string(algorithm.epochs) +
                            " epochs, 2 x 64-64 ReLU";

  measure_trainings<Trainer>(log, "ppo_pendulum", run.trainer, run.steps, operations.total(), sizes);
  measure_whole_training<Trainer>(log, "ppo_pendulum", run.trainer, operations, sizes);
}
