// Difference rewards, cooperation weights and the coordination bonus, by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/fields.hpp>
#include <polis/env/channel.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/shaping/cooperation_weights.hpp>
#include <polis/shaping/coordination_bonus.hpp>
#include <polis/shaping/difference_reward.hpp>
#include <polis/shaping/several.hpp>

namespace test_shaping_words {

using namespace polis;
using doctest::Approx;

struct Buyer {};
struct Seller {};
struct Effort : Box<2> {
  static constexpr float low = -4, high = 4;
};

/// Two buyers push in a plane, a seller chooses of three and has two switches. Rewards are fixed, or shared;
/// who is out is fixed too. Without an agent all would earn ten times its number.
template <RewardStructure structure>
struct Fair {
  using Roles = polis::Roles<Role<Buyer, 2, Box<1>, Effort>,
                             Role<Seller, 1, Box<1>, Tuple<Discrete<3>, MultiDiscrete<2, 2>>>>;
  static constexpr RewardStructure rewards = structure;
  int steps = 0;
  void reset(auto&) { steps = 0; }
  void step(const auto&, auto& ctx) {
    if (++steps == 2) ctx.terminate(1);
    if (structure == RewardStructure::shared) {
      ctx.reward_all(7);
    } else {
      for (int i = 0; i < 3; ++i) ctx.reward(i) = static_cast<float>(1 << i);
    }
  }
  void observe(int, Row out) const { out[0] = 0; }
  bool acting(int agent) const { return agent != 0 || steps != 1; }
  float counterfactual(int agent) const { return 10.f * static_cast<float>(agent); }
  Actions<Fair> target_actions() const {
    Actions<Fair> target{};
    target.of(Buyer{})[0] = {{1, 0}};
    target.of(Buyer{})[1] = {{0, 2}};
    target.of(Seller{})[0].template get<0>() = 2;
    target.of(Seller{})[0].template get<1>() = {{1, 1}};
    return target;
  }
};
using Market = Fair<RewardStructure::general_sum>;
using Team = Fair<RewardStructure::shared>;

static_assert(HasCounterfactual<Market> && HasTargetActions<Market> && !HasPotential<Market>);
static_assert(HasCounterfactual<TimeLimit<Market, 5>> && HasTargetActions<TimeLimit<Market, 5>>);
static_assert(!HasTargetActions<RescaledActions<Market>>);  // its actions are other ones
static_assert(ShapingWord<DifferenceReward, Market> && ShapingWord<CooperationWeights, Market> &&
              ShapingWord<CoordinationBonus, Market>);

Actions<Market> some_actions() {
  Actions<Market> actions{};
  actions.of(Buyer{})[0] = {{3, -1}};
  actions.of(Buyer{})[1] = {{1, 1}};
  actions.of(Seller{})[0].get<0>() = 2;
  actions.of(Seller{})[0].get<1>() = {{1, 0}};
  return actions;
}

/// The shaped rewards of `steps` steps.
template <class Word, class E>
std::vector<Array<float, 3>> shaped(typename Word::Config config, const Actions<E>& actions, int steps) {
  MultiAgentEnv<E> env(1, 3);
  env.reset();
  typename Word::template State<E> state(config, {.lanes = 1, .agents = 3});
  std::vector<Array<float, 3>> result;
  for (int step = 0; step < steps; ++step) {
    state.before(env, 0);
    env.advance(0, actions);
    Array<float, 3> rewards{};
    for (int i = 0; i < 3; ++i) rewards[i] = env.reward(0, i);
    state.after(env, 0, actions, Row{rewards.data()});
    result.push_back(rewards);
  }
  return result;
}

TEST_CASE("shaping/words: a difference reward is the sum of all rewards less what it is without the agent") {
  const auto market = shaped<DifferenceReward, Market>({}, {}, 3);
  CHECK(market[0] == Array<float, 3>{{7, -3, -13}});
  CHECK(market[1] == Array<float, 3>{{7, -3, -13}});  // the second agent's last step
  CHECK(market[2] == Array<float, 3>{{5, 0, -15}});   // without it
}

TEST_CASE("shaping/words: of a team the sum is its one reward") {
  const auto team = shaped<DifferenceReward, Team>({}, {}, 3);
  CHECK(team[0] == Array<float, 3>{{7, -3, -13}});
  CHECK(team[2] == Array<float, 3>{{7, 0, -13}});
}

TEST_CASE("shaping/words: cooperation weights mix an agent's reward with the mean of the others'") {
  const auto mixed = shaped<CooperationWeights, Market>({}, {}, 3);  // .8 and .2
  const double expected[2][3] = {{.8 + .2 * 3, 1.6 + .2 * 2.5, 3.2 + .2 * 1.5},
                                 {.8 + .2 * 2, .2 * 2.5, 3.2 + .2 * .5}};
  for (int i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(mixed[0][i]) == Approx(expected[0][i]));
    CHECK(static_cast<double>(mixed[2][i]) == Approx(expected[1][i]));  // one is out, and has earned 0
  }
  CHECK(shaped<CooperationWeights, Market>({.own = 1}, {}, 1)[0] == Array<float, 3>{{1, 2, 4}});
  const auto mean = shaped<CooperationWeights, Market>({.own = 1.f / 3}, {}, 1);
  for (const float reward : mean[0]) {
    CHECK(static_cast<double>(reward) == Approx(7. / 3));
  }
}

