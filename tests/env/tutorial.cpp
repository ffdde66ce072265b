// The code of docs/environment.md: every block there is a piece of this file or of
// examples/own_environment.cpp.
#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/env/channel.hpp>
#include <polis/env/frame_stack.hpp>
#include <polis/env/guarded.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/tiled_env.hpp>
#include <polis/env/time_limit.hpp>

#include "lane.hpp"

namespace test_tutorial {

using polis_test::Lane;

/// The example's fishery under rules: every optional member of an environment.
struct GovernedFishery {
  static constexpr int agents = 2;
  using Observation = polis::Box<2>;
  using Action = polis::Discrete<7>;
  static constexpr auto rewards = polis::RewardStructure::general_sum;

  struct Config {
    float price = 10, cost = .1f;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("price", self.price);
      visit("cost", self.cost);
    }
  };

  struct Task {
    float growth = .4f;
    static constexpr void fields(auto& self, auto&& visit) { visit("growth", self.growth); }
  };

  static int stages(const auto& /*config*/, const auto& /*data*/) { return 3; }
  static Task task(int stage, const auto& /*config*/, const auto& /*data*/, polis::Random& random) {
    const float hardest = .6f - .1f * static_cast<float>(stage);  // slower growth forgives less
    return {random.uniform(hardest, .6f)};
  }

  struct Dataset {
    const float* prices = nullptr;  // relative to the price of the Config, one a season
  };

  using State = polis::Box<3>;
  void state(polis::Row out) const {
    out[0] = stock;
    for (int i = 0; i < agents; ++i) out[1 + i] = static_cast<float>(boats[i]) / 6;
  }

  void legal(int /*agent*/, polis::Row allowed) const {
    if (stock < .1f) {
      for (int action = 3; action < 7; ++action) allowed[action] = 0;  // at most two boats each
    }
  }

  bool acting(int agent) const { return agent == season % 2; }

  float success() const { return stock > .3f ? 1.f : 0.f; }

  static void references(const auto& /*view*/, auto&& visit) {
    visit("two_boats", [](const GovernedFishery&, const auto& /*view*/, polis::Random& /*random*/) {
      polis::Actions<GovernedFishery> actions{};
      for (int i = 0; i < agents; ++i) actions[i] = 2;
      return actions;
    });
  }

  float potential(int /*agent*/) const { return 10 * stock; }
  float counterfactual(int agent) const { return paid[1 - agent]; }  // one season's catch cuts no other's
  polis::Actions<GovernedFishery> target_actions() const {
    polis::Actions<GovernedFishery> target{};
    for (int i = 0; i < agents; ++i) target[i] = 2;
    return target;
  }
  void reward_components(int agent, auto&& visit) const {
    visit("sales", sales[agent]);
    visit("boats", paid[agent] - sales[agent]);  // what they cost, negative
  }

  void metrics(auto&& visit) const { visit("stock", stock); }

  float stock = 1;
  polis::Array<int, 2> boats{};
  polis::Array<float, 2> paid{}, sales{};  // in the last season
  int season = 0;

  void reset(auto& ctx) {
    *this = {};
    stock = ctx.random.uniform(.3f, 1.f);
  }

  void step(const auto& actions, auto& ctx) {
    const int agent = season % 2;
    boats[agent] = actions[agent];
    const float fish = .05f * stock * static_cast<float>(boats[agent]);
    const float price = ctx.config().price * ctx.data().prices[season];
    ctx.reward(agent) = price * fish - ctx.config().cost * static_cast<float>(boats[agent]);
    paid = sales = {};
    paid[agent] = ctx.reward(agent), sales[agent] = price * fish;
    stock += ctx.task().growth * stock * (1 - stock) - fish;
    if (stock < .02f) ctx.terminate();
    ++season;
  }

  void observe(int agent, polis::Row out, const polis::View<GovernedFishery>& view) const {
    out[0] = stock;
    out[1] = view.data().prices[season] * (agent == 0 ? 1.f : .9f);
  }
};

using Fifty = polis::TimeLimit<GovernedFishery, 50>;

using FourSeasons = polis::FrameStack<Fifty, 4>;
static_assert(polis::RoleOf<FourSeasons, 0>::Observation::words == 4 * GovernedFishery::Observation::words);

struct Quota {
  static bool allows(const GovernedFishery& lake, int /*agent*/, int boats, const auto& /*view*/) {
    return lake.stock > .3f || boats == 0;
  }
  static int instead(const GovernedFishery&, int, int, const auto& /*view*/) { return 0; }
};
using Protected = polis::Guarded<GovernedFishery, Quota>;

struct Fisher {};
struct Warden {};

/// Three fishers, and a warden who sets the quota.
struct Lake {
  using Roles = polis::Roles<polis::Role<Fisher, 3, polis::Box<2>, polis::Discrete<7>>,
                             polis::Role<Warden, 1, polis::Box<1>, polis::Box<1>>>;
  static constexpr auto rewards = polis::RewardStructure::general_sum;
  float stock = 1, quota = 1;

