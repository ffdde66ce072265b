// TD3 on Pendulum-v1: by rl_tools' settings.
#include <filesystem>

#include <polis/polis.hpp>

#include "learning.hpp"

int main(int argc, char** argv) {
  using Words = polis::TD3::With<polis::Mlp<64, 64>>;
  using Trainer = polis::Trainer<Words, polis::MultiAgentEnv<polis::Pendulum>>;
  const auto here = std::filesystem::path(__FILE__).parent_path();
  return polis::run_learning<Trainer>(argc, argv, "learning_td3", here / "settings/pendulum_td3.yaml");
}
