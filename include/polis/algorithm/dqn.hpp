// DQN: deep Q-networks (Mnih et al. 2015, "Human-level control through deep reinforcement learning"), as the
// sentence it is.
//
// Act epsilon-greedily and keep every transition in the replay. Every `update_every` steps, after the first
// `learning_starts`, draw `batch` transitions and make one step of Adam along the gradient of
//
//     y    = r + gamma Q'(o', argmax_a Q(o', a))      0 beyond a termination; Q' is the target network
//     loss = mean(L(Q(o, a) - y))                     Huber
//
// then let the target network follow (`HardTarget`: a copy every so many updates). The updates are read in
// algorithm/q_update.hpp, acting and storing in q_agents.hpp, the replay in buffer/replay.hpp.
//
// What later papers added is a value or a word each: double Q (van Hasselt et al. 2016) `double_q`, n-step
// targets (Hessel et al. 2018) `n_step`; dueling heads (Wang et al. 2016) With<Dueling<Mlp<120, 84>>>, soft
// targets With<SoftTarget>, prioritised replay With<PrioritizedReplay>, the plain squared error
// With<SquaredError>.
#pragma once

#include <polis/algorithm/q_learning.hpp>
#include <polis/buffer/replay.hpp>
#include <polis/exploration/epsilon_greedy.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/mlp.hpp>

namespace polis {

/// A type of its own, so that compilers print its name rather than its words. Initial weights are PyTorch's.
struct DQN : QLearning<Huber, Independent, Replay, EpsilonGreedy, HardTarget, Adam, Mlp<120, 84>, Relu,
                       Uniform, PerRoleParameters, RawObservations> {};

}  // namespace polis
