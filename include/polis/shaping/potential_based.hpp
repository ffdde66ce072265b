// Potential-based shaping: hints that do not change what is best.
//
// To the rewards of a transition from s to s' is added F = gamma Phi(s') - Phi(s), where Phi, the potential,
// is whatever the environment holds a situation to be worth (its member `potential`). Over an episode these
// add up to minus the potential of its beginning, whatever is done, so that optimal policies stay optimal (A.
// Ng, D. Harada and S. Russell 1999, "Policy invariance under reward transformations", theorem 1), and with a
// potential for each agent Nash equilibria stay equilibria (S. Devlin and D. Kudenko 2011, "Theoretical
// considerations of potential-based reward shaping for multi-agent systems").
//
// - A terminal state has the potential 0, whatever the environment says: else the sum would depend on where
//   an episode ends (M. Grzes 2017, "Reward shaping in episodic reinforcement learning").
// - An episode that is cut off is not over: the potential of its last state counts, as its value does.
// - A transition is the learner's: where agents take turns it spans to the agent's next decision, and F is
//   added once, with the learner's one discount for it.
// - A potential that changes with time is looked at once a situation, and that figure is both what the one
//   transition gains and the next one pays (S. Devlin and D. Kudenko 2012, "Dynamic potential-based reward
//   shaping").
#pragma once

#include <algorithm>
#include <cstddef>

#include <polis/core/fixed_array.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/end.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

/// F = gamma Phi(s') - Phi(s) beside the rewards; gamma is the learner's discount.
struct PotentialBased : ShapesRewards {
  static constexpr const char* key = "potential";
  static constexpr bool needs_potential = true;
  template <class E>
  static constexpr bool keeps_shared_rewards = HasTeamPotential<E>;

  struct Config {
    float scale = 1;  ///< factor on the environment's potential
    static constexpr void fields(auto& self, auto&& visit) { visit("scale", self.scale); }
  };

  template <class E>
  class State {
   public:
    State() = default;
    State(const Config& config, const ShapedLearning& learner)
        : scale_(config.scale),
          learner_(learner),
          open_(static_cast<std::size_t>(learner.lanes) * static_cast<std::size_t>(agent_count<E>)) {}

    void before(const MultiAgentEnv<E>& env, int lane) {
      const bool begins = env.steps_in_episode(lane) == 0;
      const bool anyone = learner_.spans == Spans::team_decisions && anyone_decides(env, lane);
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        Open& open = open_[row(lane, agent)];
        if (begins) open = {};  // of an episode that was left as it stood
        if (!open.is && decides(env, lane, agent, anyone)) open = {potential(env, lane, agent), true};
      }
    }

    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>&, Row rewards) {
      const bool anyone = learner_.spans == Spans::team_decisions && anyone_decides(env, lane);
      const bool one_reward = HasTeamPotential<E> && learner_.spans == Spans::team_decisions;
      const End team = one_reward ? end_of_team(env, lane) : End::none;
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        Open& open = open_[row(lane, agent)];
        if (!open.is) continue;
        End end = env.end(lane, agent);
        bool next = decides(env, lane, agent, anyone);
        if (one_reward) {  // that of the first who had a part in the step, even if its last
          next = next || (anyone && end != End::none);
          end = team;
        }
        if (end == End::terminated) {
          rewards[agent] -= open.potential;
          open = {};
        } else if (end == End::truncated || next) {
          const float now = potential(env, lane, agent);
          rewards[agent] += learner_.discount * now - open.potential;
          open = {now, end == End::none};
        }
      }
    }

    void update() {}
    void metrics(auto&&) const {}
    void archive(auto& a) { a.fixed(open_); }

   private:
    /// A transition under way, and the potential where it began.
    struct Open {
      float potential = 0;
      bool is = false;
      void archive(auto& a) { a(potential, is); }
    };

    static std::size_t row(int lane, int agent) {
      return static_cast<std::size_t>(lane) * static_cast<std::size_t>(agent_count<E>) +
             static_cast<std::size_t>(agent);
    }
    [[nodiscard]] float potential(const MultiAgentEnv<E>& env, int lane, int agent) const {
      return scale_ * env.potential(lane, agent);
    }
    [[nodiscard]] bool anyone_decides(const MultiAgentEnv<E>& env, int lane) const {
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        if (env.deciding(lane, agent)) return true;
      }
      return false;
    }
    /// Whether a transition of the agent begins at the next step.
    [[nodiscard]] bool decides(const MultiAgentEnv<E>& env, int lane, int agent, bool anyone) const {
      if (learner_.spans == Spans::decisions) return env.deciding(lane, agent);
      return env.alive(lane, agent) && (anyone || learner_.spans == Spans::steps);
    }
    /// The end of the last of the team, none while one of it is left.
    [[nodiscard]] End end_of_team(const MultiAgentEnv<E>& env, int lane) const {
      End last = End::none;
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        if (env.alive(lane, agent)) return End::none;
        last = std::max(last, env.end(lane, agent));
      }
      return last;
    }

    float scale_ = 1;
    ShapedLearning learner_;
    FixedArray<Open> open_;  // [lane][agent]
  };
};

}  // namespace polis
