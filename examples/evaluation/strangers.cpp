// Agents that were trained apart play together.
#include "parts.hpp"

#include <polis/polis.hpp>
#include <polis/train/suites.hpp>

using namespace polis;

void strangers(std::uint64_t steps) {
  using Pair = Trainer<PPO::With<SeparateParameters>, MultiAgentEnv<PenaltyGame<-1>>>;
  const auto config = [](std::uint64_t seed) { return Pair::Config{.seed = seed, .lanes = 16}; };
  Pair a(config(1)), b(config(5)), c(config(7));
  for (Pair* pair : {&a, &b, &c}) pair->train(steps / 3);
  print(a.evaluate(CrossPlay(b, c), 100));
}
