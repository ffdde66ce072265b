// A3C balances a pole: each thread's actor moves the shared weights as soon as its rollout is full.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<A3C, MultiAgentEnv<CartPole>> trainer({.seed = 7, .lanes = 16});
  trainer.train(300'000);
  std::printf("A3C with %zu actors\n", trainer.learner().actors());
  trainer.evaluate(100).print();
}
