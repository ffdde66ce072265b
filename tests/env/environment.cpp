// What is an environment and what is not, its abilities, and the context that its functions are handed.
#include <doctest/doctest.h>

#include <concepts>
#include <string>
#include <type_traits>

#include <polis/env/environment.hpp>

#include "lane.hpp"

namespace test_environment {

using namespace polis;
using polis_test::Lane;

// ---- The least there is, and what is no environment
// -------------------------------------------------------------

struct Corridor {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto& actions, auto& ctx) {
    at += actions[0] == 1 ? 1 : -1;
    ctx.reward(0) = at == 5 ? 1.f : -.01f;
    if (at == 5) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
};

static_assert(Environment<Corridor> && DeviceEnvironment<Corridor>);
static_assert(!HasState<Corridor> && !HasLegalActions<Corridor> && !HasTurns<Corridor> &&
              !StatesSuccess<Corridor>);
static_assert(!HasMetrics<Corridor> && !HasStages<Corridor>);
static_assert(event_order<Corridor>() == EventOrder::simultaneous);
static_assert(std::same_as<TaskOf<Corridor>, Nothing> && std::same_as<ConfigOf<Corridor>, Nothing> &&
              std::same_as<DatasetOf<Corridor>, Nothing>);

/// Derived environments hide a member by making it something else.
struct NoAction : Corridor {
  using Action = int;
};
struct NoAgents : Corridor {
  struct agents;
};
struct NoRewardStructure : Corridor {
  static constexpr const char* rewards = "shared";
};
struct NoReset : Corridor {
  void reset() {}
};
struct NoStep : Corridor {
  void step(int) {}
};
struct StepsOthersActions : Corridor {
  void step(const Actions<Corridor>&, Context<Corridor>&) {}
};
struct NoObserve : Corridor {
  void observe(int) const {}
};
struct ObserveChangesIt : Corridor {
  void observe(int, Row out) { out[0] = static_cast<float>(++at); }
};
struct NoDefault : Corridor {
  explicit NoDefault(int start) { at = start; }
};
struct NoCopy : Corridor {
  NoCopy() = default;
  NoCopy(const NoCopy&) = delete;
  NoCopy& operator=(const NoCopy&) = delete;
};

static_assert(!EnvironmentStatesItsAgentsAndSpaces<NoAction> && !Environment<NoAction>);
static_assert(!EnvironmentStatesItsAgentsAndSpaces<NoAgents> && !Environment<NoAgents>);
static_assert(!EnvironmentStatesItsRewardStructure<NoRewardStructure> && !Environment<NoRewardStructure>);
static_assert(!EnvironmentHasReset<NoReset> && EnvironmentHasStep<NoReset> && !Environment<NoReset>);
static_assert(!EnvironmentHasStep<NoStep> && EnvironmentHasReset<NoStep> && !Environment<NoStep>);
static_assert(!EnvironmentHasStep<StepsOthersActions> && !Environment<StepsOthersActions>);
static_assert(!EnvironmentHasObserve<NoObserve> && EnvironmentHasStep<NoObserve> && !Environment<NoObserve>);
static_assert(!EnvironmentHasObserve<ObserveChangesIt> && !Environment<ObserveChangesIt>);
static_assert(!Environment<NoDefault> && !Environment<NoCopy> && !Environment<int>);

/// Text and tools: an environment, though none that a CUDA kernel can step.
struct Conversation : Corridor {
  std::string said;
};
static_assert(Environment<Conversation> && !DeviceEnvironment<Conversation>);

// ---- Two roles, and every ability
// -------------------------------------------------------------------------------

struct Buyer {};
struct Seller {};

struct Market {
  using Roles = polis::Roles<Role<Buyer, 2, Box<2>, Discrete<3>>, Role<Seller, 3, Box<3>, Box<1>>>;
  using State = Box<4>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  struct Task {
    float demand = 1;
  };
  struct Config {
    int hours = 2;
  };
  struct Dataset {
    const float* prices = nullptr;
  };
  int hour = 0;

