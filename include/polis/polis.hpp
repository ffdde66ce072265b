// polis: multi-agent reinforcement learning, composed as types.
//
//     #include <polis/polis.hpp>
//     using namespace polis;
//
//     int main() {
//       Trainer<PPO, MultiAgentEnv<Trading>, Curriculum<Adaptive>> trainer({.seed = 7});
//       trainer.train(2'000'000);
//       trainer.evaluate(200).print();
//     }
//
// This header needs the standard library and xsimd, links nothing but threads, and compiles as C++ and as
// CUDA. Files (io/), statistics (stats/) and xtensor views (xtensor.hpp) are headers of their own.
#pragma once

// First what the messages about an environment are of, so that the way to it that they tell is short.
#include <polis/env/environment.hpp>
#include <polis/env/multi_agent_env.hpp>

#include <polis/algorithm/a2c.hpp>
#include <polis/algorithm/a3c.hpp>
#include <polis/algorithm/action_probabilities.hpp>
#include <polis/algorithm/coma.hpp>
#include <polis/algorithm/ddpg.hpp>
#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/maa2c.hpp>
#include <polis/algorithm/maddpg.hpp>
#include <polis/algorithm/mappo.hpp>
#include <polis/algorithm/mmd.hpp>
#include <polis/algorithm/nfsp.hpp>
#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/algorithm/reinforce.hpp>
#include <polis/algorithm/sac.hpp>
#include <polis/algorithm/self_play.hpp>
#include <polis/algorithm/tabular_q.hpp>
#include <polis/buffer/episodes.hpp>
#include <polis/buffer/mapped.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/curriculum/adaptive.hpp>
#include <polis/curriculum/domain_randomization.hpp>
#include <polis/curriculum/learning_progress.hpp>
#include <polis/curriculum/none.hpp>
#include <polis/curriculum/prioritized_levels.hpp>
#include <polis/curriculum/staged.hpp>
#include <polis/distribution/beta.hpp>
#include <polis/distribution/dirichlet.hpp>
#include <polis/distribution/squashed_gaussian.hpp>
#include <polis/env/channel.hpp>
#include <polis/env/frame_stack.hpp>
#include <polis/env/graded.hpp>
#include <polis/env/guarded.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/env/tiled_env.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/env/together.hpp>
#include <polis/envs/allocation/alpha_fair_sharing.hpp>
#include <polis/envs/allocation/resource_allocation.hpp>
#include <polis/envs/allocation/two_class_queue.hpp>
#include <polis/envs/classic/acrobot.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/classic/mountain_car.hpp>
#include <polis/envs/classic/mountain_car_continuous.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/envs/classic/t_maze.hpp>
#include <polis/envs/games/blackjack.hpp>
#include <polis/envs/games/congestion.hpp>
#include <polis/envs/games/cournot.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/envs/games/exploitability.hpp>
#include <polis/envs/games/frozen_lake.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>
#include <polis/envs/games/level_based_foraging.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/envs/games/two_step_game.hpp>
#include <polis/envs/market/kyle_market.hpp>
#include <polis/envs/market/liquidation.hpp>
#include <polis/envs/market/market_making.hpp>
#include <polis/envs/market/mean_reversion.hpp>
#include <polis/envs/market/merton_allocation.hpp>
#include <polis/envs/market/quadratic_portfolio.hpp>
#include <polis/envs/market/trading.hpp>
#include <polis/envs/negotiation/bargaining.hpp>
#include <polis/envs/negotiation/bargaining_against.hpp>
#include <polis/envs/negotiation/double_auction.hpp>
#include <polis/envs/negotiation/legislature.hpp>
#include <polis/envs/negotiation/resource_trading.hpp>
#include <polis/envs/particle/simple_speaker_listener.hpp>
#include <polis/envs/particle/simple_spread.hpp>
#include <polis/envs/particle/simple_tag.hpp>
#include <polis/envs/supply_chain/beer_game.hpp>
#include <polis/envs/supply_chain/inv_management.hpp>
#include <polis/envs/supply_chain/inventory.hpp>
#include <polis/envs/supply_chain/supply_network.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/bfloat16.hpp>
#include <polis/nn/comm_net.hpp>
#include <polis/nn/dueling.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/muon.hpp>
#include <polis/nn/rmsprop.hpp>
#include <polis/nn/sgd.hpp>
#include <polis/objective/dual_clip.hpp>
#include <polis/objective/policy_gradient.hpp>
#include <polis/policy/opponent_model.hpp>
#include <polis/returns/group_normalised.hpp>
#include <polis/returns/lambda_return.hpp>
#include <polis/returns/monte_carlo.hpp>
#include <polis/returns/n_step.hpp>
#include <polis/returns/v_trace.hpp>
#include <polis/shaping/constrained.hpp>
#include <polis/shaping/cooperation_weights.hpp>
#include <polis/shaping/coordination_bonus.hpp>
#include <polis/shaping/curiosity.hpp>
#include <polis/shaping/difference_reward.hpp>
#include <polis/shaping/potential_based.hpp>
#include <polis/shaping/several.hpp>
#include <polis/shaping/weighted_components.hpp>
#include <polis/train/sinks.hpp>
#include <polis/train/trainer.hpp>
