// What the tests of the GPU train: one line here is one in kernels.cu and one test case in device.cpp.
#pragma once

#include <polis/polis.hpp>

namespace test_gpu {

using Plain = polis::PPO;
using Small = polis::PPO::With<polis::Silu, polis::Mlp<13, 6>, polis::AdamW, polis::NStep<5>>;
using Orthogonal = polis::PPO::With<polis::Muon>;
using Normalized = polis::PPO::With<polis::NormalizeObservations, polis::ScaleRewards, polis::Relu>;
using Team = polis::MAPPO::With<polis::SharedParameters>;
/// Each agent has weights of its own.
using Traders = polis::PPO::With<polis::SeparateParameters>;
/// Estimates are made anew before every epoch.
using Anew = polis::PPO::With<polis::VTrace, polis::Mlp<64, 64>>;
using Soft = polis::SAC::With<polis::Mlp<64, 64>>;
using Twin = polis::TD3;
using Deep = polis::DQN;
using Mixed = polis::QMIX;
using Rounded = polis::PPO::With<polis::Bfloat16<polis::Mlp<64, 64>>>;
/// Weights and gradients of 256 units do not fit into shared memory.
using Wide = polis::PPO::With<polis::Mlp<256, 256>>;

}  // namespace test_gpu
