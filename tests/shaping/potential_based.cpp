// Potential-based shaping: by hand, and that what it adds to a transition telescopes, whoever decides when.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/random.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/env/together.hpp>
#include <polis/shaping/potential_based.hpp>

namespace test_potential_based {

using namespace polis;
using doctest::Approx;

/// One agent walks up; it is worth its height squared, also where the walk ends (5), which shaping ignores.
struct Walk {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 1;
  void reset(auto&) { at = 1; }
  void step(const auto& actions, auto& ctx) {
    at += actions[0] == 1 ? 1 : -1;
    ctx.reward(0) = 10;
    if (at == 5) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
  float potential(int /*agent*/) const { return static_cast<float>(at * at); }
};
using ShortWalk = TimeLimit<Walk, 3>;

static_assert(HasPotential<Walk> && !HasTeamPotential<Walk> && HasPotential<ShortWalk>);
static_assert(ShapingWord<PotentialBased, Walk>);

/// What shaping adds when these are the actions, step by step.
template <class E>
std::vector<float> added(const std::vector<int>& actions, float discount, float scale = 1) {
  MultiAgentEnv<E> env(1, 3);
  env.reset();
  PotentialBased::State<E> state(PotentialBased::Config{.scale = scale},
                                 ShapedLearning{.lanes = 1, .agents = 1, .discount = discount});
  std::vector<float> sums;
  for (const int action : actions) {
    Actions<E> joint{};
    joint[0] = action;
    float reward = 0;
    state.before(env, 0);
    env.advance(0, joint);
    state.after(env, 0, joint, Row{&reward});
    sums.push_back(reward);
    env.renew(0, env.default_tasks());
  }
  return sums;
}

TEST_CASE("shaping/potential_based: gamma Phi(s') - Phi(s), 0 where the episode terminated") {
  CHECK(added<Walk>({1, 1, 0, 1, 1, 1, 1}, .5f) == std::vector<float>{.5f * 4 - 1, .5f * 9 - 4, .5f * 4 - 9,
                                                                      .5f * 9 - 4, .5f * 16 - 9, -16,
                                                                      .5f * 4 - 1});
  CHECK(added<Walk>({1, 1}, .5f, 10) == std::vector<float>{10, 5});
}

TEST_CASE("shaping/potential_based: where the episode was cut off the last state's potential counts") {
  CHECK(added<ShortWalk>({1, 1, 1, 1}, .5f) ==
        std::vector<float>{.5f * 4 - 1, .5f * 9 - 4, .5f * 16 - 9, .5f * 4 - 1});
}

TEST_CASE("shaping/potential_based: an episode that was left as it stood leaves nothing to the next") {
  MultiAgentEnv<Walk> env(1, 3);
  env.reset();
  PotentialBased::State<Walk> state({}, {.lanes = 1, .agents = 1, .discount = 1});
  Actions<Walk> up{};
  up[0] = 1;
  float reward = 0;
  state.before(env, 0), env.advance(0, up), state.after(env, 0, up, Row{&reward});
  env.reset();
  reward = 0;
  state.before(env, 0), env.advance(0, up), state.after(env, 0, up, Row{&reward});
  CHECK(reward == 3);  // from 1 to 4, not from the 4 of the episode before
}

/// Four agents decide at random times, die at random times, and are worth what chance says; a quarter of
/// episodes end for all, a quarter are cut off.
template <bool team>
struct Crowd {
  static constexpr int agents = 4;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  float worth[4] = {};
  bool awake[4] = {};
  void reset(auto& ctx) { shuffle(ctx); }
  void step(const auto&, auto& ctx) {
    shuffle(ctx);
    for (int i = 0; i < 4; ++i) {
      if (ctx.random.uniform() < .08f) ctx.terminate(i);
    }
    const float chance = ctx.random.uniform();
    if (chance < .03f) ctx.terminate();
    if (chance > .97f) ctx.truncate();
  }
  void observe(int, Row out) const { out[0] = 0; }
  bool acting(int agent) const { return awake[agent]; }
  float potential(int agent) const
    requires(!team)
  {
    return worth[agent];
  }
  float potential() const
    requires(team)
  {
    return worth[0];
  }

