// step_tile against step: TiledEnv and MultiAgentEnv from one seed are the same bit for bit, lane by lane,
// over many episodes; and random play is uniform over what is legal.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/tiled_env.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/classic/mountain_car.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>

namespace test_tiled_env {

using namespace polis;

static_assert(StepsInTiles<CartPole> && StepsInTiles<Pendulum> && StepsInTiles<NormalizedPendulum>);
static_assert(StepsInTiles<KuhnPoker> && StepsInTiles<LeducPoker> && !StepsInTiles<MountainCar>);
static_assert(ObservesInTiles<CartPole> && ObservesInTiles<Pendulum> && !ObservesInTiles<KuhnPoker>);
static_assert(HasLegalActionsInTiles<LeducPoker> && !HasLegalActionsInTiles<KuhnPoker>);
static_assert(DeviceEnvironment<CartPole> && DeviceEnvironment<LeducPoker>);

/// Draws numbers of which every fourth or so has to be drawn again, in resets and in steps.
struct Redrawing {
  static constexpr int agents = 1, n = 3 << 29;  // 2^32 leaves a remainder of a quarter of itself
  using Observation = Box<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  float drawn = 0;
  int steps = 0;

  void reset(auto& ctx) {
    drawn = static_cast<float>(ctx.random.integer(n));
    steps = 0;
  }
  void step(const auto& actions, auto& ctx) {
    drawn = static_cast<float>(ctx.random.integer(n));
    ctx.reward(0) = ctx.random.uniform() + static_cast<float>(actions[0]);
    if (++steps == 5) ctx.terminate();
    if (drawn < 4e8f) ctx.truncate();
  }
  void observe(int, Row out) const { out[0] = drawn, out[1] = static_cast<float>(steps); }

