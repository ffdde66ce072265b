// Difference rewards: what an agent's taking part was worth to all.
//
// D_i = G(z) - G(z_-i): what all agents together were paid for a step, less what they would have been paid
// without agent i (D. Wolpert and K. Tumer 2002, "Optimal payoff functions for members of collectives", the
// wonderful life utility with agent i taken out; A. Agogino and K. Tumer 2008, "Analyzing and visualizing
// multiagent rewards in dynamic and stochastic domains"). The second term does not depend on what i does: so
// what raises D_i raises G, and D_i moves with i's own action where G moves with everybody's.
//
// G is the one reward of a team (RewardStructure::shared), otherwise the sum of all agents' rewards.
// G(z_-i) is the environment's member `counterfactual`, which is as exact as the environment makes it.
#pragma once

#include <polis/core/tile.hpp>
#include <polis/env/end.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

/// Each agent learns from D_i in place of its reward.
struct DifferenceReward : ShapesRewards {
  static constexpr const char* key = "difference";
  static constexpr bool needs_counterfactual = true;

  struct Config {
    static constexpr void fields(auto&, auto&&) {}
  };

  template <class E>
  class State {
   public:
    State() = default;
    State(const Config&, const ShapedLearning& learner) : learner_(learner) {}

    void before(const MultiAgentEnv<E>&, int) {}

    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>&, Row rewards) const {
      double total = 0;
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if (E::rewards == RewardStructure::shared && !took_part(env, lane, agent)) continue;
        total += static_cast<double>(env.reward(lane, agent));
        if (E::rewards == RewardStructure::shared) break;  // it is everybody's
      }
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        if (!took_part(env, lane, agent)) continue;
        const double difference = total - static_cast<double>(env.counterfactual(lane, agent));
        const float other_words = rewards[agent] - env.reward(lane, agent);  // 0 where there are none
        rewards[agent] = static_cast<float>(difference) + other_words;
      }
    }

    void update() {}
    void metrics(auto&&) const {}
    void archive(auto&) {}

   private:
    /// Whether the agent had a part in the step just made.
    static bool took_part(const MultiAgentEnv<E>& env, int lane, int agent) {
      return env.alive(lane, agent) || env.end(lane, agent) != End::none;
    }

    ShapedLearning learner_;
  };
};

}  // namespace polis
