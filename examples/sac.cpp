// SAC swings a pendulum up. examples/td3.cpp does so with another algorithm.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  using Agent = Trainer<SAC::With<Mlp<64, 64>>, MultiAgentEnv<Pendulum>>;
  Agent::Config config{.seed = 7, .lanes = 1};
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 1e-3f;
  config.algorithm.batch = 100;
  Agent trainer(config);
  trainer.train(10'000);
  trainer.evaluate(100).print();
}
