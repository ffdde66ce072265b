// PPO on Pendulum-v1 with the settings that rl_tools publishes: its own mean is -183.8 over 10 seeds.
#include <filesystem>

#include <polis/polis.hpp>

#include "learning.hpp"

int main(int argc, char** argv) {
  using namespace polis;
  using Learner = PPO::With<Relu, Uniform, NormalizeObservations>;
  const auto here = std::filesystem::path(__FILE__).parent_path();
  return run_learning<Trainer<Learner, MultiAgentEnv<NormalizedPendulum>>>(
      argc, argv, "learning_pendulum", here / "settings/pendulum_rl_tools.yaml");
}
