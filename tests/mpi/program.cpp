// The program of docs/ranks.md as it stands there.
#include <polis/mpi.hpp>
#include <polis/polis.hpp>
#include <polis/train/sinks.hpp>
using namespace polis;

int main(int argc, char** argv) {
  const MpiSession session(argc, argv);
  using Ranks = Trainer<PPO, MultiAgentEnv<CartPole>, Collective<Mpi>>;
  Ranks::Config config{.seed = 7, .lanes = 256};  // of all ranks together
  config.algorithm.steps = 32;
  config.checkpoint.path = "cartpole.polis";
  Ranks trainer(config);
  ProgressBar bar;
  trainer.add_sink(bar);
  trainer.train(200'000);
  if (session.first()) trainer.evaluate(100).print();
}
