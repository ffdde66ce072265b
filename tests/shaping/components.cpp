// Weighted and constrained components of rewards: by hand, and against the weights of an environment's own.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>

#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/env/channel.hpp>
#include <polis/envs/market/trading.hpp>
#include <polis/shaping/constrained.hpp>
#include <polis/shaping/weighted_components.hpp>

#include "../envs/market_fixture.hpp"

namespace test_components {

using namespace polis;
using doctest::Approx;

static_assert(fields_complete<RewardWeights>());

/// Two agents, paid speed - 2 dirt; the second also a fee. The first is out after two steps, all after four.
struct Drivers {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  float speed[2] = {}, dirt[2] = {};
  int steps = 0;
  void reset(auto&) { *this = {}; }
  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < 2; ++i) {
      speed[i] = static_cast<float>(actions[i]), dirt[i] = speed[i] * speed[i];
      ctx.reward(i) = speed[i] - 2 * dirt[i] + (i == 1 ? 5.f : 0.f);
    }
    ++steps;
    if (steps == 2) ctx.terminate(0);
    if (steps == 4) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = 0; }
  void reward_components(int agent, auto&& visit) const {
    visit("speed", speed[agent]);
    visit("cleanliness", -dirt[agent]);
    if (agent == 1) visit("fee", 5.f);
  }
};
static_assert(HasRewardComponents<Drivers> && ShapingWord<WeightedComponents, Drivers> &&
              ShapingWord<Constrained, Drivers>);

Actions<Drivers> driving(int first, int second) {
  Actions<Drivers> actions{};
  actions[0] = first, actions[1] = second;
  return actions;
}

TEST_CASE("shaping/components: components are weighed by name, and what is not named counts nothing") {
  MultiAgentEnv<Drivers> env(1, 3);
  env.reset();
  WeightedComponents::State<Drivers> state({.weights = " cleanliness=.5,fee = -1 "},
                                           {.lanes = 1, .agents = 2});
  WeightedComponents::State<Drivers> own({}, {.lanes = 1, .agents = 2});
  for (int step = 0; step < 3; ++step) {
    env.advance(0, driving(1, 2));
    Array<float, 2> rewards{{env.reward(0, 0), env.reward(0, 1)}};
    const Array<float, 2> paid = rewards;
    own.after(env, 0, {}, Row{rewards.data()});
    CHECK(rewards == paid);
    state.after(env, 0, {}, Row{rewards.data()});
    CHECK(rewards == Array<float, 2>{{step < 2 ? -.5f : 0.f, -2 - 5}});
  }
}

