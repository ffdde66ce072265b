// What a user's first program does: includes polis and steps an environment.
#include <cstdio>
#include <vector>

#include <polis/polis.hpp>

int main() {
  polis::MultiAgentEnv<polis::CartPole> env(2, 7);
  std::vector<polis::Actions<polis::CartPole>> actions(2);
  env.reset();
  float total = 0;
  for (int step = 0; step < 5; ++step) {
    env.step(actions);
    total += env.reward(0, 0) + env.reward(1, 0);
  }
  std::printf("%g\n", static_cast<double>(total));
  return total == 10 ? 0 : 1;
}
