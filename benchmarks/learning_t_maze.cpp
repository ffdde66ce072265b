// What a memory is worth: PPO in a T-maze with a corridor of 10 steps, with a GRU and with a feed-forward
// network under the same settings. Without a memory half of the turns are right.
#include <filesystem>

#include <polis/polis.hpp>

#include "learning.hpp"

namespace {

template <class Network>
int learn(int argc, char** argv, const char* name) {
  using namespace polis;
  const auto here = std::filesystem::path(__FILE__).parent_path();
  return run_learning<Trainer<PPO::With<Network>, MultiAgentEnv<TMaze<10>>>>(
      argc, argv, name, here / "settings/t_maze.yaml", mean_success);
}

}  // namespace

int main(int argc, char** argv) {
  if (const int failed = learn<polis::Gru<32>>(argc, argv, "learning_t_maze/gru")) return failed;
  return learn<polis::Mlp<32>>(argc, argv, "learning_t_maze/mlp");
}
