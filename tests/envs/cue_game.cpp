// The cue game: rewards, what is seen when, and that its values are what its header says.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/envs/games/cue_game.hpp>

#include "../env/lane.hpp"

namespace test_cue_game {

using namespace polis;
using polis_test::Lane;

static_assert(DeviceEnvironment<CueGame> && HasState<CueGame> && StatesSuccess<CueGame> &&
              HasMetrics<CueGame>);
static_assert(!HasTurns<CueGame> && !HasLegalActions<CueGame>);
static_assert(CueGame::rewards == RewardStructure::shared && fields_complete<CueGame::Config>());

std::vector<float> seen(const CueGame& game, int agent) {
  std::vector<float> numbers(CueGame::Observation::words, 7.f);
  game.observe(agent, Row{numbers.data()});
  return numbers;
}
std::vector<float> state(const CueGame& game) {
  std::vector<float> numbers(CueGame::State::words, 7.f);
  game.state(Row{numbers.data()});
  return numbers;
}

/// Plays one episode, actions[step][agent], and returns what each step paid.
std::vector<float> play(Lane<CueGame>& lane, const std::vector<std::vector<int>>& choices) {
  std::vector<float> rewards;
  for (const std::vector<int>& both : choices) {
    Actions<CueGame> actions{};
    for (int i = 0; i < 2; ++i) actions[i] = both[static_cast<std::size_t>(i)];
    lane.step(actions);
    REQUIRE(lane.rewards[0] == lane.rewards[1]);
    rewards.push_back(lane.rewards[0]);
    REQUIRE(lane.episode == (rewards.size() == 3 ? End::terminated : End::none));
  }
  return rewards;
}

TEST_CASE("envs/cue_game: the answer and the weather are paid at the end, agreements at once") {
  using Rewards = std::vector<float>;
  Lane<CueGame> lane;
  lane.config.weather = 2.5f;
  for (const float cue : {-1.f, 1.f}) {
    const int right = cue > 0 ? 1 : 0;
    const auto episode = [&](int answer, std::vector<int> second, std::vector<int> third) {
      lane.reset();
      lane.env.cue = cue;
      return play(lane, {{answer, 1 - answer}, second, third});
    };
    CHECK(episode(right, {0, 0}, {1, 1}) == Rewards{0, 1, 2 + 2.5f * cue});
    CHECK(lane.env.success() == 1.f);
    CHECK(episode(right, {0, 1}, {1, 0}) == Rewards{0, 0, 1 + 2.5f * cue});
    CHECK(lane.env.success() == doctest::Approx(1. / 3));
    CHECK(episode(1 - right, {1, 1}, {0, 1}) == Rewards{0, 1, 2.5f * cue});
    CHECK(lane.env.success() == doctest::Approx(1. / 3));
    CHECK(episode(1 - right, {1, 0}, {0, 1}) == Rewards{0, 0, 2.5f * cue});
    CHECK(lane.env.success() == 0.f);
  }
}

TEST_CASE("envs/cue_game: agent 0 sees the cue at the first step alone, the state holds it throughout") {
  Lane<CueGame> lane;
  lane.reset();
  lane.env.cue = -1;
  using Numbers = std::vector<float>;
  CHECK(seen(lane.env, 0) == Numbers{-1, 1, 0, 0});
  CHECK(seen(lane.env, 1) == Numbers{0, 1, 0, 0});
  CHECK(state(lane.env) == Numbers{-1, 0, 1, 0, 0});
  lane.step({});  // action 0 answers -1
  for (int agent = 0; agent < 2; ++agent) CHECK(seen(lane.env, agent) == Numbers{0, 0, 1, 0});
  CHECK(state(lane.env) == Numbers{-1, 1, 0, 1, 0});
  lane.step({});
  for (int agent = 0; agent < 2; ++agent) CHECK(seen(lane.env, agent) == Numbers{0, 0, 0, 1});
  CHECK(state(lane.env) == Numbers{-1, 1, 0, 0, 1});
}

TEST_CASE("envs/cue_game: cues are even, and random play earns half of the optimum") {
  constexpr int episodes = 20'000;
  Lane<CueGame> lane;
  double cues = 0, points = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    lane.reset();
    cues += static_cast<double>(lane.env.cue) / episodes;
    Random choice(3, static_cast<std::uint64_t>(episode), 0, 0, Purpose::test);
    double total = 0;
    while (lane.env.steps < 3) {
      Actions<CueGame> actions{};
      for (int i = 0; i < 2; ++i) actions[i] = choice.integer(2);
      lane.step(actions);
      total += static_cast<double>(lane.rewards[0]);
    }
    points += (total - 4. * static_cast<double>(lane.env.cue)) / episodes;
  }
  CHECK(std::abs(cues) < 4.5 / std::sqrt(double{episodes}));
  CHECK(std::abs(points - static_cast<double>(CueGame::random_return)) <
        4.5 * std::sqrt(.75 / double{episodes}));
}

}  // namespace test_cue_game
