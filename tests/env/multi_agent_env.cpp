// The batch of lanes: automatic reset, what is known of episodes, random streams, saving.
#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/env/multi_agent_env.hpp>

namespace test_multi_agent_env {

using namespace polis;

/// Two agents count up from a random start; the first is out after the action 1; truncated after `length`
/// steps.
struct Counter {
  struct Task {
    int length = 3;
  };
  static constexpr int agents = 2;
  using Observation = Box<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  float start = 0, noise = 0;
  int count = 0;

  void reset(auto& ctx) { start = ctx.random.uniform(), noise = 0, count = 0; }
  void step(const auto& actions, auto& ctx) {
    ++count;
    noise = ctx.random.uniform();
    ctx.reward(0) = 1, ctx.reward(1) = 10;
    if (actions[0] == 1) ctx.terminate(0);
    if (actions[1] == 1) ctx.terminate(1);
    if (count == ctx.task().length) ctx.truncate();
  }
  void observe(int agent, Row out) const {
    out[0] = start + static_cast<float>(count), out[1] = static_cast<float>(agent);
  }
  float success() const { return count >= 3 ? 1.f : 0.f; }
};

using Counters = MultiAgentEnv<Counter>;
using Joint = Actions<Counter>;

Joint joint(int first, int second) {
  Joint actions{};
  actions[0] = first, actions[1] = second;
  return actions;
}

}  // namespace test_multi_agent_env

TEST_CASE("env/multi_agent_env: automatic reset keeps the final observation") {
  using namespace test_multi_agent_env;
  Counters env(2, 1);
  env.reset();
  const float start = env.lane(0).start;
  const std::vector<Joint> stay(2);
  for (int t = 0; t < 3; ++t) env.step(stay);
  CHECK(env.final_observation(0, 1)[0] == start + 3);
  CHECK(env.final_observation(0, 1)[1] == 1.f);
  CHECK(env.end(0, 0) == End::truncated);
  CHECK(env.reward(0, 1) == 10.f);
  CHECK(env.lane(0).count == 0);  // the next episode
  CHECK(env.lane(0).start != start);
  CHECK(!env.over(0));
  CHECK_THROWS_WITH_AS(env.step(std::vector<Joint>(3)), doctest::Contains("2, one a lane"), Error);
  CHECK_THROWS_WITH_AS(Counters(0, 1), doctest::Contains("lanes = 0"), Error);
}

TEST_CASE("env/multi_agent_env: episodes are counted, the dead neither earn nor decide") {
  using namespace test_multi_agent_env;
  Counters env(1, 1);
  env.reset([](Random&) { return Assignment<Counter>{.task = {5}, .stage = 2, .replayed = true}; });
  env.advance(0, joint(0, 0));
  env.advance(0, joint(1, 0));
  CHECK(env.end(0, 0) == End::terminated);
  CHECK(env.end(0, 1) == End::none);
  CHECK(env.reward(0, 0) == 1.f);  // of the step in which it died
  CHECK(!env.deciding(0, 0));
  CHECK(env.deciding(0, 1));
  CHECK(!env.over(0));
  env.advance(0, joint(0, 0));
  CHECK(env.reward(0, 0) == 0.f);
  CHECK(env.end(0, 0) == End::none);  // it has ended once
  env.advance(0, joint(0, 0));
  env.advance(0, joint(0, 0));
  REQUIRE(env.over(0));
  CHECK(env.end(0, 1) == End::truncated);
  CHECK(env.end(0, 0) == End::none);
  const Episode episode = env.episode(0);
  CHECK(episode.length == 5);
  CHECK(episode.total == doctest::Approx((2 * 1 + 5 * 10) / 2.));
  CHECK(episode.success == 1.f);
  CHECK(episode.stage == 2);
  CHECK(episode.replayed);
  CHECK(episode.end == End::truncated);
  env.renew(0, env.default_tasks());
  CHECK(env.deciding(0, 0));
  CHECK(env.episode(0).length == 0);
  CHECK(env.steps(0) == 5);
}

