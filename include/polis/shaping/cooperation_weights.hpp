// Cooperation weights: agents that care for the rewards of others.
//
// Each learns from a mix of its own reward and the mean of all others', r_i' = own r_i + (1 - own) mean over
// j != i of r_j: a social value orientation (K. McKee, I. Gemp, B. McWilliams, E. Duenez-Guzman, E. Hughes
// and J. Leibo 2020, "Social diversity and social preferences in mixed-motive reinforcement learning", write
// the mix as an angle). With `own` = 1/n it is the mean reward of all n agents, with 1 what the environment
// pays; below 0 or above 1 agents envy.
#pragma once

#include <polis/core/tile.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

/// The share of an agent's own reward in what it learns from; the rest is the mean of all others', those that
/// are out of the episode among them with 0.
struct CooperationWeights : ShapesRewards {
  static constexpr const char* key = "cooperation";
  static constexpr bool needs_others = true;

  struct Config {
    float own = .8f;
    static constexpr void fields(auto& self, auto&& visit) { visit("own", self.own); }
  };

  template <class E>
  class State {
   public:
    State() = default;
    State(const Config& config, const ShapedLearning& learner) : own_(config.own), learner_(learner) {}

    void before(const MultiAgentEnv<E>&, int) {}

    void after(const MultiAgentEnv<E>&, int, const Actions<E>&, Row rewards) const {
      double total = 0;
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        total += static_cast<double>(rewards[agent]);
      }
      const auto own = static_cast<double>(own_);
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        const auto reward = static_cast<double>(rewards[agent]);
        const double others = (total - reward) / (agent_count<E> - 1);
        rewards[agent] = static_cast<float>(own * reward + (1 - own) * others);
      }
    }

    void update() {}
    void metrics(auto&&) const {}
    void archive(auto&) {}

   private:
    float own_ = 1;
    ShapedLearning learner_;
  };
};

}  // namespace polis
