// A world whose returns can be counted on fingers, and agents that play it by a script.
#pragma once

#include <cstdint>

#include <polis/algorithm/learner.hpp>
#include <polis/env/environment.hpp>
#include <polis/train/trainer.hpp>

namespace polis_test {

using namespace polis;

/// Each agent that acts earns `payoff` for answering its cue, which alternates from one of its decisions to
/// the next. The first cue is drawn. Where agents take turns they act one after the other. Whatever `flips`
/// in task, settings or data makes the other answer the right one.
template <int Agents = 1, bool Turns = false>
struct Signals {
  struct Task {
    int decisions = 10;  ///< of each agent
    bool flips = false;
  };
  struct Config {
    float payoff = 1;
    bool flips = false;
    static void fields(auto& self, auto&& visit) {
      visit("payoff", self.payoff);
      visit("flips", self.flips);
    }
  };
  struct Dataset {
    bool flips = false;
  };
  static constexpr int agents = Agents;
  using Observation = Box<2>;  // the cue as -1 or 1, the number of the decision
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int first = 0, step_ = 0;
  bool flips = false;

  [[nodiscard]] int decision() const { return Turns ? step_ / agents : step_; }
  [[nodiscard]] int cue() const { return (first + decision()) % 2; }

  void reset(auto& ctx) {
    first = ctx.random.integer(2), step_ = 0;
    flips = ctx.task().flips ^ ctx.config().flips ^ ctx.data().flips;
  }
  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < agents; ++i) {
      if (acting(i) && (actions[i] == cue()) != flips) ctx.reward(i) = ctx.config().payoff;
    }
    ++step_;
    if (decision() == ctx.task().decisions) ctx.truncate();
  }
  void observe(int, Row out) const {
    out[0] = static_cast<float>(2 * cue() - 1);
    out[1] = static_cast<float>(decision());
  }
  bool acting(int agent) const { return !Turns || step_ % agents == agent; }
  float success() const { return flips ? 0.f : 1.f; }
  void metrics(auto&& visit) const { visit("first_cue", static_cast<double>(first)); }

  struct Heuristic {
    template <class E>
    Actions<E> operator()(const E& env, const View<E>&, Random&) const {
      Actions<E> actions{};
      for (int i = 0; i < agents; ++i) actions[i] = env.flips ? 1 - env.cue() : env.cue();
      return actions;
    }
  };
  static void references(const auto&, auto&& visit) { visit("heuristic", Heuristic{}); }
  static OptimalValue optimal_value(const auto& view) {
    return {static_cast<double>(view.config().payoff) * view.task().decisions};
  }

  static int stages(const Config&, const Dataset&) { return 2; }
  static Task task(int stage, const Config&, const Dataset&, Random&) { return {stage == 0 ? 4 : 10, false}; }
};

/// Two who gain 2 where both choose 0, 1 where both choose 1, else nothing; five times. The second gains the
/// negative of it where the game is `hostile`.
template <bool Hostile = false>
struct Meeting {
  static constexpr int agents = 2;
  using Observation = Discrete<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = Hostile ? RewardStructure::zero_sum : RewardStructure::shared;
  int times = 0;

  void reset(auto&) { times = 0; }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = actions[0] != actions[1] ? 0.f : actions[0] == 0 ? 2.f : 1.f;
    ctx.reward(1) = Hostile ? -ctx.reward(0) : ctx.reward(0);
    if (++times == 5) ctx.truncate();
  }
  void observe(int agent, Row out) const { out[0] = static_cast<float>(agent); }
};

/// What a script says: answer what is seen, or always the same.
enum class Script { answer, always_0, always_1 };

/// An algorithm that plays by a script. Answers are right for the first `known` decisions of an episode and
/// wrong after them. An update that finds another world begins to learn anew; each update learns one
/// decision.
struct Scripted {
  using word = polis::word::Algorithm;

  struct Config {
    int script = 0;
    int known = 100;
    static void fields(auto& self, auto&& visit) {
      visit("script", self.script);
      visit("known", self.known);
    }
  };

  template <class E, class>
  class Learner {
   public:
    using Config = Scripted::Config;
    struct Memory {};

    Learner(const Config& config, std::uint64_t)
        : script_(static_cast<Script>(config.script)), known_(config.known) {}

    void prepare(const MultiAgentEnv<E>& env, int) { env_ = &env; }
    void act(LaneTile<E>& tile) const {
      for (int i = 0; i < tile.lanes; ++i) {
        for (int agent = 0; agent < agent_count<E>; ++agent) {
          if (!tile.env->deciding(tile.first + i, agent)) continue;
          float seen[2] = {};
          tile.env->observe_agent(tile.first + i, agent, Row{seen});
          tile.actions[i][agent] = choice(seen);
        }
      }
    }
    void record(LaneTile<E>&) {}
    [[nodiscard]] int interval() const { return 4; }
    [[nodiscard]] bool due(const Clock&) const { return true; }
    void update(Services&) {
      if constexpr (requires { env_->config().flips; }) {
        if (flips_ != env_->config().flips) flips_ = !flips_, known_ = 0;
      }
      ++known_;
    }
    [[nodiscard]] Memory memory(int) const { return {}; }
    void play(LaneTile<E>& tile, Memory&, Play) const { act(tile); }
    void metrics(auto&&) const {}
    void archive(auto& a) { a(known_, flips_); }

   private:
    [[nodiscard]] int choice(const float* seen) const {
      if (script_ != Script::answer) return script_ == Script::always_1 ? 1 : 0;
      const bool right = (seen[1] < static_cast<float>(known_)) != flips_;
      return (seen[0] > 0) == right ? 1 : 0;
    }

    const MultiAgentEnv<E>* env_ = nullptr;
    Script script_;
    int known_;
    bool flips_ = false;
  };
};

template <class E>
using Actors = Trainer<Scripted, MultiAgentEnv<E>>;

}  // namespace polis_test
