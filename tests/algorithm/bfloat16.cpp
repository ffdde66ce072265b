// Learning with products of bfloat16: the same bits on any number of threads and after a resume, in every
// family of algorithms; other bits than float32's; and an agent that learns.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/algorithm/sac.hpp>
#include <polis/core/archive.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/nn/bfloat16.hpp>
#include <polis/nn/dueling.hpp>
#include <polis/train/trainer.hpp>

namespace test_bfloat16_learning {

using namespace polis;

template <template <class> class Rounding>
struct Sentences {
  using Ppo = Trainer<PPO::With<Rounding<Mlp<32, 32>>>, MultiAgentEnv<CartPole>>;
  using Dqn = Trainer<DQN::With<Dueling<Rounding<Mlp<32, 32>>>>, MultiAgentEnv<CartPole>>;
  using Sac = Trainer<SAC::With<Rounding<Mlp<32, 32>>>, MultiAgentEnv<Pendulum>>;
};
template <class Network>
using Unrounded = Network;
using Rounded = Sentences<Bfloat16>;
using Plain = Sentences<Unrounded>;

template <class T>
typename T::Config settings(int threads) {
  typename T::Config config{.seed = 9, .lanes = 100, .threads = threads};
  if constexpr (requires { config.algorithm.minibatch; }) {
    config.algorithm.steps = 20, config.algorithm.epochs = 2, config.algorithm.minibatch = 500;
  } else {
    config.algorithm.learning_starts = 100, config.algorithm.update_every = 100;
  }
  return config;
}

std::vector<std::byte> bytes(auto& trainer) {
  ArchiveWriter writer;
  trainer.archive(writer);
  return writer.take();
}
std::vector<std::byte> learnt(auto& trainer) {
  ArchiveWriter writer;
  writer(trainer.learner());
  return writer.take();
}

void go_on(auto& trainer, std::uint64_t steps) {
  while (trainer.clock().steps < steps) trainer.iterate();
}

template <class T>
std::vector<std::byte> trained(int threads) {
  T trainer(settings<T>(threads));
  go_on(trainer, 12'000);
  return learnt(trainer);
}

/// Half of it on one thread, the rest by another trainer on two.
template <class T>
std::vector<std::byte> resumed() {
  T first(settings<T>(1)), second(settings<T>(2));
  go_on(first, 6'000);
  const std::vector<std::byte> checkpoint = bytes(first);
  ArchiveReader reader(checkpoint);
  second.archive(reader);
  reader.finish();
  go_on(second, 12'000);
  return learnt(second);
}

}  // namespace test_bfloat16_learning

TEST_CASE("algorithm/bfloat16: on one thread and on three, and after a resume; not what float32 learns") {
  using namespace test_bfloat16_learning;
  const auto check = []<class T, class InFloat32>(T*, InFloat32*) {
    const auto one = trained<T>(1);
    CHECK(trained<T>(3) == one);
    CHECK(resumed<T>() == one);
    CHECK(trained<InFloat32>(1) != one);
  };
  check(static_cast<Rounded::Ppo*>(nullptr), static_cast<Plain::Ppo*>(nullptr));
  check(static_cast<Rounded::Dqn*>(nullptr), static_cast<Plain::Dqn*>(nullptr));
  check(static_cast<Rounded::Sac*>(nullptr), static_cast<Plain::Sac*>(nullptr));
}

TEST_CASE("algorithm/bfloat16: PPO learns to balance the pole" * doctest::test_suite("learning")) {
  using namespace polis;
  using Student = Trainer<PPO::With<Bfloat16<Mlp<64, 64>>>, MultiAgentEnv<CartPole>>;
  double sum = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Student::Config config{.seed = seed, .lanes = 64, .threads = 1};
    config.algorithm.steps = 32;
    config.algorithm.minibatch = 512;
    config.algorithm.optimizer.learning_rate = 1e-3f;
    config.algorithm.schedule.kind = ScheduleKind::linear;
    Student trainer(config);
    CHECK(trainer.evaluate(50, Play::sampled).mean < 40);  // about 22 by chance
    trainer.train(300'000);
    sum += trainer.evaluate(50).mean;
  }
  // Of 500. Of eight seeds two stay below 400, as they do with products in float32.
  CHECK(sum / 3 > 300);
}