  void reset(Context<Market>& ctx) { hour = ctx.config().hours; }
  void step(const Actions<Market>& actions, Context<Market>& ctx) {
    ctx.reward_all(.5f);
    ctx.reward(Buyer{}, 1) = static_cast<float>(actions.of(Buyer{})[1]);
    ctx.reward(Seller{}, 2) = actions.of(Seller{})[2][0] * ctx.task().demand * ctx.data().prices[0];
    if (actions.of(Buyer{})[0] == 2) ctx.terminate(Seller{}, 1);
    if (--hour == 0) ctx.truncate();
  }
  void observe(Buyer, int index, Row out, const View<Market>& view) const {
    out[0] = static_cast<float>(index);
    out[1] = view.data().prices[0];
  }
  void observe(Seller, int index, Row out) const { out[2] = static_cast<float>(10 + index); }
  void state(Row out, const View<Market>& view) const { out[3] = view.task().demand; }
  void legal(Buyer, int index, Row mask) const { mask[index] = 0; }
  void legal(Seller, int, Row) const {}
  bool acting(int agent) const { return agent < 2 || hour > 1; }
  double success() const { return .25; }
  void metrics(auto&& visit) const { visit("hour", hour); }
  static int stages(const Config& config, const Dataset&) { return config.hours; }
  static Task task(int stage, const Config&, const Dataset&, Random&) { return {static_cast<float>(stage)}; }
};

static_assert(Environment<Market> && DeviceEnvironment<Market>);
static_assert(HasState<Market> && HasLegalActions<Market> && HasTurns<Market> && StatesSuccess<Market>);
static_assert(HasMetrics<Market> && HasStages<Market>);
static_assert(event_order<Market>() == EventOrder::sequential);
static_assert(std::same_as<TaskOf<Market>, Market::Task> && std::same_as<ConfigOf<Market>, Market::Config> &&
              std::same_as<DatasetOf<Market>, Market::Dataset>);

/// Abilities that lack a part, or whose part has another form.
struct StateOfUnknownSize : Corridor {
  void state(Row) const {}
};
struct StateUnwritten : Corridor {
  using State = Box<2>;
};
struct MaskWithoutAgent : Corridor {
  void legal(Row) const {}
};
struct SuccessIsText : Corridor {
  std::string success() const { return "yes"; }
};
struct TasksOfAnotherType : Corridor {
  static int stages(const Nothing&, const Nothing&) { return 1; }
  static int task(int, const Nothing&, const Nothing&, Random&) { return 0; }
};
struct WaitsForNobody : Market {
  static constexpr EventOrder order = EventOrder::simultaneous;
};
static_assert(!HasState<StateOfUnknownSize> && !HasState<StateUnwritten> &&
              !HasLegalActions<MaskWithoutAgent>);
static_assert(!StatesSuccess<SuccessIsText> && !HasStages<TasksOfAnotherType>);
static_assert(event_order<WaitsForNobody>() == EventOrder::simultaneous,
              "what the environment states counts");

TEST_CASE("env/environment: one agent walks down a corridor") {
  Lane<Corridor> lane;
  lane.reset();
  Actions<Corridor> right{};
  right[0] = 1;
  for (int step = 1; step < 5; ++step) {
    lane.step(right);
    CHECK(lane.episode == End::none);
    CHECK(lane.rewards[0] == -.01f);
  }
  lane.step(right);
  CHECK(lane.episode == End::terminated);
  CHECK(lane.rewards[0] == 1.f);
  float seen = 0;
  lane.env.observe(0, Row{&seen});
  CHECK(seen == 5.f);
}

TEST_CASE("env/environment: rewards and ends of an agent are named by its number or by role") {
  const float price = 3;
  Lane<Market> lane;
  lane.data.prices = &price;
  lane.task.demand = 2;
  lane.reset();
  Actions<Market> actions{};
  actions.of(Buyer{}) = {{2, 1}};
  actions.of(Seller{})[2] = {{7}};
  lane.step(actions);
  CHECK(lane.rewards == Array<float, 5>{{.5f, 1, .5f, .5f, 42}});
  CHECK(lane.ends == Array<End, 5>{{End::none, End::none, End::none, End::terminated, End::none}});
  CHECK(lane.episode == End::none);
  lane.step(actions);
  CHECK(lane.episode == End::truncated);
}

TEST_CASE("env/environment: members are found by agent or by role, with the view or without") {
  const float price = 3;
  Lane<Market> lane;
  lane.data.prices = &price;
  lane.reset();
  float seen[3] = {-1, -1, -1};
  internal::observe<0>(lane.env, 1, Row{seen}, lane.view());
  CHECK(seen[0] == 1.f);
  CHECK(seen[1] == 3.f);
  internal::observe<1>(lane.env, 2, Row{seen}, lane.view());
  CHECK(seen[2] == 12.f);

  float mask[3] = {1, 1, 1};
  internal::legal<0>(lane.env, 1, Row{mask});
  CHECK((mask[0] == 1.f && mask[1] == 0.f && mask[2] == 1.f));

  CHECK(internal::acting<1>(lane.env, 0));
  lane.env.hour = 1;
  CHECK(internal::acting<0>(lane.env, 1));
  CHECK_FALSE(internal::acting<1>(lane.env, 0));  // the first seller is agent 2

  Lane<Corridor> corridor;
  corridor.env.at = 4;
  internal::observe<0>(corridor.env, 0, Row{seen}, corridor.view());
  CHECK(seen[0] == 4.f);
  CHECK(internal::acting<0>(corridor.env, 0));
}

TEST_CASE("env/environment: by agent and by role with several roles agree on the numbers") {
  struct Numbered : Market {
    void observe(int agent, Row out, const View<Numbered>&) const { out[0] = static_cast<float>(agent); }
    void legal(int agent, Row mask) const { mask[0] = static_cast<float>(agent); }
    void reset(Context<Numbered>&) {}
    void step(const Actions<Numbered>&, Context<Numbered>&) {}
  };
  Lane<Numbered> lane;
  float number = -1;
  internal::observe<1>(lane.env, 2, Row{&number}, lane.view());
  CHECK(number == 4.f);
  internal::legal<0>(lane.env, 1, Row{&number});
  CHECK(number == 1.f);
}

TEST_CASE("env/environment: a termination prevails over a truncation in the same step") {
  Lane<Corridor> lane;
  const auto context = [&lane] {
    return Context<Corridor>(lane.view(), Random(1, 0, 0, 0, Purpose::environment), lane.rewards.data(),
                             lane.ends.data());
  };
  auto cut = context(), over = context(), both = context(), other_way = context();
  CHECK(cut.episode() == End::none);
  cut.truncate();
  CHECK(cut.episode() == End::truncated);
  over.terminate();
  CHECK(over.episode() == End::terminated);
  both.truncate();
  both.terminate();
  CHECK(both.episode() == End::terminated);
  other_way.terminate();
  other_way.truncate();
  CHECK(other_way.episode() == End::terminated);
  CHECK(lane.ends[0] == End::none);  // the ends of single agents are another matter
}

TEST_CASE("env/environment: agent loops visit every index once and in order") {
  Lane<Market> lane;
  const Context<Market> ctx(lane.view(), Random(1, 0, 0, 0, Purpose::environment), lane.rewards.data(),
                            lane.ends.data());
  std::string order;
  ctx.each(4, [&order](int i) { order += static_cast<char>('0' + i); });
  ctx.once([&order] { order += "!"; });
  CHECK(order == "0123!");
  CHECK(ctx.sum(5, [](int i) { return .5 * i; }) == 5.);
  CHECK(ctx.sum(3, [](int i) { return i; }) == 3);
  CHECK(ctx.sum(0, [](int) { return 1.f; }) == 0.f);
  // In the order of the indices: the small terms come after the large one and are lost.
  CHECK(ctx.sum(3, [](int i) { return i == 0 ? 1e8f : 1.f; }) == 1e8f);
}

}  // namespace test_environment
