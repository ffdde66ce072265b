// TimeLimit cuts episodes off. That it hands on every ability is in wrapper.cpp.
#include <doctest/doctest.h>

#include <polis/core/archive.hpp>
#include <polis/env/time_limit.hpp>

#include "lane.hpp"
#include "market.hpp"

namespace test_time_limit {

using namespace polis;
using namespace polis_test;

/// Goes on for `Last` steps, then terminates.
template <int Last>
struct Clock {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int time = 0;

  void reset(auto&) { time = 0; }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = static_cast<float>(actions[0]);
    if (++time == Last) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(time); }
};

using Plain = TimeLimit<Clock<1000>, 3>;
using Limited = TimeLimit<Market, 2>;

TEST_CASE("env/time_limit: truncates after so many steps of each episode") {
  Lane<Plain> lane;
  Actions<Plain> actions{};
  for (int episode = 0; episode < 2; ++episode) {
    lane.reset();
    for (int step = 1; step <= 3; ++step) {
      actions[0] = step % 2;
      lane.step(actions);
      CHECK(lane.rewards[0] == static_cast<float>(step % 2));
      CHECK(lane.env.env().time == step);
      CHECK(lane.episode == (step == 3 ? End::truncated : End::none));
    }
  }
}

TEST_CASE("env/time_limit: a termination inside prevails, also at the last step") {
  const auto last_end = [](auto lane, int steps) {
    lane.reset();
    for (int step = 0; step < steps; ++step) lane.step({});
    return lane.episode;
  };
  CHECK(last_end(Lane<TimeLimit<Clock<2>, 3>>{}, 2) == End::terminated);
  CHECK(last_end(Lane<TimeLimit<Clock<3>, 3>>{}, 3) == End::terminated);
  CHECK(last_end(Lane<TimeLimit<Clock<4>, 3>>{}, 3) == End::truncated);
}

TEST_CASE("env/time_limit: limits nest, and the shorter one cuts") {
  using Nested = TimeLimit<TimeLimit<Market, 2>, 4>;
  static_assert(Environment<Nested> && HasStages<Nested> && HasState<Nested>);
  const float price = 1;
  Lane<Nested> lane;
  lane.data.prices = &price;
  lane.reset();
  lane.step({});
  CHECK(lane.episode == End::none);
  lane.step({});
  CHECK(lane.episode == End::truncated);
}

TEST_CASE("env/time_limit: the environment inside gets the same context as without the limit") {
  const float price = 10;
  Lane<Market> bare;
  Lane<Limited> limited;
  bare.data.prices = limited.data.prices = &price;
  bare.config.fee = limited.config.fee = .25f;
  bare.reset();
  limited.reset();
  CHECK(bare.env.sold == limited.env.env().sold);

  Actions<Limited> actions{};
  actions.of(Buyer{})[1] = 2;
  actions.of(Seller{})[0][0] = 3;
  bare.step(actions);  // a joint action of the limited environment is one of the bare environment
  limited.step(actions);
  CHECK(limited.rewards == bare.rewards);
  CHECK(limited.rewards[2] == 29.75f);
  CHECK(limited.rewards[0] > 0.f);
  CHECK(limited.ends == bare.ends);
  CHECK(limited.ends[1] == End::terminated);
  CHECK(limited.env.env().sold == 2.f);
}

TEST_CASE("env/time_limit: an environment that archives itself is saved with the steps made") {
  using LimitedDiary = TimeLimit<Diary, 3>;
  static_assert(Environment<LimitedDiary> && !DeviceEnvironment<LimitedDiary>);
  Lane<LimitedDiary> first, second;
  first.reset();
  first.step({});
  first.step({});
  ArchiveWriter writer;
  writer(first.env);
  ArchiveReader reader(writer.bytes());
  reader(second.env);
  CHECK(second.env.env().text == "..");
  second.step({});
  CHECK(second.episode == End::truncated);
}

}  // namespace test_time_limit
