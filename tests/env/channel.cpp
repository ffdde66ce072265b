// Channel: what is said is heard at the next step, is counted, is paid for, and is learnt to be of use.
#include <doctest/doctest.h>

#include <cmath>
#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/env/channel.hpp>
#include <polis/env/frame_stack.hpp>
#include <polis/env/multi_agent_env.hpp>

#include "lane.hpp"

namespace test_channel {

using namespace polis;
using namespace polis_test;

/// Three agents by turns who see the time; all are paid what the one who acts does.
struct Table {
  static constexpr int agents = 3;
  using Observation = Box<1>;
  using State = Box<2>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int time = 0, last = 0;

  POLIS_HD void reset(auto&) { time = last = 0; }
  POLIS_HD void step(const auto& actions, auto& ctx) {
    last = actions[time % agents];
    ctx.reward_all(static_cast<float>(last));
    ++time;
  }
  POLIS_HD void observe(int, Row out) const { out[0] = static_cast<float>(time); }
  POLIS_HD void state(Row out) const {
    out[0] = static_cast<float>(time);
    out[1] = static_cast<float>(last);
  }
  POLIS_HD void legal(int, Row mask) const { mask[2] = 0; }
};

struct Buyer {};
struct Seller {};

/// Two roles against each other; what they see is shown from the run's settings.
struct Deal {
  using Roles = polis::Roles<Role<Buyer, 1, Discrete<4>, Box<1>>, Role<Seller, 2, Box<2>, Discrete<2>>>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  struct Config {
    int shown = 3;
    static void fields(auto& self, auto&& visit) { visit("shown", self.shown); }
  };
  std::vector<int> bids;  // not trivially copyable

  void reset(auto&) { bids.clear(); }
  void step(const auto& actions, auto& ctx) {
    bids.push_back(static_cast<int>(actions.of(Buyer{})[0][0]));
    ctx.reward(Buyer{}, 0) = 2;
    ctx.reward(Seller{}, 0) = ctx.reward(Seller{}, 1) = -1;
  }
  void observe(Buyer, int, Row out, const auto& view) const {
    out[0] = static_cast<float>(view.config().shown);
  }
  void observe(Seller, int index, Row out, const auto&) const {
    out[0] = static_cast<float>(index);
    out[1] = static_cast<float>(bids.size());
  }
  void archive(auto& a) { a(bids); }
};

constexpr ChannelSpec two_tokens{.symbols = 2, .tokens = 2};
using Talk = Channel<Table, two_tokens>;
static_assert(std::same_as<RoleOf<Talk, 0>::Action, Tuple<Discrete<3>, MultiDiscrete<3, 3>>>);
static_assert(std::same_as<RoleOf<Talk, 0>::Observation, Box<1 + 2 * 4>>);
static_assert(HasState<Talk> && std::same_as<Talk::State, Box<2 + 3 * 4>>);
static_assert(HasLegalActions<Talk> && DeviceEnvironment<Talk> && DeviceEnvironment<FrameStack<Talk, 2>>);
using Haggle = Channel<Deal, ChannelSpec{.symbols = 3, .cost = 250}>;
static_assert(std::same_as<RoleOf<Haggle, 0>::Observation, Tuple<Discrete<4>, Box<6>>>);
static_assert(Haggle::rewards == RewardStructure::general_sum && !HasState<Haggle>);
static_assert(Channel<Deal>::rewards == RewardStructure::zero_sum &&
              Talk::rewards == RewardStructure::shared);

using Numbers = std::vector<float>;

template <int R, class E>
Numbers seen(const Lane<E>& lane, int index) {
  Numbers numbers(RoleOf<E, R>::Observation::words, -1.f);
  internal::observe<R>(lane.env, index, Row{numbers.data()}, lane.view());
  return numbers;
}

double tokens(const auto& env) {
  double found = -1;
  env.metrics([&](const char* name, double value) {
    if (std::string(name) == "tokens") found = value;
  });
  return found;
}

}  // namespace test_channel

