// What a lean, noise and delays do to a balanced pole.
#include "parts.hpp"

#include <polis/polis.hpp>
#include <polis/train/suites.hpp>

using namespace polis;

void cart_pole(std::uint64_t steps) {
  using Agent = Trainer<PPO, MultiAgentEnv<CartPole>>;
  Agent::Config config{.seed = 1, .lanes = 16};
  config.evaluation = {.every = 10'000, .episodes = 20};
  Agent agent(config);
  EvaluationHistory history;
  agent.add_sink(history);
  agent.train(steps);

  const auto lean = [](const float* seen, int) { return seen[2] + .5f * seen[3] > 0 ? 1 : 0; };
  print(sample_efficiency({&history}, {195, 475}));
  print(agent.evaluate(Robustness{.noise = {.05f, .2f}, .delays = {1, 2}}, 200));
  print(
      agent.evaluate(Comparison<CartPole>{.references = {{"lean", observing_policy<CartPole>(lean)}}}, 200));
}
