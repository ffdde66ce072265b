// IQL, VDN and QMIX: Q-learning for teams (Tan 1993; Sunehag et al. 2018; Rashid et al. 2018).
//
// Agents of a role share weights and are told who they are. What differs is how their values meet the reward
// that they share:
//
//     IQL     each learns from the reward alone, as if the others were part of the world
//     VDN     Q_tot = Q_1 + ... + Q_n                          mixer/vdn.hpp
//     QMIX    Q_tot increases in every Q_i, by a network whose weights the state gives    mixer/qmix.hpp
//
// Shared is PyMARL's way of learning: double Q, RMSprop, gradients clipped at a norm of 10, the squared
// error, a target network copied every 200 updates. The networks are feed-forward and learn from single
// transitions; what PyMARL itself runs, recurrent networks and whole episodes, is With<Episodes, Gru<64>>.
#pragma once

#include <polis/algorithm/dqn.hpp>
#include <polis/mixer/qmix.hpp>
#include <polis/mixer/vdn.hpp>
#include <polis/nn/rmsprop.hpp>

namespace polis {

struct IQL : DQN::With<SquaredError, RmsProp, Mlp<64, 64>, AgentIds> {};

struct VDN : IQL::With<Vdn> {};

struct QMIX : IQL::With<Qmix<32>> {};

}  // namespace polis
