// Self-play in Kuhn poker by magnetic mirror descent, and how much a best response would earn against it.
#include <cstdio>

#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<MMD, MultiAgentEnv<KuhnPoker>> trainer({
      .seed = 7,
      .lanes = 256,
      .algorithm = {.returns = {.discount = 1},
                    .optimizer = {.learning_rate = 1e-3f},
                    .magnet = {.coefficient = .2f, .target = {.every = 50}},
                    .steps = 16},
  });
  ProgressBar bar;
  trainer.add_sink(bar);
  trainer.train(1'000'000);

  const GameTree<KuhnPoker> game;
  const auto policy = action_probabilities(trainer.learner());
  std::printf("exploitability %.3f (uniform play %.3f), value to the first player %.3f (equilibrium %.3f)\n",
              game.exploitability(policy), game.exploitability(UniformPolicy<2>{}), game.value(0, policy),
              KuhnPoker::value);
}
