// TD3 swings a pendulum up, with the settings of examples/sac.cpp.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  using Agent = Trainer<TD3::With<Mlp<64, 64>>, MultiAgentEnv<Pendulum>>;
  Agent::Config config{.seed = 7, .lanes = 1};
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 1e-3f;
  config.algorithm.batch = 100;
  Agent trainer(config);
  trainer.train(10'000);
  trainer.evaluate(100).print();
}