 private:
  void shuffle(auto& ctx) {
    for (int i = 0; i < 4; ++i) worth[i] = ctx.random.uniform(-1, 1), awake[i] = ctx.random.uniform() < .4f;
  }
};
static_assert(HasTeamPotential<Crowd<true>> && !HasTeamPotential<Crowd<false>>);
static_assert(HasPotential<Crowd<false>> && !HasPotential<Together<Crowd<false>>>);

/// Adds up what shaping brings to each transition, as a learner that counts time like this would, and checks
/// the sum at the end of each. Returns how many of agents' episodes were seen to their end.
template <bool team>
int check_telescoping(Spans spans, int first, int agents) {
  using E = Crowd<team>;
  constexpr float discount = .9f;
  MultiAgentEnv<E> env(1, 11);
  env.reset();
  typename PotentialBased::State<E> state(
      {}, {.lanes = 1, .first = first, .agents = agents, .discount = discount, .spans = spans});
  struct Path {
    bool open = false;
    double begun = 0, sum = 0, factor = 1, collected = 0;
  };
  Array<Path, 4> paths{};
  int ended = 0;
  const auto begins = [&](int agent) {
    if (spans == Spans::decisions) return env.deciding(0, agent);
    bool anyone = spans == Spans::steps;
    for (int i = first; i < first + agents; ++i) anyone = anyone || env.deciding(0, i);
    return anyone && env.alive(0, agent);
  };
  for (int step = 0; step < 4000; ++step) {
    for (int agent = first; agent < first + agents; ++agent) {
      Path& path = paths[agent];
      if (!begins(agent)) continue;
      if (!path.open) path = {true, static_cast<double>(env.potential(0, agent)), 0, 1, 0};
    }
    Array<float, 4> rewards{};
    state.before(env, 0);
    env.advance(0, {});
    state.after(env, 0, {}, Row{rewards.data()});
    for (int agent = 0; agent < 4; ++agent) {
      const float reward = rewards[agent];
      if (agent < first || agent >= first + agents) {
        CHECK(reward == 0);
        continue;
      }
      Path& path = paths[agent];
      if (!path.open) {
        CHECK(reward == 0);  // no transition is under way
        continue;
      }
      path.collected += static_cast<double>(reward);
      const End end = env.end(0, agent);
      if (end == End::none && !begins(agent)) continue;
      path.sum += path.factor * path.collected;  // the transition is over
      path.factor *= static_cast<double>(discount), path.collected = 0;
      const double now = end == End::terminated ? 0. : static_cast<double>(env.potential(0, agent));
      CHECK(path.sum == Approx(path.factor * now - path.begun).epsilon(1e-4));
      if (end == End::none) continue;
      path = {};
      ++ended;
    }
    env.renew(0, env.default_tasks());
    if (env.steps_in_episode(0) == 0) paths = {};
  }
  return ended;
}

TEST_CASE("shaping/potential_based: over an episode transitions add up to the potentials of its ends") {
  CHECK(check_telescoping<false>(Spans::decisions, 0, 4) > 500);
  CHECK(check_telescoping<false>(Spans::decisions, 1, 2) > 200);
  CHECK(check_telescoping<false>(Spans::steps, 0, 4) > 500);
  CHECK(check_telescoping<false>(Spans::team_decisions, 0, 4) > 500);
  CHECK(check_telescoping<true>(Spans::decisions, 0, 4) > 500);
}

TEST_CASE("shaping/potential_based: a team that learns from one reward has one shaped reward") {
  using E = Crowd<true>;
  MultiAgentEnv<E> env(1, 5);
  env.reset();
  PotentialBased::State<E> state({},
                                 {.lanes = 1, .agents = 4, .discount = .9f, .spans = Spans::team_decisions});
  double sum = 0, factor = 1, collected = 0, begun = 0;
  bool open = false;
  int terminated = 0, truncated = 0, deaths = 0;
  for (int step = 0; step < 6000; ++step) {
    bool anyone = false;
    for (int i = 0; i < 4; ++i) anyone = anyone || env.deciding(0, i);
    if (anyone && !open) open = true, begun = static_cast<double>(env.potential(0, 0)), sum = 0, factor = 1;
    Array<float, 4> rewards{};
    Array<bool, 4> took_part{};
    for (int i = 0; i < 4; ++i) took_part[i] = env.alive(0, i);
    state.before(env, 0);
    env.advance(0, {});
    state.after(env, 0, {}, Row{rewards.data()});
    // as a mixer reads it: the reward of the first agent that had a part in the step
    int reader = 0;
    while (!took_part[reader]) ++reader;
    if (open) collected += static_cast<double>(rewards[reader]);
    if (!open) CHECK(rewards[reader] == 0);
    anyone = false;
    for (int i = 0; i < 4; ++i) {
      anyone = anyone || env.deciding(0, i);
      deaths += took_part[i] && !env.alive(0, i) && !env.over(0);
    }
    const bool over = env.over(0);
    if (open && (over || anyone)) {
      sum += factor * collected;
      collected = 0, factor *= static_cast<double>(.9f);
      bool cut = false;  // somebody was left to go on
      for (int i = 0; i < 4; ++i) cut = cut || env.end(0, i) == End::truncated;
      const double now = over && !cut ? 0. : static_cast<double>(env.potential(0, 0));
      CHECK(sum == Approx(factor * now - begun).epsilon(1e-4));
      if (over) ++(cut ? truncated : terminated), open = false;
    }
    if (over) open = false, collected = 0;
    env.renew(0, env.default_tasks());
  }
  CHECK(terminated > 100);
  CHECK(truncated > 50);
  CHECK(deaths > 200);
}

}  // namespace test_potential_based
