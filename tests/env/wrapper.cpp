// Every wrapper hands on every ability of the environment inside, and no other; so does a wrapper of a
// user's own.
#include <doctest/doctest.h>

#include <concepts>
#include <map>
#include <string>

#include <polis/core/archive.hpp>
#include <polis/env/frame_stack.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/env/wrapper.hpp>

#include "lane.hpp"
#include "market.hpp"

namespace test_wrapper {

template <polis::Environment E>
class Echo;

}  // namespace test_wrapper

template <class E>
struct polis::InsideOf<test_wrapper::Echo<E>> {
  using type = E;
};

template <class E>
struct polis::Actions<test_wrapper::Echo<E>> : polis::Actions<E> {};

namespace test_wrapper {

using namespace polis;
using namespace polis_test;

/// A wrapper of a user's own, in a namespace of the user's: it pays every reward twice.
template <Environment E>
class Echo : public Wrapper<E> {
 public:
  void reset(Context<Echo>& ctx) { this->env_.reset(static_cast<Context<E>&>(ctx)); }
  void step(const Actions<Echo>& actions, Context<Echo>& ctx) {
    this->env_.step(static_cast<const Actions<E>&>(actions), static_cast<Context<E>&>(ctx));
    for (int i = 0; i < agent_count<E>; ++i) ctx.reward(i) *= 2;
  }
};

/// Has no ability beyond the least.
struct Still {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Price;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  void reset(auto&) {}
  void step(const auto&, auto&) {}
  void observe(int, Row out) const { out[0] = 0; }
};

template <class E>
concept HasCurriculumTemplate = requires { E::curriculum_template(); };

template <class W>
constexpr bool has_none() {
  return Environment<W> && DeviceEnvironment<W> && !HasState<W> && !HasLegalActions<W> && !HasTurns<W> &&
         !StatesSuccess<W> && !HasMetrics<W> && !HasStages<W> && !HasCurriculumTemplate<W> &&
         event_order<W>() == EventOrder::simultaneous && W::rewards == RewardStructure::shared &&
         std::same_as<ConfigOf<W>, Nothing>;
}
static_assert(has_none<TimeLimit<Still, 3>>() && has_none<FrameStack<Still, 3>>());
static_assert(has_none<RescaledActions<Still>>() && has_none<Echo<Still>>());

template <class W>
constexpr bool has_all() {
  return Environment<W> && DeviceEnvironment<W> && HasState<W> && HasLegalActions<W> && HasTurns<W> &&
         StatesSuccess<W> && HasMetrics<W> && HasStages<W> && HasCurriculumTemplate<W> &&
         event_order<W>() == EventOrder::sequential && W::rewards == RewardStructure::zero_sum &&
         std::same_as<TaskOf<W>, Market::Task> && std::same_as<ConfigOf<W>, Market::Config> &&
         std::same_as<DatasetOf<W>, Market::Dataset> && std::same_as<typename W::State, Market::State> &&
         std::same_as<typename RoleOf<W, 1>::Tag, Seller> && agent_count<W> == 3;
}

TEST_CASE_TEMPLATE("env/wrapper: every ability answers as the environment inside does", W,
                   TimeLimit<Market, 2>, FrameStack<Market, 1>, RescaledActions<Market>, Echo<Market>,
                   FrameStack<RescaledActions<TimeLimit<Market, 9>>, 1>, RescaledActions<Echo<Market>>) {
  static_assert(has_all<W>() && W::curriculum_template() == .65f);
  const float price = 10;
  Lane<W> lane;
  lane.data.prices = &price;
  lane.task.demand = 8;
  lane.reset();
  Actions<W> actions{};
  actions.of(Buyer{})[1] = 2;
  lane.step(actions);
  CHECK(lane.ends[1] == End::terminated);

  float seen[3] = {};
  internal::observe<0>(lane.env, 1, Row{seen}, lane.view());
  CHECK((seen[0] == 1.f && seen[1] == 8.f));
  internal::observe<1>(lane.env, 0, Row{seen}, lane.view());
  CHECK(seen[0] == 2.f);
  lane.env.state(Row{seen});
  CHECK(seen[2] == 2.f);

  float mask[3] = {1, 1, 1};
  internal::legal<0>(lane.env, 1, Row{mask});
  CHECK((mask[0] == 1.f && mask[1] == 0.f && mask[2] == 1.f));
  CHECK_FALSE(internal::acting<0>(lane.env, 0));
  CHECK(internal::acting<0>(lane.env, 1));
  CHECK_FALSE(internal::acting<1>(lane.env, 0));

  CHECK(lane.env.success() == .75f);
  std::map<std::string, double> figures;
  lane.env.metrics([&figures](const std::string& name, double value) { figures[name] = value; });
  CHECK(figures == std::map<std::string, double>{{"sold", 2.}});

  Random random(1, 0, 0, 0, Purpose::curriculum);
  CHECK(W::stages(lane.config, lane.data) == 4);
  CHECK(W::task(3, lane.config, lane.data, random).demand == 3.5f);
}

TEST_CASE("env/wrapper: the environment inside gets the same context as without the wrapper") {
  const float price = 10;
  Lane<Market> bare;
  Lane<Echo<Market>> echo;
  bare.data.prices = echo.data.prices = &price;
  bare.reset();
  echo.reset();
  CHECK(bare.env.sold == echo.env.env().sold);
  Actions<Echo<Market>> actions{};
  actions.of(Seller{})[0][0] = 3;
  bare.step(actions);  // a joint action of the wrapped environment is one of the bare environment
  echo.step(actions);
  for (int i = 0; i < 3; ++i) CHECK(echo.rewards[i] == 2 * bare.rewards[i]);
  CHECK(echo.rewards[2] == 59.f);
}

TEST_CASE_TEMPLATE("env/wrapper: an environment that archives itself is saved inside every wrapper", W,
                   RescaledActions<Diary>, Echo<Diary>, TimeLimit<Diary, 9>, FrameStack<Diary, 2>) {
  static_assert(Environment<W> && !DeviceEnvironment<W>);
  Lane<W> first, second;
  first.reset();
  first.step({});
  first.step({});
  ArchiveWriter writer;
  writer(first.env);
  ArchiveReader reader(writer.bytes());
  reader(second.env);
  CHECK(second.env.env().text == "..");
}

}  // namespace test_wrapper
