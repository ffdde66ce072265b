// Random, neutral and legal actions of every space, and what disturbs agents, step by step.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/env/environment.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/actions.hpp>
#include <polis/train/suites/disturbance.hpp>

namespace test_suite_actions {

using namespace polis;

struct Bounds : Box<2> {
  static constexpr float low = 1, high = 3;
};
struct Chooser {};
struct Mover {};
struct Sharer {};

/// One agent for each sort of action space. Only flags that say so are legal, and change from step to step.
struct Bureau {
  using Roles = polis::Roles<Role<Chooser, 1, Box<1>, Tuple<Discrete<4>, Box<1>, MultiDiscrete<2, 3>>>,
                             Role<Mover, 2, Tuple<Discrete<3>, Box<2>>, Bounds>,
                             Role<Sharer, 1, Discrete<2>, Simplex<3>>>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0, illegal = 0;

  void reset(auto&) { at = illegal = 0; }
  void step(const auto& actions, auto& ctx) {
    const auto& choice = actions.of(Chooser{})[0];
    illegal += !allowed(choice.template get<0>()) || choice.template get<2>()[1] == 1;
    if (++at == 6) ctx.truncate();
  }
  void observe(Chooser, int, Row out) const { out[0] = 7; }
  void observe(Mover, int, Row out) const { out[0] = 2, out[1] = 5, out[2] = 6; }
  void observe(Sharer, int, Row out) const { out[0] = 1; }
  /// At even steps 1 and 3, at odd ones 0 and 2; of the last part never 1.
  [[nodiscard]] bool allowed(int action) const { return action % 2 != at % 2; }
  void legal(Chooser, int, Row flags) const {
    for (int i = 0; i < 4; ++i) flags[i] = allowed(i) ? 1.f : 0.f;
    flags[4 + 2 + 1] = 0;
  }
  void legal(Mover, int, Row) const {}
  void legal(Sharer, int, Row) const {}
  void metrics(auto&& visit) const { visit("illegal", static_cast<double>(illegal)); }
};

/// Says always the same, legal or not: index 1 in all parts, the middle between bounds.
void stubborn(LaneTile<Bureau>& tile) {
  for (int i = 0; i < tile.lanes; ++i) {
    auto& choice = tile.actions[i].of(Chooser{})[0];
    choice.get<0>() = 1, choice.get<2>()[0] = 1, choice.get<2>()[1] = 2;
    for (auto& action : {&tile.actions[i].of(Mover{})[0], &tile.actions[i].of(Mover{})[1]}) {
      (*action)[0] = (*action)[1] = 2;
    }
  }
}

}  // namespace test_suite_actions

using namespace test_suite_actions;

TEST_CASE("train/suite_actions: random actions are uniform over what is legal") {
  MultiAgentEnv<Bureau> env(1, 1);
  env.reset();
  constexpr int draws = 12'000;
  std::vector<int> first(4), second(2), third(3);
  double mean = 0, square = 0, low = 9, high = 0, normal_square = 0;
  std::vector<double> share(3), share_square(3);
  for (int i = 0; i < draws; ++i) {
    Random random(3, static_cast<std::uint64_t>(i), 0, 0, Purpose::test);
    Actions<Bureau> actions{};
    for (int agent = 0; agent < 4; ++agent) set_random_action(env, 0, agent, random, actions);
    const auto& choice = actions.of(Chooser{})[0];
    ++first[static_cast<std::size_t>(choice.get<0>())];
    normal_square += static_cast<double>(choice.get<1>()[0] * choice.get<1>()[0]) / draws;
    ++second[static_cast<std::size_t>(choice.get<2>()[0])];
    ++third[static_cast<std::size_t>(choice.get<2>()[1])];
    const auto x = static_cast<double>(actions.of(Mover{})[1][1]);
    mean += x / draws, square += x * x / draws, low = std::min(low, x), high = std::max(high, x);
    float sum = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const float part = actions.of(Sharer{})[0][static_cast<int>(k)];
      sum += part;
      share[k] += static_cast<double>(part) / draws;
      share_square[k] += static_cast<double>(part * part) / draws;
    }
    CHECK(std::abs(sum - 1) < 1e-5f);
  }
  // Four standard errors of a count of even odds: 4 sqrt(12,000 / 4) = 219.
  CHECK((first[0] == 0 && first[2] == 0 && std::abs(first[1] - draws / 2) < 219));
  CHECK(std::abs(second[0] - draws / 2) < 219);
  CHECK((third[1] == 0 && std::abs(third[0] - draws / 2) < 219));
  CHECK((low >= 1 && low < 1.01 && high <= 3 && high > 2.99));
  CHECK(std::abs(mean - 2) < 4 * std::sqrt(1. / 3 / draws));
  CHECK(std::abs(square - mean * mean - 1. / 3) < .02);
  CHECK(std::abs(normal_square - 1) < 4 * std::sqrt(2. / draws));
  for (std::size_t k = 0; k < 3; ++k) {  // Dirichlet(1, 1, 1): mean 1/3, second moment 1/6
    CHECK(std::abs(share[k] - 1. / 3) < .01);
    CHECK(std::abs(share_square[k] - 1. / 6) < .01);
  }
}