  void reset(auto&) { *this = {}; }

  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < 3; ++i) {
      const float fish = .05f * stock * static_cast<float>(actions.of(Fisher{})[i]);
      if (fish > quota) ctx.terminate(Fisher{}, i);  // caught: out until the next episode
      ctx.reward(Fisher{}, i) = fish;
      stock -= fish;
    }
    quota = actions.of(Warden{})[0][0];
    ctx.reward(Warden{}, 0) = stock;
  }

  void observe(Fisher, int /*index*/, polis::Row out) const {
    out[0] = stock;
    out[1] = quota;
  }
  void observe(Warden, int /*index*/, polis::Row out) const { out[0] = stock; }
};

/// A stock that everyone leaves alone or fishes down, many lakes at once.
struct Pond {
  static constexpr int agents = 1;
  using Observation = polis::Box<1>;
  using Action = polis::Discrete<7>;
  static constexpr auto rewards = polis::RewardStructure::shared;

  float stock = 1;
  int season = 0;

  void reset(auto& ctx) {
    stock = ctx.random.uniform(.3f, 1.f);
    season = 0;
  }

  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = grow(stock, static_cast<float>(actions[0]));
    if (stock < .02f) ctx.terminate();
    if (++season == 50) ctx.truncate();
  }

  void observe(int /*agent*/, polis::Row out) const { out[0] = stock; }

  /// A season's growth and catch, of one lake or of a register of lakes. Returns the catch.
  template <class T>
  static T grow(T& stock, const T& boats) {
    using polis::math::fma;
    const T fish = T(.05f) * stock * boats;
    stock = fma(T(.4f) * stock, T(1.f) - stock, stock) - fish;
    return fish;
  }

  template <class T>
  struct Tile {
    T stock, season;
  };
  static constexpr void columns(auto& self, auto&& visit) { visit(self.stock), visit(self.season); }

  template <class T>
  static void reset_tile(Tile<T>& lanes, auto& ctx) {
    lanes.stock = ctx.random.uniform(.3f, 1.f);
    lanes.season = T(0.f);
  }

  template <class T>
  static void step_tile(Tile<T>& lanes, const auto& actions, auto& ctx) {
    ctx.reward(0) = grow(lanes.stock, actions[0][0]);
    lanes.season += T(1.f);
    ctx.terminate(lanes.stock < T(.02f));
    ctx.truncate(lanes.season == T(50.f));
  }
};

float mean_catch(int seasons) {
  polis::TiledEnv<Pond> ponds(1024, 7);
  ponds.reset();
  float sum = 0;
  for (int season = 0; season < seasons; ++season) {
    ponds.step_at_random();
    for (const float fish : ponds.rewards(0)) sum += fish;
  }
  return sum / static_cast<float>(seasons * ponds.lanes());
}

/// Many herds on one pasture, whose loops a GPU's threads may share.
namespace pasture {

using namespace polis;

struct Pasture {
  static constexpr int agents = 40;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  using Observation = Box<2>;
  using Action = Discrete<3>;

  static constexpr bool shared_loops = true;

  POLIS_HD void step(const Actions<Pasture>& actions, Context<Pasture>& ctx) {
    const float hunger = ctx.sum(agents, [&](int i) { return herds[i] * appetite(actions[i]); });
    ctx.each(agents, [&](int i) {
      Random luck = ctx.random_of(i);  // not ctx.random: agents draw at once
      ctx.reward(i) = herds[i] * appetite(actions[i]) * math::min(1.f, grass / hunger);
      herds[i] *= .9f + .1f * luck.uniform();
    });
    ctx.once([&] { grass = math::max(0.f, grass - hunger) + .05f * ctx.random.uniform(); });
  }
  POLIS_HD void reset(Context<Pasture>& ctx) {
    grass = 1;
    ctx.each(agents, [&](int i) { herds[i] = 1; });
  }
  POLIS_HD void observe(int agent, Row out) const { out[0] = herds[agent], out[1] = grass; }
  POLIS_HD static float appetite(int action) { return .01f * static_cast<float>(action); }

  Array<float, agents> herds{};
  float grass = 1;
};
static_assert(Environment<Pasture> && shares_loops<Pasture>);

}  // namespace pasture

using TalkingLake =
    polis::Channel<Lake, polis::ChannelSpec{.symbols = 4, .tokens = 2, .budget = 10, .cost = 5}>;
static_assert(polis::RoleOf<TalkingLake, 0>::Observation::words == 2 + 3 * 8);

