// The shortest program: four traders learn on synthetic markets, since no prices are given.
// examples/trading.cpp trains them on real ones.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<PPO, MultiAgentEnv<Trading>, Curriculum<Adaptive>> trainer({.seed = 7});
  trainer.train(2'000'000);
  trainer.evaluate(200).print();
}
