#include "agents.hpp"

POLIS_INSTANTIATE_TRAINER(polis::PPO, polis::MultiAgentEnv<polis::CartPole>);

double return_of_trainer(const Agents::Config& config, std::uint64_t steps, int episodes) {
  polis::Trainer<polis::PPO, polis::MultiAgentEnv<polis::CartPole>> trainer(config);
  trainer.train(steps);
  return trainer.evaluate(episodes).mean;
}
