// PPO on CartPole, the whole training: 256 lanes x 32 steps, minibatches of 1024, 4 epochs, an actor and a
// critic of 64 and 64 tanh units.
#include <polis/polis.hpp>

#include "whole_training.hpp"

int main(int argc, char** argv) {
  using namespace polis;
  using Trainer = polis::Trainer<PPO, MultiAgentEnv<CartPole>>;
  FigureLog log(argc, argv);
  const Trainer::Config config{
      .seed = 7, .lanes = 256, .algorithm = {.steps = 32, .epochs = 4, .minibatch = 1024}};
  measure_whole_training<Trainer>(log, "ppo_cartpole", config, {{4, 64, 64, 2}, {4, 64, 64, 1}, 4},
                                  "256 lanes x 32 steps, minibatch 1024, 4 epochs, 2 x 64-64 tanh");
}
