// The two-step game: what leads where, what it pays, and what is seen.
#include <doctest/doctest.h>

#include <vector>

#include <polis/envs/games/two_step_game.hpp>
#include <polis/space/enumerable.hpp>

#include "../env/lane.hpp"

namespace test_two_step_game {

using namespace polis;
using polis_test::Lane;

static_assert(DeviceEnvironment<TwoStepGame> && HasState<TwoStepGame> && StatesSuccess<TwoStepGame> &&
              HasMetrics<TwoStepGame>);
static_assert(!HasTurns<TwoStepGame> && !HasLegalActions<TwoStepGame>);
static_assert(TwoStepGame::rewards == RewardStructure::shared);
static_assert(EnumerableSpace<TwoStepGame::Observation> && element_count<TwoStepGame::Observation> == 6);

Actions<TwoStepGame> both(int first, int second) {
  Actions<TwoStepGame> actions{};
  actions[0] = first, actions[1] = second;
  return actions;
}

TEST_CASE("envs/two_step_game: the first agent chooses the game, and the second step pays its table") {
  const float payoffs[2][2][2] = {{{7, 7}, {7, 7}}, {{0, 1}, {1, 8}}};
  Lane<TwoStepGame> lane;
  double total = 0;
  for (int choices = 0; choices < 16; ++choices) {
    const int game = choices / 8, ignored = choices / 4 % 2, first = choices / 2 % 2, second = choices % 2;
    lane.reset();
    lane.step(both(game, ignored));
    REQUIRE(lane.episode == End::none);
    REQUIRE(lane.rewards == Array<float, 2>{});
    lane.step(both(first, second));
    REQUIRE(lane.episode == End::terminated);
    for (const float reward : lane.rewards) REQUIRE(reward == payoffs[game][first][second]);
    CHECK(lane.env.success() == (payoffs[game][first][second] == TwoStepGame::optimum ? 1.f : 0.f));
    total += static_cast<double>(lane.rewards[0]);
  }
  CHECK(total / 16 == static_cast<double>(TwoStepGame::random_return));
}

TEST_CASE("envs/two_step_game: each agent sees the state and who it is, and every sight has its number") {
  using Numbers = std::vector<float>;
  Lane<TwoStepGame> lane;
  for (int at = 0; at < 3; ++at) {
    lane.reset();
    if (at > 0) lane.step(both(at - 1, 0));
    Numbers state(3, 7.f);
    lane.env.state(Row{state.data()});
    Numbers expected(3, 0.f);
    expected[static_cast<std::size_t>(at)] = 1;
    CHECK(state == expected);
    for (int agent = 0; agent < 2; ++agent) {
      Numbers seen(5, 7.f), with_id = expected;
      lane.env.observe(agent, Row{seen.data()});
      with_id.push_back(agent == 0 ? 1.f : 0.f), with_id.push_back(agent == 1 ? 1.f : 0.f);
      CHECK(seen == with_id);
      CHECK(element_index<TwoStepGame::Observation>(In<float>{seen.data()}) == 2 * at + agent);
    }
  }
}

}  // namespace test_two_step_game