static_assert(polis::HasStages<GovernedFishery> && polis::HasState<GovernedFishery>);
static_assert(polis::HasLegalActions<GovernedFishery> && polis::HasTurns<GovernedFishery>);
static_assert(polis::StatesSuccess<GovernedFishery> && polis::HasMetrics<GovernedFishery>);
static_assert(polis::HasReferencePolicies<GovernedFishery> && !polis::HasOptimalValue<GovernedFishery>);
static_assert(polis::HasPotential<Fifty> && polis::HasCounterfactual<Fifty> &&
              polis::HasTargetActions<Fifty> && polis::HasRewardComponents<Protected>);
static_assert(polis::Environment<Lake>);
static_assert(polis::fields_complete<GovernedFishery::Config>() &&
              polis::fields_complete<GovernedFishery::Task>());

TEST_CASE("env/tutorial: a fishery under rules, in two lanes") {
  const std::vector<float> prices(51, 1.f);
  polis::MultiAgentEnv<Fifty> env(2, 7, {.price = 5}, {.prices = prices.data()});
  env.reset();
  CHECK(env.deciding<0>(0, 0));
  CHECK_FALSE(env.deciding<0>(0, 1));
  CHECK(env.task(0).growth >= .4f);  // the last stage's
  CHECK(env.task(0).growth <= .6f);
  std::vector<polis::Actions<Fifty>> actions(2);
  actions[0][0] = 2;
  const float stock = env.lane(0).env().stock;
  env.step(actions);
  CHECK(env.reward(0, 0) == doctest::Approx(5 * .05f * stock * 2 - .2f));
  CHECK(env.reward(0, 1) == 0.f);
  CHECK(env.deciding<0>(0, 1));
  for (int season = 1; season < 50; ++season) env.step(actions);
  CHECK(env.end(0, 0) == polis::End::truncated);
}

TEST_CASE("env/tutorial: ponds in registers are the ponds one by one") {
  polis::MultiAgentEnv<Pond> single(40, 7);
  polis::TiledEnv<Pond> tiled(40, 7);
  single.reset();
  tiled.reset();
  std::vector<polis::Actions<Pond>> actions(40);
  int different = 0;
  for (int season = 0; season < 200; ++season) {
    tiled.step_at_random();
    for (int lane = 0; lane < 40; ++lane) {
      actions[static_cast<std::size_t>(lane)][0] = static_cast<int>(tiled.action(lane, 0));
    }
    single.step(actions);
    for (int lane = 0; lane < 40; ++lane) {
      different +=
          tiled.lane(lane).stock != single.lane(lane).stock || tiled.end(lane) != single.end(lane, 0);
    }
  }
  CHECK(different == 0);
  CHECK(mean_catch(200) > .02f);
}

TEST_CASE("env/tutorial: herds share what grass there is, and fare each by its own luck") {
  Lane<pasture::Pasture> lane;
  lane.reset();
  polis::Actions<pasture::Pasture> actions{};
  for (int i = 0; i < pasture::Pasture::agents; ++i) actions[i] = 2;
  lane.step(actions);
  CHECK(lane.rewards[7] == doctest::Approx(.02f));
  CHECK(lane.env.grass == doctest::Approx(.2f).epsilon(.3));
  lane.step(actions);
  float eaten = 0;
  for (const float reward : lane.rewards) eaten += reward;
  CHECK(eaten < .26f);
  CHECK(lane.env.herds[7] != lane.env.herds[8]);
}

TEST_CASE("env/tutorial: who breaks the quota is out, the others go on") {
  Lane<Lake> lane;
  lane.reset();
  polis::Actions<Lake> actions{};
  actions.of(Fisher{}) = {{6, 1, 0}};
  actions.of(Warden{})[0] = {{.1f}};
  lane.step(actions);
  CHECK(lane.ends[0] == polis::End::none);
  lane.step(actions);
  CHECK(lane.ends[0] == polis::End::terminated);
  CHECK(lane.ends[1] == polis::End::none);
  CHECK(lane.episode == polis::End::none);
}

std::string read(const std::string& name) {
  std::ifstream file(std::string(POLIS_SOURCE_DIR) + "/" + name);
  REQUIRE_MESSAGE(file, name << " cannot be opened");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Without blanks at the start of lines: a block of the page stands further left than in its source.
std::string unindented(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    result += (start == std::string::npos ? "" : line.substr(start)) + "\n";
  }
  return result;
}

TEST_CASE("env/tutorial: every block of the page is code that was compiled") {
  const std::string page = read("docs/environment.md");
  const std::string sources =
      unindented(read("examples/own_environment.cpp") + read("tests/env/tutorial.cpp"));
  int blocks = 0;
  const std::string open = "```cpp\n", close = "```";
  for (std::size_t at = page.find(open); at != std::string::npos; at = page.find(open, at)) {
    at += open.size();
    const std::string block = unindented(page.substr(at, page.find(close, at) - at));
    CHECK_MESSAGE(sources.find(block) != std::string::npos, "not in the sources:\n" << block);
    ++blocks;
  }
  CHECK(blocks >= 8);
}

}  // namespace test_tutorial