TEST_CASE(
    "train/suite_actions: the neutral action is the first that is legal, zero within bounds, equal shares") {
  MultiAgentEnv<Bureau> env(1, 1);
  env.reset();
  Actions<Bureau> actions{};
  for (int agent = 0; agent < 4; ++agent) set_neutral_action(env, 0, agent, actions);
  const auto& choice = actions.of(Chooser{})[0];
  CHECK((choice.get<0>() == 1 && choice.get<1>()[0] == 0 && choice.get<2>()[0] == 0 &&
         choice.get<2>()[1] == 0));
  for (int agent = 0; agent < 2; ++agent) CHECK(actions.of(Mover{})[agent][0] == 1);
  CHECK(actions.of(Sharer{})[0][2] == 1.f / 3);
  CHECK(is_legal_action(env, 0, 0, actions));
  actions.of(Chooser{})[0].get<2>()[1] = 1;
  CHECK_FALSE(is_legal_action(env, 0, 0, actions));
  actions.of(Chooser{})[0].get<2>()[1] = 2;
  CHECK(is_legal_action(env, 0, 0, actions));
  env.advance(0, actions);  // at odd steps index 1 is not legal
  CHECK_FALSE(is_legal_action(env, 0, 0, actions));
  CHECK(is_legal_action(env, 0, 1, actions));
}

TEST_CASE("train/suite_actions: agents' actions are exchanged one by one") {
  Actions<Bureau> a{}, b{};
  a.of(Mover{})[1][0] = 2, b.of(Mover{})[1][0] = 3, b.of(Mover{})[0][0] = 1;
  swap_actions<Bureau>(2, a, b);
  CHECK((a.of(Mover{})[1][0] == 3 && b.of(Mover{})[1][0] == 2));
  CHECK((a.of(Mover{})[0][0] == 0 && b.of(Mover{})[0][0] == 1));
}

TEST_CASE("train/suite_actions: a delayed action that is no longer legal is replaced by one that is") {
  MultiAgentEnv<Bureau> env(8, 1);
  CHECK(run_episodes(env, 8, stubborn).metrics.at("illegal") == 3);  // at the odd steps
  DelayedActions<Bureau, decltype(&stubborn)> late(&stubborn, 1, 8, 1);
  CHECK(run_episodes(env, 16, late).metrics.at("illegal") == 0);
  DroppedAgents<Bureau, decltype(&stubborn)> dropped(&stubborn, 4, Replacement::random, 8, 1);
  CHECK(run_episodes(env, 16, dropped).metrics.at("illegal") == 0);
  DroppedAgents<Bureau, decltype(&stubborn)> idle(&stubborn, 4, Replacement::neutral, 8, 1);
  CHECK(run_episodes(env, 16, idle).metrics.at("illegal") == 0);
}

TEST_CASE("train/suite_actions: noise moves numbers, not indices, with the mean and deviation stated") {
  constexpr int lanes = 4000;
  MultiAgentEnv<Bureau> env(lanes, 1);
  env.reset();
  const ObservationNoise<Bureau> noise(.5f, 3);
  noise.attach(env);
  double sum = 0, squares = 0, product = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    float chooser[1], mover[3], again[3], sharer[1];
    env.observe_agent(lane, 0, Row{chooser});
    env.observe_agent(lane, 1, Row{mover}), env.observe_agent(lane, 1, Row{again});
    env.observe_agent(lane, 3, Row{sharer});
    CHECK((mover[0] == 2 && sharer[0] == 1));
    CHECK((mover[1] == again[1] && mover[2] == again[2]));  // who looks twice sees the same
    const double x = static_cast<double>(mover[1]) - 5, y = static_cast<double>(mover[2]) - 6;
    sum += x, squares += x * x, product += x * y;
    CHECK(chooser[0] != 7);
  }
  CHECK(std::abs(sum / lanes) < 4 * .5 / std::sqrt(lanes));
  CHECK(std::abs(squares / lanes - .25) < 4 * .25 * std::sqrt(2. / lanes));
  CHECK(std::abs(product / lanes) < 4 * .25 / std::sqrt(lanes));
  env.set_sensor({});
  float clear[1];
  env.observe_agent(0, 0, Row{clear});
  CHECK(clear[0] == 7);
}
