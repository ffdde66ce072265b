// REINFORCE with a learnt baseline balances a pole: whole episodes, nothing bootstrapped.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<REINFORCE, MultiAgentEnv<CartPole>> trainer({
      .seed = 7,
      .lanes = 8,
      .algorithm = {.optimizer = {.learning_rate = 3e-3f}},
  });
  ProgressBar bar;
  trainer.add_sink(bar);
  trainer.train(300'000);
  trainer.evaluate(100).print();
}
