// A constraint on what an episode brings of one thing, learnt by a price on it.
//
// Of the policies under which a component of the reward sums up to `floor` or more in an episode, the best:
// max E[R] subject to E[C] >= floor. Agents learn from (r + lambda c) / (1 + lambda), and the multiplier is
// moved by a PID controller on how much is missing (A. Stooke, J. Achiam and P. Abbeel 2020, "Responsive
// safety in reinforcement learning by PID Lagrangian methods", algorithm 2, with costs of the other sign):
//
//     missing = floor - C,   I <- max(0, I + ki missing)
//     lambda  = max(0, kp missing + I + kd max(0, C of before - C))
//
// The integral alone is the usual dual ascent, which overshoots and swings; the other two terms damp it.
// C is the mean over the episodes that ended since the last update, and over the learner's agents. What a
// replay holds has the multiplier of its time: the word is for learners from fresh rollouts first of all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/text.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/components.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

/// Rewards with a price on one component of theirs, such that it keeps to its limit.
struct Constrained : ShapesRewards {
  static constexpr const char* key = "constraint";
  static constexpr bool needs_components = true;

  struct Config {
    std::string component;  ///< by its name, of every agent of the learner
    float floor = 0;        ///< what an episode is to bring of it at least, as the agents' mean
    float proportional = .1f;
    float integral = .01f;  ///< of each update
    float derivative = .1f;
    float initial = 0;  ///< of the integral
    float most = 100;   ///< the multiplier does not go beyond
    static void fields(auto& self, auto&& visit) {
      visit("component", self.component);
      visit("floor", self.floor);
      visit("proportional", self.proportional);
      visit("integral", self.integral);
      visit("derivative", self.derivative);
      visit("initial", self.initial);
      visit("most", self.most);
    }
  };

  template <class E>
  class State {
   public:
    State() = default;
    /// Error: an agent without the component, or a gain below zero.
    [[gnu::cold]] State(const Config& config, const ShapedLearning& learner)
        : config_(config),
          learner_(learner),
          lanes_(static_cast<std::size_t>(learner.lanes)),
          integral_(std::clamp(config.initial, 0.f, config.most)),
          multiplier_(integral_) {
      if (!(config.proportional >= 0 && config.integral >= 0 && config.derivative >= 0)) {
        throw Error("found a gain below 0", "shaping.proportional, shaping.integral, shaping.derivative",
                    "at least 0");
      }
      for (int agent = learner.first; agent < learner.first + learner.agents; ++agent) {
        places_.push_back(internal::component_index<E>(agent, config.component, "shaping.component"));
      }
    }

    void before(const MultiAgentEnv<E>&, int) {}

    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>&, Row rewards) {
      Sums& sums = lanes_[static_cast<std::size_t>(lane)];
      if (env.steps_in_episode(lane) == 1) sums.running = 0;
      for (int i = 0; i < learner_.agents; ++i) {
        const int agent = learner_.first + i;
        if (!env.alive(lane, agent) && env.end(lane, agent) == End::none) continue;
        const float value = internal::component(env.lane(lane), agent, places_[static_cast<std::size_t>(i)]);
        sums.running += static_cast<double>(value) / learner_.agents;
        rewards[agent] = (rewards[agent] + multiplier_ * value) / (1 + multiplier_);
      }
      if (env.over(lane)) sums.total += sums.running, ++sums.episodes;
    }

    void update() {
      double total = 0, episodes = 0;
      for (Sums& sums : lanes_) {  // in the order of lanes, whatever the threads
        total += sums.total, episodes += sums.episodes;
        sums.total = 0, sums.episodes = 0;
      }
      if (episodes > 0) control(static_cast<float>(total / episodes));
    }

    [[nodiscard]] float multiplier() const { return multiplier_; }

    /// `multiplier`, and what the last episodes brought of the component: `constrained`.
    void metrics(auto&& visit) const {
      visit("multiplier", static_cast<double>(multiplier_));
      visit("constrained", static_cast<double>(last_));
    }
    void archive(auto& a) {
      a(integral_, multiplier_, last_, seen_);
      a.fixed(lanes_);
    }

   private:
    /// Of one lane: the component in the episode under way, and in those that ended.
    struct Sums {
      double running = 0, total = 0;
      int episodes = 0;
      void archive(auto& a) { a(running, total, episodes); }
    };

    void control(float now) {
      const float missing = config_.floor - now;
      const float fallen = seen_ ? std::max(0.f, last_ - now) : 0.f;
      integral_ = std::clamp(integral_ + config_.integral * missing, 0.f, config_.most);
      multiplier_ = std::clamp(config_.proportional * missing + integral_ + config_.derivative * fallen, 0.f,
                               config_.most);
      last_ = now, seen_ = true;
    }

    Config config_;
    ShapedLearning learner_;
    FixedArray<Sums> lanes_;
    std::vector<int> places_;  // of the component among each agent's
    float integral_ = 0, multiplier_ = 0, last_ = 0;
    bool seen_ = false;
  };
};

}  // namespace polis
