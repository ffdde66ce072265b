// Levels: episodes of one begin alike, and a curriculum of levels is reproducible.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/curriculum/prioritized_levels.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/train/trainer.hpp>

namespace test_levels {

using namespace polis;
using Student = Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<CartPole>, Curriculum<PrioritizedLevels>>;

Student::Config settings(int threads) {
  Student::Config config{.seed = 5, .lanes = 70, .threads = threads};  // the last tile is not full
  config.algorithm.steps = 16;
  config.curriculum = {.levels = 16, .replay = .7f};
  return config;
}

std::vector<std::byte> bytes(Student& trainer) {
  ArchiveWriter writer;
  writer(trainer.learner(), const_cast<PrioritizedLevels::State&>(trainer.curriculum()));
  trainer.lanes().archive(writer);
  return writer.take();
}

}  // namespace test_levels

TEST_CASE("train/levels: episodes of one level begin alike, those of none as their lanes say") {
  using namespace test_levels;
  MultiAgentEnv<CartPole> env(6, 3);
  std::uint32_t next = 0;
  env.reset([&](Random&) { return Assignment<CartPole>{.level = next++ / 2}; });  // 0, 0, 1, 1, 2, 2
  const auto seen = [&](int lane) {
    std::vector<float> values(4);
    env.lane(lane).observe(0, Row{values.data(), 1});
    return values;
  };
  CHECK(seen(0) != seen(1));
  CHECK(seen(2) == seen(3));
  CHECK(seen(4) == seen(5));
  CHECK(seen(2) != seen(4));
}

TEST_CASE("train/levels: some are replayed, on any number of threads and after a resume alike") {
  using namespace test_levels;
  Student one(settings(1)), three(settings(3)), resumed(settings(2));
  for (int i = 0; i < 20; ++i) one.iterate(), three.iterate();
  CHECK(bytes(one) == bytes(three));
  CHECK(one.curriculum().kept() == 16);

  ArchiveWriter writer;
  one.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.archive(reader);
  reader.finish();
  for (int i = 0; i < 10; ++i) one.iterate(), resumed.iterate();
  CHECK(bytes(one) == bytes(resumed));
}
