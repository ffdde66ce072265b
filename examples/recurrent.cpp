// PPO with a memory and with dual clip in a T-maze: what to do at its end was said at its beginning.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  using Algorithm = PPO::With<Gru<32>, DualClip>;
  Trainer<Algorithm, MultiAgentEnv<TMaze<5>>> trainer({
      .seed = 7,
      .lanes = 16,
      .algorithm = {.optimizer = {.learning_rate = 1e-2f}, .steps = 64, .minibatch = 256},
  });
  trainer.train(100'000);
  trainer.evaluate(200).print();
}
