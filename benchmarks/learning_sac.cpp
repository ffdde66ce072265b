// SAC on Pendulum-v1: SB3's zoo publishes -157 after 20,000 steps, rl_tools -132 to -159.
#include <filesystem>

#include <polis/polis.hpp>

#include "learning.hpp"

int main(int argc, char** argv) {
  using Words = polis::SAC::With<polis::Mlp<64, 64>>;
  using Trainer = polis::Trainer<Words, polis::MultiAgentEnv<polis::Pendulum>>;
  const auto here = std::filesystem::path(__FILE__).parent_path();
  return polis::run_learning<Trainer>(argc, argv, "learning_sac", here / "settings/pendulum_sac.yaml");
}
