// TimeLimit cuts episodes off, and hands on every ability of the environment inside, and no other.
#include <doctest/doctest.h>

#include <concepts>
#include <map>
#include <string>
#include <type_traits>

#include <polis/core/archive.hpp>
#include <polis/env/time_limit.hpp>

#include "lane.hpp"

namespace test_time_limit {

using namespace polis;
using polis_test::Lane;

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
static_assert(Environment<Plain> && DeviceEnvironment<Plain>);
static_assert(!HasState<Plain> && !HasLegalActions<Plain> && !HasTurns<Plain> && !StatesSuccess<Plain>);
static_assert(!HasMetrics<Plain> && !HasStages<Plain> && event_order<Plain>() == EventOrder::simultaneous);
static_assert(std::same_as<RolesOf<Plain>, RolesOf<Clock<1000>>> && std::same_as<ConfigOf<Plain>, Nothing>);

struct Buyer {};
struct Seller {};

/// Has every ability, its signatures name its own context, and every member reads something else.
struct Market {
  using Roles = polis::Roles<Role<Buyer, 2, Box<2>, Discrete<3>>, Role<Seller, 1, Box<1>, Box<1>>>;
  using State = Box<3>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  static constexpr EventOrder order = EventOrder::sequential;
  struct Task {
    float demand = 2;
  };
  struct Config {
    float fee = .5f;
  };
  struct Dataset {
    const float* prices = nullptr;
  };
  float sold = 0;

  void reset(Context<Market>& ctx) { sold = ctx.random.uniform(); }
  void step(const Actions<Market>& actions, Context<Market>& ctx) {
    sold = static_cast<float>(actions.of(Buyer{})[1]);
    ctx.reward(Seller{}, 0) = actions.of(Seller{})[0][0] * ctx.data().prices[0] - ctx.config().fee;
    ctx.reward(0) = ctx.random.uniform();
    ctx.terminate(Buyer{}, 1);
  }
  void observe(Buyer, int index, Row out, const View<Market>& view) const {
    out[0] = static_cast<float>(index);
    out[1] = view.task().demand;
  }
  void observe(Seller, int, Row out) const { out[0] = sold; }
  void state(Row out) const { out[2] = sold; }
  void legal(int agent, Row mask) const { mask[agent] = 0; }
  bool acting(Buyer, int index) const { return index == 1; }
  bool acting(Seller, int) const { return false; }
  float success() const { return .75f; }
  void metrics(auto&& visit) const { visit("sold", static_cast<double>(sold)); }
  static int stages(const Config&, const Dataset&) { return 4; }
  static constexpr float curriculum_template() { return .65f; }
  static Task task(int stage, const Config& config, const Dataset&, Random&) {
    return {static_cast<float>(stage) + config.fee};
  }
};

using Limited = TimeLimit<Market, 2>;
static_assert(Environment<Limited> && DeviceEnvironment<Limited>);
static_assert(HasState<Limited> && HasLegalActions<Limited> && HasTurns<Limited> && StatesSuccess<Limited>);
static_assert(HasMetrics<Limited> && HasStages<Limited> && event_order<Limited>() == EventOrder::sequential);
static_assert(Limited::rewards == RewardStructure::zero_sum);
template <class E>
concept HasCurriculumTemplate = requires { E::curriculum_template(); };
static_assert(Limited::curriculum_template() == .65f && !HasCurriculumTemplate<Plain>);
static_assert(std::same_as<RolesOf<Limited>, Market::Roles> && std::same_as<Limited::State, Market::State>);
static_assert(std::same_as<TaskOf<Limited>, Market::Task> &&
              std::same_as<ConfigOf<Limited>, Market::Config> &&
              std::same_as<DatasetOf<Limited>, Market::Dataset>);

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

TEST_CASE("env/time_limit: every ability answers as the environment inside does") {
  Lane<Limited> lane;
  lane.task.demand = 8;
  lane.env.env().sold = 5;
  float seen[3] = {};
  internal::observe<0>(lane.env, 1, Row{seen}, lane.view());
  CHECK((seen[0] == 1.f && seen[1] == 8.f));
  internal::observe<1>(lane.env, 0, Row{seen}, lane.view());
  CHECK(seen[0] == 5.f);
  lane.env.state(Row{seen});
  CHECK(seen[2] == 5.f);

  float mask[3] = {1, 1, 1};
  internal::legal<0>(lane.env, 1, Row{mask});
  CHECK((mask[0] == 1.f && mask[1] == 0.f && mask[2] == 1.f));
  CHECK_FALSE(internal::acting<0>(lane.env, 0));
  CHECK(internal::acting<0>(lane.env, 1));
  CHECK_FALSE(internal::acting<1>(lane.env, 0));

  CHECK(lane.env.success() == .75f);
  std::map<std::string, double> figures;
  lane.env.metrics([&figures](const std::string& name, double value) { figures[name] = value; });
  CHECK(figures == std::map<std::string, double>{{"sold", 5.}});

  Random random(1, 0, 0, 0, Purpose::curriculum);
  CHECK(Limited::stages(lane.config, lane.data) == 4);
  CHECK(Limited::task(3, lane.config, lane.data, random).demand == 3.5f);
}

/// Its state is not bytes, so it says how it is saved.
struct Diary : Clock<100> {
  std::string text;
  void step(const auto&, auto&) { text += '.'; }
  void archive(auto& a) { a(text); }
};

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