TEST_CASE("env/multi_agent_env: an episode is over when its last agent is out") {
  using namespace test_multi_agent_env;
  Counters env(1, 1);
  env.reset();
  env.advance(0, joint(1, 0));
  CHECK(!env.over(0));
  env.advance(0, joint(0, 1));
  CHECK(env.over(0));
  CHECK(env.episode(0).end == End::terminated);
  CHECK(env.episode(0).success == 0.f);
}

TEST_CASE("env/multi_agent_env: streams differ by lane, step, seed and offset, and are the same again") {
  using namespace test_multi_agent_env;
  const auto starts = [](std::uint64_t seed, std::uint32_t offset) {
    Counters env(50, seed, {}, {}, offset);
    env.reset();
    std::vector<float> values;
    for (int lane = 0; lane < 50; ++lane) {
      values.push_back(env.lane(lane).start);
      for (int t = 0; t < 2; ++t) {
        env.advance(lane, joint(0, 0));
        values.push_back(env.lane(lane).noise);
      }
    }
    return values;
  };
  const auto values = starts(1, 0);
  CHECK(std::set<float>(values.begin(), values.end()).size() == 150);
  CHECK(starts(1, 0) == values);
  CHECK(starts(2, 0) != values);
  // Lane 10 of one batch is lane 0 of the batch that begins there.
  const auto shifted = starts(1, 10);
  CHECK(std::vector<float>(shifted.begin(), shifted.begin() + 120) ==
        std::vector<float>(values.begin() + 30, values.end()));
}

TEST_CASE("env/multi_agent_env: a saved batch goes on alike; one of another size is refused") {
  using namespace test_multi_agent_env;
  Counters env(3, 4), other(3, 4), smaller(2, 4);
  env.reset();
  env.advance(1, joint(1, 0));
  ArchiveWriter writer;
  env.archive(writer);
  ArchiveReader reader(writer.bytes());
  other.archive(reader);
  reader.finish();
  CHECK(!other.deciding(1, 0));
  CHECK(other.episode(1).total == env.episode(1).total);
  const std::vector<Joint> stay(3);
  for (int t = 0; t < 7; ++t) env.step(stay), other.step(stay);
  for (int lane = 0; lane < 3; ++lane) CHECK(other.lane(lane).start == env.lane(lane).start);
  ArchiveReader again(writer.bytes());
  CHECK_THROWS_WITH_AS(smaller.archive(again), doctest::Contains("2 elements"), Error);
}

TEST_CASE(
    "env/multi_agent_env: lanes that begin alike have the episodes of their group, whatever their lengths") {
  using namespace test_multi_agent_env;
  constexpr int lanes = 6, episodes = 4;
  MultiAgentEnv<Counter> env(lanes, 11);
  env.begin_alike(3);
  CHECK(env.group() == 3);
  std::set<float> all;
  for (int round = 0; round < 2; ++round) {
    env.reset();
    std::vector<std::vector<float>> starts(lanes);
    for (int lane = 0; lane < lanes; ++lane)
      starts[static_cast<std::size_t>(lane)].push_back(env.lane(lane).start);
    std::set<float> noise;
    for (int step = 0; step < 3 * episodes; ++step) {
      for (int lane = 0; lane < lanes; ++lane) {
        Actions<Counter> actions{};
        if (lane % 3 == 1) actions[0] = actions[1] = 1;  // ends its episodes early
        env.advance(lane, actions);
        noise.insert(env.lane(lane).noise);
        if (!env.over(lane)) continue;
        env.renew(lane, env.default_tasks());
        starts[static_cast<std::size_t>(lane)].push_back(env.lane(lane).start);
      }
    }
    CHECK(noise.size() == lanes * 3 * episodes);  // steps are each lane's own
    for (int group = 0; group < 2; ++group) {
      for (std::size_t k = 0; k < episodes; ++k) {
        const float start = starts[static_cast<std::size_t>(3 * group)][k];
        CHECK(starts[static_cast<std::size_t>(3 * group + 1)][k] == start);
        CHECK(starts[static_cast<std::size_t>(3 * group + 2)][k] == start);
        all.insert(start);
      }
    }
  }
  CHECK(all.size() == 2 * 2 * episodes);  // groups, episodes and rounds differ
}
