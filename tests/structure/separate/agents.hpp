// A trainer whose code one translation unit of the program has: agents.cpp.
#pragma once

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/train/separate_trainer.hpp>

using Agents = polis::SeparateTrainer<polis::PPO, polis::MultiAgentEnv<polis::CartPole>>;
POLIS_EXTERN_TRAINER(polis::PPO, polis::MultiAgentEnv<polis::CartPole>);

/// What a plain Trainer with these settings returns after so many steps, by the mean of so many episodes.
double return_of_trainer(const Agents::Config& config, std::uint64_t steps, int episodes);
