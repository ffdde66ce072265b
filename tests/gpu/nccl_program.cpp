// The third program of docs/ranks.md.
#include <polis/nccl.hpp>
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>, Collective<Nccl>> trainer(
      {.lanes = 131'072, .algorithm = {.steps = 32, .minibatch = 1'048'576}});  // of all ranks together
  trainer.train(1'000'000'000);
  if (trainer.ranks().rank() == 0) trainer.evaluate(100).print();
}
