// Four traders on the prices of four indices: who they are, and what is asked of them.
#pragma once

#include <polis/polis.hpp>
#include <polis/train/suites.hpp>

using Traders = polis::Trainer<polis::PPO::With<polis::SeparateParameters>,
                               polis::MultiAgentEnv<polis::Trading>, polis::Curriculum<polis::Adaptive>>;

/// market.cpp
polis::MarketHistory four_indices();

/// disturbed.cpp: fewer of them, noise and delays.
polis::ResultTable disturb(const Traders& agents);
