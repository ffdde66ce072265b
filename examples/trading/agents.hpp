// The agents of examples/trading.cpp, and how they do on days that they have not seen.
#pragma once

#include <vector>

#include <polis/envs/market/backtest.hpp>
#include <polis/polis.hpp>
#include <polis/train/separate_trainer.hpp>

/// Room for eight assets; how many are traded is a matter of the data and the stage.
using Market = polis::BasicTrading<polis::TradingSpec{.assets = 8, .traders = 4}>;
/// Each agent has weights of its own: four agents with the same weights would trade as one. Their code is
/// compiled in agents.cpp, beside that of the other files.
using Agents = polis::SeparateTrainer<polis::PPO::With<polis::SeparateParameters>,
                                      polis::MultiAgentEnv<Market>, polis::Curriculum<polis::Adaptive>>;
POLIS_EXTERN_TRAINER(polis::PPO::With<polis::SeparateParameters>, polis::MultiAgentEnv<Market>,
                     polis::Curriculum<polis::Adaptive>);

/// Prints the agents' figures beside those of the reference policies, and returns them all.
std::vector<polis::NamedReport> print_comparison(const Agents& agents, const polis::MarketData& held_out);