TEST_CASE(
    "shaping/components: a weight that cannot be read, or is of nothing, is refused with the names there "
    "are") {
  const auto refused = [](const std::string& weights) {
    try {
      WeightedComponents::State<Drivers>({.weights = weights}, {.lanes = 1, .agents = 2});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused("speed=1, fee=2").empty());
  CHECK(refused("sped=1").find("speed, cleanliness") != std::string::npos);
  CHECK(refused("speed=fast").find("speed=fast") != std::string::npos);
  CHECK(refused("speed").find("shaping.weights") != std::string::npos);
  CHECK_THROWS_AS(Constrained::State<Drivers>({.component = "fee"}, {.lanes = 1, .agents = 2}), Error);
  CHECK_THROWS_AS(
      Constrained::State<Drivers>({.component = "speed", .integral = -1}, {.lanes = 1, .agents = 2}), Error);
  CHECK_NOTHROW(Constrained::State<Drivers>({.component = "fee"}, {.lanes = 1, .first = 1, .agents = 1}));
}

TEST_CASE("shaping/components: Trading's own weights make its own reward, and others another") {
  using E = Trading;
  const MarketHistory history(polis_test::index_prices());
  MultiAgentEnv<E> env(1, 3, {}, history.training());
  env.reset();
  const ShapedLearning learner{.lanes = 1, .agents = E::agents};
  WeightedComponents::State<E> same({.weights = "profit=1, risk=.05, cost=1, impact=1"}, learner);
  WeightedComponents::State<E> profit({.weights = "profit=1"}, learner);
  int differ = 0;
  for (std::uint32_t step = 0; step < 40 && !env.over(0); ++step) {
    Random random(3, step, 0, 0, Purpose::action);
    Actions<E> actions{};
    for (int i = 0; i < E::agents; ++i) {
      for (int a = 0; a < E::assets; ++a) actions[i][a] = random.uniform(-1, 1);
    }
    env.advance(0, actions);
    Array<float, E::agents> paid{}, rewards{};
    for (int i = 0; i < E::agents; ++i) rewards[i] = paid[i] = env.reward(0, i);
    same.after(env, 0, actions, Row{rewards.data()});
    for (int i = 0; i < E::agents; ++i) {
      CHECK(static_cast<double>(rewards[i]) == Approx(static_cast<double>(paid[i])).epsilon(1e-4));
    }
    profit.after(env, 0, actions, Row{rewards.data()});
    for (int i = 0; i < E::agents; ++i) differ += std::abs(rewards[i] - paid[i]) > 1e-3f;
  }
  CHECK(differ > 20);
}

TEST_CASE("shaping/components: the multiplier follows what is missing, its sum and its growth") {
  MultiAgentEnv<Drivers> env(1, 3);
  env.reset();
  Constrained::State<Drivers> state({.component = "cleanliness",
                                     .floor = -4,
                                     .proportional = .5f,
                                     .integral = .25f,
                                     .derivative = .125f,
                                     .most = 5},
                                    {.lanes = 1, .agents = 2});
  // Cleanliness of an episode, as the agents' mean: two steps of the first, four of the second.
  const auto episode = [&](int first, int second) {
    for (int step = 0; step < 4; ++step) {
      const float multiplier = state.multiplier();
      state.before(env, 0);
      env.advance(0, driving(first, second));
      Array<float, 2> rewards{{env.reward(0, 0), env.reward(0, 1)}};
      const Array<float, 2> paid = rewards;
      state.after(env, 0, {}, Row{rewards.data()});
      for (int i = 0; i < 2; ++i) {
        const float dirt = static_cast<float>(i == 0 ? first * first : second * second);
        const bool out = i == 0 && step >= 2;
        const float expected = out ? 0 : (paid[i] - multiplier * dirt) / (1 + multiplier);
        CHECK(static_cast<double>(rewards[i]) == Approx(static_cast<double>(expected)));
      }
      env.renew(0, env.default_tasks());
    }
    state.update();
  };
  CHECK(state.multiplier() == 0);
  episode(2, 1);  // -(2 * 4 + 4 * 1) / 2 = -6, 2 are missing
  CHECK(state.multiplier() == 1 + .5f);
  episode(2, 2);                   // -12, 8 are missing: the integral is .5 + 2, and it fell by 6
  CHECK(state.multiplier() == 5);  // 4 + 2.5 + .75, but 5 at most
  episode(0, 0);                   // 0: 4 too many, the integral falls by 1
  CHECK(state.multiplier() == 0);  // -2 + 1.5
  episode(2, 1);
  CHECK(state.multiplier() == 1 + 2 + .125f * 6);
  state.update();  // no episode ended: stays
  CHECK(state.multiplier() == 1 + 2 + .125f * 6);
  double last = 0;
  state.metrics([&](const std::string& name, double value) {
    if (name == "constrained") last = value;
  });
  CHECK(last == -6);
}

TEST_CASE("shaping/components: what speech costs is a component of those who speak") {
  using Talking = Channel<Drivers, ChannelSpec{.symbols = 2, .tokens = 1, .cost = 500}>;
  MultiAgentEnv<Talking> env(1, 3);
  env.reset();
  Actions<Talking> actions{};
  actions[0].get<0>() = 1, actions[0].get<1>()[0] = 2;
  env.advance(0, actions);
  std::string names;
  float sum = 0;
  env.lane(0).reward_components(0, [&](const char* name, float value) {
    names += name, sum += value * (std::string(name) == "cleanliness" ? 2.f : 1.f);
  });
  CHECK(names == "speedcleanlinessspeech");
  CHECK(sum == env.reward(0, 0));
}

}  // namespace test_components
