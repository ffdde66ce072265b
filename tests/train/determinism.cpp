// The same seed gives the same bits: whatever the number of threads, after stop and resume, and however lanes
// are cut into tiles.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/lane_tiles.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_determinism {

using namespace polis;
using polis_test::Race;

using Forward = Trainer<PPO::With<Mlp<16>, NormalizeObservations, ScaleRewards>, MultiAgentEnv<Race>,
                        Curriculum<Adaptive>>;
using Recurrent = Trainer<PPO::With<Gru<8>, NormalizeObservations>, MultiAgentEnv<Race>, Curriculum<Staged>>;

template <class T>
typename T::Config settings(std::uint64_t seed, int threads) {
  typename T::Config config;
  config.seed = seed, config.lanes = 150, config.threads = threads;  // the last tile is not full
  config.algorithm.steps = 11;
  config.algorithm.segment = 4;
  config.algorithm.minibatch = 512;
  if constexpr (requires { config.curriculum.cooldown; }) {
    config.curriculum = {
        .window = 20, .advance_at = .3f, .regress_at = .1f, .advance_windows = 1, .cooldown = 10};
  }
  return config;
}

/// All that training has changed: weights, moments, statistics, carries, lanes.
template <class T>
std::vector<std::byte> bytes(T& trainer) {
  ArchiveWriter writer;
  writer(trainer.learner());
  trainer.lanes().archive(writer);
  return writer.take();
}

template <class T>
std::vector<std::byte> trained(std::uint64_t seed, int threads, int updates = 8) {
  T trainer(settings<T>(seed, threads));
  for (int i = 0; i < updates; ++i) trainer.iterate();
  return bytes(trainer);
}

template <class T>
void check() {
  const auto one = trained<T>(1, 1);
  CHECK(trained<T>(1, 1) == one);
  CHECK(trained<T>(1, 2) == one);
  CHECK(trained<T>(1, 3) == one);
  CHECK(trained<T>(1, 8) == one);  // more threads than tiles of rows: each is cut up
  CHECK(trained<T>(2, 1) != one);
  CHECK(trained<T>(1, 1, 7) != one);

  T whole(settings<T>(1, 1)), first(settings<T>(1, 1)), second(settings<T>(1, 8));
  for (int i = 0; i < 8; ++i) whole.iterate();
  CHECK(bytes(whole) == one);
  // One of the two decides at each step: each observation counts once, that of a pending decision too.
  CHECK(whole.learner().agents().front().observation_state().moments().count() == 150 * 11 * 8);
  (void)whole.evaluate(10);
  CHECK(bytes(whole) == one);  // an evaluation leaves weights, statistics and lanes alone
  for (int i = 0; i < 4; ++i) first.iterate();
  CHECK(first.curriculum().stage() > 0);
  ArchiveWriter writer;
  first.archive(writer);
  ArchiveReader reader(writer.bytes());
  second.archive(reader);
  reader.finish();
  CHECK(bytes(second) == bytes(first));
  for (int i = 0; i < 4; ++i) second.iterate();
  CHECK(bytes(second) == one);
  CHECK(second.curriculum().stage() == whole.curriculum().stage());
  CHECK(second.episodes().count() == whole.episodes().count());
  CHECK(second.episodes().mean_return() == whole.episodes().mean_return());
}

/// Trains without a trainer, in tiles of so many lanes.
std::vector<std::byte> trained_in_tiles(int tile_lanes) {
  const auto config = settings<Forward>(1, 1);
  MultiAgentEnv<Race> env(config.lanes, config.seed);
  Forward::Learner learner(config.algorithm, config.seed);
  learner.prepare(env, 1);
  env.reset();
  ThreadPool pool(1);
  Clock clock;
  std::vector<Actions<Race>> actions(static_cast<std::size_t>(tile_lanes));
  for (int update = 0; update < 4; ++update) {
    for (int first = 0; first < config.lanes; first += tile_lanes) {
      LaneTile<Race> tile{&env, first,         std::min(tile_lanes, config.lanes - first), clock.batch_steps,
                          0,    actions.data()};
      for (int t = 0; t < learner.interval(); ++t, ++tile.step) {
        learner.act(tile);
        for (int i = 0; i < tile.lanes; ++i) env.advance(first + i, actions[static_cast<std::size_t>(i)]);
        learner.record(tile);
        for (int i = 0; i < tile.lanes; ++i) env.renew(first + i, env.default_tasks());
      }
    }
    clock.batch_steps += static_cast<std::uint64_t>(learner.interval());
    pool.region([&](Region& region) {
      Services services{region, clock};
      learner.update(services);
    });
  }
  ArchiveWriter writer;
  writer(learner);
  return writer.take();
}

}  // namespace test_determinism

TEST_CASE("train/determinism: feed-forward, turns, curriculum and normalisation") {
  test_determinism::check<test_determinism::Forward>();
}

TEST_CASE("train/determinism: recurrent, carries in the middle of episodes") {
  test_determinism::check<test_determinism::Recurrent>();
}

TEST_CASE("train/determinism: tiles hold every lane once, and their episodes count in one order") {
  using polis::internal::LaneTiles;
  using Ended = std::pair<std::uint32_t, std::uint32_t>;  // step and lane
  for (const int lanes : {1, 4, 16, 64, 70, 150}) {
    std::vector<Ended> alone;
    for (const int threads : {1, 2, 3, 8, 40}) {
      LaneTiles<polis_test::Race> tiles(lanes, std::min(32, lanes), threads);
      std::vector<int> held(static_cast<std::size_t>(lanes), 0);
      int busy = 0;
      for (int i = 0; i < tiles.count(); ++i) {
        auto& tile = tiles[i];
        CHECK(tile.lanes <= tiles.lanes());
        busy += tile.lanes > 0 ? 1 : 0;
        for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane)
          ++held[static_cast<std::size_t>(lane)];
        tile.episodes =
            polis::FixedArray<polis::internal::EndedEpisode>(static_cast<std::size_t>(tile.lanes * 5));
        for (std::uint32_t step = 0; step < 5; ++step) {
          for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
            if ((step + static_cast<std::uint32_t>(lane)) % 3 == 0) continue;  // goes on
            auto& episode = tile.episodes[tile.ended++];
            episode.step = step, episode.lane = static_cast<std::uint32_t>(lane);
          }
        }
      }
      CHECK(held == std::vector<int>(static_cast<std::size_t>(lanes), 1));
      CHECK(busy >= std::min(threads, lanes / 16));
      std::vector<Ended> order;
      tiles.take_episodes([&](const auto& episode) { order.emplace_back(episode.step, episode.lane); });
      if (threads == 1) alone = order;
      CHECK(order == alone);
      tiles.take_episodes([&](const auto&) { FAIL("an episode counts twice"); });
    }
    REQUIRE(!alone.empty());
    for (std::size_t i = 1; i < alone.size(); ++i) {
      const auto group = [](const Ended& ended) { return ended.second / 32; };
      CHECK((group(alone[i - 1]) < group(alone[i]) || alone[i - 1] < alone[i]));
    }
  }
}

TEST_CASE("train/determinism: results do not depend on the shape of tiles") {
  const auto whole = test_determinism::trained_in_tiles(150);
  CHECK(test_determinism::trained_in_tiles(32) == whole);
  CHECK(test_determinism::trained_in_tiles(7) == whole);
}
