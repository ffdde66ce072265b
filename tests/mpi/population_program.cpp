// The population of docs/ranks.md as it stands there.
#include <polis/mpi.hpp>
#include <polis/polis.hpp>
#include <polis/train/population.hpp>
using namespace polis;

int main(int argc, char** argv) {
  const MpiSession session(argc, argv);
  using Agents = Trainer<PPO, MultiAgentEnv<CartPole>>;
  Population<Agents, Mpi> population(
      {.members = 8, .interval = 20'000},
      {{"algorithm.optimizer.learning_rate", 1e-5, 1e-2}, {"algorithm.entropy_coefficient", 1e-4, 1e-1}});
  population.train(100'000);  // steps of each member
  if (population.owns(population.best())) population.member(population.best()).save("best.polis");
}