TEST_CASE("env/channel: the others hear at the next step what was said, token by token") {
  using namespace test_channel;
  Lane<Talk> lane;
  lane.reset();
  CHECK(seen<0>(lane, 1) == Numbers{0, 0, 0, 0, 0, 0, 0, 0, 0});
  Actions<Talk> actions{};
  actions[0] = {2, {{{1, 2}}, {}}};
  actions[2].get<1>()[1] = 1;
  lane.step(actions);
  CHECK(lane.rewards[1] == 2);  // what was done in the game itself
  // Each hears the others in the order of their numbers: agents 1 and 2, 0 and 2, 0 and 1.
  CHECK(seen<0>(lane, 0) == Numbers{1, 0, 0, 0, 0, 0, 0, 1, 0});
  CHECK(seen<0>(lane, 1) == Numbers{1, 1, 0, 0, 1, 0, 0, 1, 0});
  CHECK(seen<0>(lane, 2) == Numbers{1, 1, 0, 0, 1, 0, 0, 0, 0});
  Numbers state(Talk::State::words, -1.f);
  lane.env.state(Row{state.data()}, lane.view());
  CHECK(state == Numbers{1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0});
  CHECK(tokens(lane.env) == 3);
  lane.step({});
  CHECK(seen<0>(lane, 2) == Numbers{2, 0, 0, 0, 0, 0, 0, 0, 0});  // nothing echoes
  CHECK(tokens(lane.env) == 3);
  lane.reset();
  CHECK(tokens(lane.env) == 0);
  Numbers mask(3 + 6, 1.f);
  lane.env.legal(0, Row{mask.data()});
  CHECK(mask == Numbers{1, 1, 0, 1, 1, 1, 1, 1, 1});  // anything may be said
}

TEST_CASE("env/channel: a budget silences, token by token; a team pays together") {
  using namespace test_channel;
  Lane<Channel<Table, ChannelSpec{.symbols = 2, .tokens = 2, .budget = 3, .cost = 100}>> lane;
  lane.reset();
  Actions<Channel<Table, ChannelSpec{.symbols = 2, .tokens = 2, .budget = 3, .cost = 100}>> actions{};
  actions[1] = {0, {{{2, 2}}, {}}};
  lane.step(actions);
  for (int i = 0; i < 3; ++i) CHECK(lane.rewards[i] == doctest::Approx(-.2));
  lane.step(actions);  // one token is left
  CHECK(lane.env.said(1, 0) == 2);
  CHECK(lane.env.said(1, 1) == 0);
  for (int i = 0; i < 3; ++i) CHECK(lane.rewards[i] == doctest::Approx(-.1));
  lane.step(actions);
  CHECK(lane.env.said(1, 0) == 0);
  for (int i = 0; i < 3; ++i) CHECK(lane.rewards[i] == 0);
  CHECK(tokens(lane.env) == 3);
  lane.reset();
  lane.step(actions);
  CHECK(lane.env.said(1, 1) == 2);  // a new episode, a new budget
}

TEST_CASE("env/channel: roles with spaces of their own, settings shown, each pays for itself") {
  using namespace test_channel;
  Lane<Haggle> lane;
  lane.config.shown = 2;
  lane.reset();
  Actions<Haggle> actions{};
  actions.of(Buyer{})[0].get<0>()[0] = 7;
  actions.of(Buyer{})[0].get<1>()[0] = 3;
  actions.of(Seller{})[1].get<1>()[0] = 1;
  lane.step(actions);
  CHECK(lane.env.env().bids == std::vector<int>{7});
  CHECK(lane.rewards[0] == doctest::Approx(1.75));
  CHECK(lane.rewards[1] == doctest::Approx(-1));
  CHECK(lane.rewards[2] == doctest::Approx(-1.25));
  CHECK(seen<0>(lane, 0) == Numbers{2, 0, 0, 0, 1, 0, 0});
  CHECK(seen<1>(lane, 0) == Numbers{0, 1, 0, 0, 1, 1, 0, 0});
  CHECK(seen<1>(lane, 1) == Numbers{1, 1, 0, 0, 1, 0, 0, 0});

  ArchiveWriter writer;
  writer(lane.env);
  Lane<Haggle> copy;
  ArchiveReader reader(writer.bytes());
  reader(copy.env);
  copy.config = lane.config;
  CHECK(copy.env.env().bids == std::vector<int>{7});
  CHECK(seen<1>(copy, 0) == seen<1>(lane, 0));
  CHECK(tokens(copy.env) == 2);
}