TEST_CASE("shaping/words: the similarity of two joint actions is the cosine of their vectors") {
  const auto everybody = [](int) { return true; };
  const Actions<Market> target = Market{}.target_actions(), some = some_actions();
  CHECK(action_similarity<Market>(target, target, everybody) == Approx(1));
  // (3, -1, 1, 1, then one-hot 001, 01, 10) and (1, 0, 0, 2, 001, 01, 01)
  CHECK(action_similarity<Market>(some, target, everybody) ==
        Approx((3 + 2 + 1 + 1) / std::sqrt((9. + 1 + 1 + 1 + 3) * (1 + 4 + 3))));
  CHECK(action_similarity<Market>(some, target, [](int agent) { return agent == 0; }) ==
        Approx(3 / std::sqrt(10.)));
  CHECK(action_similarity<Market>(some, target, [](int) { return false; }) == 0);
  CHECK(action_similarity<Market>({}, target, [](int agent) { return agent < 2; }) == 0);  // no direction
}

TEST_CASE("shaping/words: the coordination bonus is paid to all that take part, for those who decide") {
  const auto paid = shaped<CoordinationBonus, Market>({.scale = .5f}, some_actions(), 3);
  const double all = 7 / std::sqrt(15. * 8);
  const double without_first = 4 / std::sqrt(5. * 7);          // which waits in the second step
  const double without_second = (3 + 2) / std::sqrt(13. * 4);  // which is out in the third
  const double expected[3][3] = {{1 + .5 * all, 2 + .5 * all, 4 + .5 * all},
                                 {1 + .5 * without_first, 2 + .5 * without_first, 4 + .5 * without_first},
                                 {1 + .5 * without_second, 0, 4 + .5 * without_second}};
  for (std::size_t step = 0; step < 3; ++step) {
    for (int i = 0; i < 3; ++i) {
      CHECK(static_cast<double>(paid[step][i]) == Approx(expected[step][static_cast<std::size_t>(i)]));
    }
  }
}

TEST_CASE("shaping/words: of several words each shapes what the one before it left") {
  using Mixed = Several<DifferenceReward, CooperationWeights>;
  using Bonused = Several<DifferenceReward, CoordinationBonus>;
  Mixed::Config half;
  half.of<CooperationWeights>().own = .5f;
  // 7, -3 and -13 are the differences
  CHECK(shaped<Mixed, Market>(half, {}, 1)[0] == Array<float, 3>{{3.5f - 4, -1.5f - 1.5f, -6.5f + 1}});
  Bonused::Config full;
  full.of<CoordinationBonus>().scale = 1;
  const auto paid = shaped<Bonused, Market>(full, Market{}.target_actions(), 1);
  for (int i = 0; i < 3; ++i) CHECK(static_cast<double>(paid[0][i]) == Approx(7 - 10 * i + 1));
  const std::string keys = to_text(half);
  CHECK(keys.find("cooperation.own") != std::string::npos);
  static_assert(Bonused::needs_target && Bonused::needs_counterfactual && !Bonused::needs_others &&
                !Bonused::keeps_shared_rewards<Team>);
}

struct Choosers {
  static constexpr int agents = 4;
  using Observation = Box<1>;
  using Action = Discrete<5>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  void reset(auto&) {}
  void step(const auto&, auto&) {}
  void observe(int, Row out) const { out[0] = 0; }
};

TEST_CASE("shaping/words: of indices alone the similarity is the share of choices that agree") {
  Actions<Choosers> one{}, other{};
  one[0] = 4, other[0] = 4, one[1] = 1, other[3] = 3;
  CHECK(action_similarity<Choosers>(one, other, [](int) { return true; }) == Approx(.5));
}

struct Talkers {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.reward(0) = 2, ctx.reward(1) = 3; }
  void observe(int, Row out) const { out[0] = 0; }
  float counterfactual(int agent) const { return agent == 0 ? 3.f : 2.f; }  // what the other is paid
};

TEST_CASE("shaping/words: where speech costs, nobody is charged for that of others") {
  using Talking = Channel<Talkers, ChannelSpec{.symbols = 2, .tokens = 2, .cost = 500}>;
  MultiAgentEnv<Talking> env(1, 3);
  env.reset();
  Actions<Talking> actions{};
  actions[0].get<1>() = {{1, 2}}, actions[1].get<1>() = {{0, 1}};
  DifferenceReward::State<Talking> state({}, {.lanes = 1, .agents = 2});
  env.advance(0, actions);
  Array<float, 2> rewards{{env.reward(0, 0), env.reward(0, 1)}};
  CHECK(rewards == Array<float, 2>{{1, 2.5f}});
  state.after(env, 0, actions, Row{rewards.data()});
  CHECK(rewards == Array<float, 2>{{1, 2.5f}});  // each pays for itself, and earns nothing for the other
}

}  // namespace test_shaping_words