  template <class T>
  struct Tile {
    T drawn, steps;
  };
  static constexpr void columns(auto& self, auto&& visit) { visit(self.drawn), visit(self.steps); }
  template <class T>
  static void reset_tile(Tile<T>& lanes, auto& ctx) {
    lanes.drawn = ctx.random.integer(n);
    lanes.steps = T(0.f);
  }
  template <class T>
  static void step_tile(Tile<T>& lanes, const auto& actions, auto& ctx) {
    lanes.drawn = ctx.random.integer(n);
    ctx.reward(0) = ctx.random.uniform() + actions[0][0];
    lanes.steps += T(1.f);
    ctx.terminate(lanes.steps == T(5.f));
    ctx.truncate(lanes.drawn < T(4e8f));
  }
};
static_assert(StepsInTiles<Redrawing>);

/// Changes `step`, and says so.
struct Slippery : CartPole {
  template <class T>
  struct Tile {};
  void step(const auto& actions, auto& ctx) {
    Actions<CartPole> other{};
    other[0] = 1 - actions[0];
    CartPole::step(other, ctx);
  }
};
static_assert(Environment<Slippery> && !StepsInTiles<Slippery>);

template <class E>
void set_word(Actions<E>& actions, int agent, int word, float value) {
  if constexpr (std::is_arithmetic_v<std::remove_reference_t<decltype(actions[agent])>>) {
    actions[agent] = static_cast<int>(value);
  } else {
    actions[agent][word] = value;
  }
}

template <class E>
std::vector<float> numbers(const E& env) {
  std::vector<float> all;
  E::columns(env, [&](const auto& value) { all.push_back(static_cast<float>(value)); });
  return all;
}

/// Both batches for `steps` steps of random play. Returns the episodes that ended.
template <class E>
int compare(int lanes, int steps, ConfigOf<E> config = {}) {
  constexpr int words = RoleOf<E, 0>::Action::words, seen = RoleOf<E, 0>::Observation::words;
  constexpr std::uint32_t offset = 1000;
  TiledEnv<E> tiled(lanes, 11, config, {}, offset);
  MultiAgentEnv<E> plain(lanes, 11, config, {}, offset);
  tiled.reset();
  plain.reset();
  std::vector<Actions<E>> actions(static_cast<std::size_t>(lanes));
  std::vector<float> observed(static_cast<std::size_t>(tiled.stride() * seen));
  int episodes = 0, different = 0;
  for (int t = 0; t < steps; ++t) {
    tiled.step_at_random();
    for (int lane = 0; lane < lanes; ++lane) {
      for (int agent = 0; agent < tiled.agents; ++agent) {
        for (int word = 0; word < words; ++word) {
          set_word<E>(actions[static_cast<std::size_t>(lane)], agent, word, tiled.action(lane, agent, word));
        }
      }
    }
    plain.step(actions);
    for (int agent = 0; agent < tiled.agents; ++agent) {
      tiled.observe(agent, {observed.data(), tiled.stride()});
      for (int lane = 0; lane < lanes; ++lane) {
        float row[seen];
        plain.observe(lane, agent, Row{row});
        for (int i = 0; i < seen; ++i)
          different += observed[static_cast<std::size_t>(i * tiled.stride() + lane)] != row[i];
        different += tiled.reward(lane, agent) != plain.reward(lane, agent);
        different += tiled.rewards(agent)[static_cast<std::size_t>(lane)] != plain.reward(lane, agent);
        different += tiled.end(lane) != plain.end(lane, agent);
        if (tiled.end(lane) == End::none) continue;
        internal::observe<0>(tiled.ended(lane), agent, Row{row}, plain.view(lane));
        for (int i = 0; i < seen; ++i) {
          different += row[i] != plain.final_observation(lane, agent)[static_cast<std::size_t>(i)];
        }
      }
    }
    for (int lane = 0; lane < lanes; ++lane) {
      different += numbers(tiled.lane(lane)) != numbers(plain.lane(lane));
      episodes += tiled.end(lane) != End::none;
    }
    if (different > 0) MESSAGE("first difference at step " << t);
    REQUIRE(different == 0);
  }
  return episodes;
}

TEST_CASE("env/tiled_env: what is stepped in registers is what is stepped lane by lane") {
  CHECK(compare<CartPole>(37, 3000) > 3000);
  CHECK(compare<CartPole>(16, 300, {.max_steps = 7}) == 16 * (300 / 7));
  CHECK(compare<Pendulum>(19, 1000) == 19 * 5);
  CHECK(compare<NormalizedPendulum>(16, 400, {.max_steps = 50}) == 16 * 8);
  CHECK(compare<KuhnPoker>(50, 1000) > 15'000);
  CHECK(compare<LeducPoker>(50, 1000) > 10'000);
  CHECK(compare<Redrawing>(40, 500) > 4000);
}

TEST_CASE(
    "env/tiled_env: given actions do what they do lane by lane, and wrong numbers of them are refused") {
  constexpr int lanes = 21;
  TiledEnv<LeducPoker> tiled(lanes, 5);
  MultiAgentEnv<LeducPoker> plain(lanes, 5);
  tiled.reset();
  plain.reset();
  Random random(1, 0, 0, 0, Purpose::test);
  std::vector<float> words(2 * lanes);
  std::vector<Actions<LeducPoker>> actions(lanes);
  for (int t = 0; t < 500; ++t) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      for (std::size_t agent = 0; agent < 2; ++agent) {
        const int action = random.integer(3);  // legal or not
        words[agent * lanes + lane] = static_cast<float>(action);
        actions[lane][static_cast<int>(agent)] = action;
      }
    }
    tiled.step(words);
    plain.step(actions);
    for (int lane = 0; lane < lanes; ++lane) {
      CHECK(numbers(tiled.lane(lane)) == numbers(plain.lane(lane)));
      CHECK(tiled.reward(lane, 1) == plain.reward(lane, 1));
    }
  }
  words.pop_back();
  CHECK_THROWS_AS(tiled.step(words), Error);
  CHECK_THROWS_AS((TiledEnv<LeducPoker>(0, 1)), Error);
}

TEST_CASE("env/tiled_env: random actions are uniform, and uniform over the legal ones") {
  TiledEnv<LeducPoker> games(500, 3);
  games.reset();
  int counts[4][3] = {}, illegal = 0;  // by the flags of fold and raise
  for (int t = 0; t < 400; ++t) {
    std::vector<LeducPoker> before;
    for (int lane = 0; lane < games.lanes(); ++lane) before.push_back(games.lane(lane));
    games.step_at_random();
    for (int lane = 0; lane < games.lanes(); ++lane) {
      for (int agent = 0; agent < 2; ++agent) {
        float flags[3] = {1, 1, 1};
        before[static_cast<std::size_t>(lane)].legal(agent, Row{flags});
        const int action = static_cast<int>(games.action(lane, agent));
        illegal += flags[action] == 0;
        ++counts[(flags[0] > 0 ? 1 : 0) + (flags[2] > 0 ? 2 : 0)][action];
      }
    }
  }
  CHECK(illegal == 0);
  for (int of = 1; of < 4; ++of) {  // with a fold, with a raise, with both; one at least is allowed
    const int choices = of == 3 ? 3 : 2, total = counts[of][0] + counts[of][1] + counts[of][2];
    CHECK(total > 20'000);
    const double expected = static_cast<double>(total) / choices;
    double chi_square = 0;
    for (int i = 0; i < 3; ++i) {
      if (i == 0 && of == 2) continue;
      if (i == 2 && of == 1) continue;
      chi_square += (counts[of][i] - expected) * (counts[of][i] - expected) / expected;
    }
    CHECK(chi_square < 13.8);  // 2 degrees of freedom, 1 in 1000
  }

  // Of two actions: by the step of 16 that share a block, and pairs of steps near each other.
  TiledEnv<CartPole> carts(1000, 3);
  carts.reset();
  std::vector<std::vector<int>> pushes;
  for (int t = 0; t < 320; ++t) {
    carts.step_at_random();
    pushes.emplace_back();
    for (int lane = 0; lane < 1000; ++lane) pushes.back().push_back(static_cast<int>(carts.action(lane, 0)));
  }
  for (std::size_t place = 0; place < 16; ++place) {
    int right = 0;
    for (std::size_t t = place; t < 320; t += 16) {
      for (const int push : pushes[t]) right += push;
    }
    CHECK(std::abs(right - 10'000) < 4 * 71);  // 20,000 of each: a deviation of 71
  }
  for (std::size_t apart = 1; apart <= 16; ++apart) {
    int alike = 0;
    for (std::size_t t = 0; t + apart < 320; ++t) {
      for (std::size_t lane = 0; lane < 1000; ++lane) alike += pushes[t][lane] == pushes[t + apart][lane];
    }
    const double n = static_cast<double>(320 - apart) * 1000;
    CHECK(std::abs(alike - n / 2) < 4 * std::sqrt(n) / 2);
  }

  TiledEnv<Pendulum> poles(1000, 3);
  poles.reset();
  double sum = 0, squares = 0, products = 0;  // of the torque, and of a lane's torque with its next one
  std::vector<double> last(1000);
  for (int t = 0; t < 200; ++t) {
    poles.step_at_random();
    for (int lane = 0; lane < 1000; ++lane) {
      const auto torque = static_cast<double>(poles.action(lane, 0));
      CHECK(std::abs(torque) <= 2);
      sum += torque, squares += torque * torque;
      products += torque * last[static_cast<std::size_t>(lane)];
      last[static_cast<std::size_t>(lane)] = torque;
    }
  }
  const double n = 200'000, deviation = 2 / std::sqrt(3.);
  CHECK(std::abs(sum / n) < 4 * deviation / std::sqrt(n));
  CHECK(std::abs(squares / n - 4. / 3) < 4 * std::sqrt(16. / 5 - 16. / 9) / std::sqrt(n));
  CHECK(std::abs(products / n) < 4 * (4. / 3) / std::sqrt(n));
}

TEST_CASE(
    "env/tiled_env: two batches are one of twice the lanes, and a batch goes on from where it was saved") {
  TiledEnv<CartPole> whole(48, 9), first(32, 9), second(16, 9, {}, {}, 32);
  for (auto* lanes : {&whole, &first, &second}) lanes->reset();
  for (int t = 0; t < 101; ++t) {
    for (auto* lanes : {&whole, &first, &second}) lanes->step_at_random();
  }
  for (int lane = 0; lane < 48; ++lane) {
    CHECK(numbers(whole.lane(lane)) == numbers(lane < 32 ? first.lane(lane) : second.lane(lane - 32)));
  }

  ArchiveWriter out;
  whole.archive(out);
  TiledEnv<CartPole> restored(48, 9), other(32, 9);
  ArchiveReader in(out.bytes());
  restored.archive(in);
  for (int t = 0; t < 50; ++t) whole.step_at_random(), restored.step_at_random();
  for (int lane = 0; lane < 48; ++lane) CHECK(numbers(whole.lane(lane)) == numbers(restored.lane(lane)));
  ArchiveReader again(out.bytes());
  CHECK_THROWS_AS(other.archive(again), Error);
}

}  // namespace test_tiled_env
