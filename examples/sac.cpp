// SAC swings a pendulum up, and so does TD3.
#include <polis/polis.hpp>
using namespace polis;

template <class Algorithm>
void learn(const char* name) {
  typename Trainer<Algorithm, MultiAgentEnv<Pendulum>>::Config config{.seed = 7, .lanes = 1};
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 1e-3f;
  config.algorithm.batch = 100;
  Trainer<Algorithm, MultiAgentEnv<Pendulum>> trainer(config);
  trainer.train(10'000);
  std::printf("%s\n", name);
  trainer.evaluate(100).print();
}

int main() {
  learn<SAC::With<Mlp<64, 64>>>("SAC");
  learn<TD3::With<Mlp<64, 64>>>("TD3");
}
