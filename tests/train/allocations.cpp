// No allocation in the steady state. This file replaces the program's operator new by one that counts
// (allocations.hpp).
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include <polis/algorithm/maddpg.hpp>
#include <polis/algorithm/mmd.hpp>
#include <polis/algorithm/nfsp.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/algorithm/self_play.hpp>
#include <polis/buffer/episodes.hpp>
#include <polis/env/tiled_env.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/envs/games/congestion.hpp>
#include <polis/envs/games/leduc_poker.hpp>
#include <polis/envs/games/two_step_game.hpp>
#include <polis/envs/particle/simple_spread.hpp>
#include <polis/nn/gru.hpp>
#include <polis/shaping/constrained.hpp>
#include <polis/shaping/cooperation_weights.hpp>
#include <polis/shaping/difference_reward.hpp>
#include <polis/shaping/potential_based.hpp>
#include <polis/train/suites/disturbance.hpp>
#include <polis/train/trainer.hpp>

#include "allocations.hpp"
#include "environments.hpp"

namespace test_allocations {

std::atomic<bool> counting{false};
std::atomic<long> allocations{0}, live_bytes{0};

// Before every block stands how long it is, in as much room as keeps the block aligned.
std::size_t room(std::size_t alignment) { return std::max(alignment, alignof(std::max_align_t)); }

void* allocate(std::size_t size, std::size_t alignment) {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t before = room(alignment), whole = (size + 2 * before - 1) / before * before;
  auto* const memory = static_cast<char*>(std::aligned_alloc(before, whole));
  if (!memory) throw std::bad_alloc();
  std::memcpy(memory, &size, sizeof size);
  live_bytes.fetch_add(static_cast<long>(size), std::memory_order_relaxed);
  return memory + before;
}

void release(void* block, std::size_t alignment) {
  if (!block) return;
  char* const memory = static_cast<char*>(block) - room(alignment);
  std::size_t size = 0;
  std::memcpy(&size, memory, sizeof size);
  live_bytes.fetch_sub(static_cast<long>(size), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace test_allocations

// NOLINTBEGIN(misc-new-delete-overloads): the array forms end in these
void* operator new(std::size_t size) { return test_allocations::allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return test_allocations::allocate(size, static_cast<std::size_t>(alignment));
}
// Under a sanitizer the nothrow form would not end in ours, and its memory be freed by another hand.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (...) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { test_allocations::release(memory, alignof(std::max_align_t)); }
void operator delete(void* memory, std::size_t) noexcept {
  test_allocations::release(memory, alignof(std::max_align_t));
}
void operator delete(void* memory, std::align_val_t alignment) noexcept {
  test_allocations::release(memory, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  test_allocations::release(memory, static_cast<std::size_t>(alignment));
}
// NOLINTEND(misc-new-delete-overloads)

namespace test_allocations {

using namespace polis;

struct HintedCartPole : CartPole {
  float potential() const { return 1; }
  void reward_components(int, auto&& visit) const { visit("standing", 1.f); }
};

template <class T>
long allocations_when_warm(const typename T::Config& config) {
  T trainer(config);
  for (int i = 0; i < 3; ++i) trainer.iterate();
  allocations = 0;
  counting = true;
  for (int i = 0; i < 5; ++i) trainer.iterate();
  counting = false;
  return allocations;
}

template <class Algorithm, class E, class... More>
long allocations_when_warm(int threads) {
  using T = Trainer<Algorithm, MultiAgentEnv<E>, More...>;
  typename T::Config config;
  config.lanes = 128, config.threads = threads;
  config.algorithm.steps = 16;
  config.algorithm.segment = 8;
  return allocations_when_warm<T>(config);
}

template <class Algorithm, class E>
long allocations_of_replay(int threads) {
  using T = Trainer<Algorithm, MultiAgentEnv<E>>;
  typename T::Config config;
  config.lanes = 64, config.threads = threads;
  config.algorithm.learning_starts = 0;
  config.algorithm.buffer.capacity = 400;  // rings wrap
  config.algorithm.batch = 130;
  config.algorithm.n_step = 2;
  return allocations_when_warm<T>(config);
}

template <class Algorithm, class E>
long allocations_of_episodes(int threads) {
  using T = Trainer<Algorithm, MultiAgentEnv<E>>;
  typename T::Config config;
  config.lanes = 8, config.threads = threads;
  config.algorithm.learning_starts = 0;
  config.algorithm.buffer.capacity = 64;  // rings wrap
  config.algorithm.buffer.longest = 10;   // longer ones are kept in parts
  config.algorithm.batch = 30, config.algorithm.update_every = 5;
  T trainer(config);
  const auto steps = static_cast<std::uint64_t>(E::agents * 8 * 200);
  while (trainer.clock().steps < steps) trainer.iterate();
  allocations = 0;
  counting = true;
  while (trainer.clock().steps < 2 * steps) trainer.iterate();
  counting = false;
  return allocations;
}

}  // namespace test_allocations

TEST_CASE("train/allocations: none when lanes are stepped by the register") {
  polis::TiledEnv<polis::LeducPoker> games(100, 7);
  polis::TiledEnv<polis::Pendulum> poles(100, 7);
  std::vector<float> actions(100), seen(3 * 112);
  test_allocations::allocations = 0;
  test_allocations::counting = true;
  games.reset(), poles.reset();
  for (int t = 0; t < 300; ++t) {
    games.step_at_random();
    poles.step(actions);
    poles.observe(0, {seen.data(), 112});
  }
  test_allocations::counting = false;
  CHECK(poles.stride() <= 112);
  CHECK(test_allocations::allocations == 0);
}

TEST_CASE("train/allocations: an allocation is seen") {
  test_allocations::allocations = 0;
  test_allocations::counting = true;
  delete new int(1);
  delete[] new double[3];
  polis::AlignedVector<float> values(5);
  test_allocations::counting = false;
  CHECK(test_allocations::allocations >= 1);  // a compiler may leave the first two out
}

TEST_CASE("train/allocations: none in the steady state of collecting and updating") {
  using namespace test_allocations;
  using Normalised = PPO::With<Mlp<16>, NormalizeObservations, ScaleRewards>;
  CHECK(allocations_when_warm<Normalised, CartPole>(1) == 0);
  CHECK(allocations_when_warm<Normalised, CartPole>(2) == 0);
  CHECK(allocations_when_warm<PPO::With<Gru<8>>, CartPole>(1) == 0);
  CHECK(allocations_when_warm<PPO::With<Mlp<16>, OpponentModel<4>>, TwoStepGame>(2) == 0);
  CHECK(allocations_when_warm<PPO::With<Mlp<16>>, polis_test::Race, Curriculum<Adaptive>>(2) == 0);
}

TEST_CASE("train/allocations: none in the steady state of shaped rewards") {
  using namespace test_allocations;
  CHECK(allocations_when_warm<PPO::With<Mlp<16>, PotentialBased>, HintedCartPole>(2) == 0);
  using Held = Trainer<PPO::With<Mlp<16>, Constrained>, MultiAgentEnv<HintedCartPole>>;
  Held::Config config{.lanes = 64, .threads = 2};
  config.algorithm.steps = 16;
  config.algorithm.shaping = {.component = "standing", .floor = 100};
  CHECK(allocations_when_warm<Held>(config) == 0);
  CHECK(allocations_of_replay<DQN::With<Mlp<16>, DifferenceReward>, Congestion<3, 2, 1>>(1) == 0);
  CHECK(allocations_of_replay<MASAC::With<Mlp<16>, CooperationWeights>, Congestion<3, 2, 1>>(2) == 0);
}

TEST_CASE("train/allocations: none in the steady state of self-play, but to keep a policy in the pool") {
  using namespace test_allocations;
  CHECK(allocations_when_warm<MMD::With<Mlp<16>>, LeducPoker>(2) == 0);
  CHECK(allocations_of_replay<NFSP::With<Mlp<16>>, LeducPoker>(2) == 0);
  using Pool = Trainer<SelfPlay<PPO::With<Mlp<16>>>, MultiAgentEnv<LeducPoker>>;
  Pool::Config config{.lanes = 64, .threads = 2};
  config.algorithm.learner.steps = 16;
  config.algorithm.pool = {.size = 2, .every = 1};
  CHECK(allocations_when_warm<Pool>(config) > 0);
  config.algorithm.pool.every = 3;  // at the third update, and not before the sixth
  Pool trainer(config);
  for (int i = 0; i < 3; ++i) trainer.iterate();
  allocations = 0;
  counting = true;
  for (int i = 0; i < 2; ++i) trainer.iterate();
  counting = false;
  CHECK(allocations == 0);
  CHECK(trainer.learner().past(0).games > 0);
}

TEST_CASE("train/allocations: none in the steady state of a replay and its updates") {
  using namespace test_allocations;
  CHECK(allocations_of_replay<DQN::With<NormalizeObservations>, CartPole>(1) == 0);
  CHECK(allocations_of_replay<DQN, CartPole>(2) == 0);
  CHECK(allocations_of_replay<QMIX, TwoStepGame>(2) == 0);
  CHECK(allocations_of_replay<TD3::With<Mlp<16>, OrnsteinUhlenbeck>, Pendulum>(1) == 0);
  CHECK(allocations_of_replay<SAC::With<Mlp<16>>, Pendulum>(2) == 0);
  using Hard = MADDPG::With<Mlp<16>, GumbelSoftmax, SampledActions>;
  CHECK(allocations_of_replay<Hard, TwoStepGame>(2) == 0);
  CHECK(allocations_of_replay<MASAC::With<Mlp<16>>, TwoStepGame>(1) == 0);
}

TEST_CASE("train/allocations: none in the steady state of whole episodes and their updates") {
  using namespace test_allocations;
  CHECK(allocations_of_episodes<QMIX::With<Episodes, Gru<8>>, TwoStepGame>(1) == 0);
  CHECK(allocations_of_episodes<QMIX::With<Episodes, Gru<8>>, TwoStepGame>(2) == 0);
  CHECK(allocations_of_episodes<DQN::With<Episodes, NormalizeObservations>, SimpleSpread<>>(1) == 0);
}

TEST_CASE("train/allocations: none in a step of agents that are disturbed") {
  using namespace test_allocations;
  using polis_test::Race;
  const Trainer<PPO::With<Gru<8>>, MultiAgentEnv<Race>> trainer;
  auto env = trainer.evaluation_lanes(64, {}, {});
  const ObservationNoise<Race> noise(.1f, 1);
  noise.attach(env);
  auto player = trainer.player(env.lanes());
  DelayedActions<Race, decltype(player)> late(std::move(player), 2, env.lanes(), 1);
  DroppedAgents<Race, decltype(late)> policy(std::move(late), 1, Replacement::random, env.lanes(), 1);
  std::vector<Actions<Race>> actions(64);
  env.reset();
  allocations = 0;
  for (int step = 0; step < 20; ++step) {
    LaneTile<Race> tile{&env, 0, env.lanes(), static_cast<std::uint64_t>(step), 0, actions.data()};
    counting = true;
    policy(tile);
    counting = false;
    for (int lane = 0; lane < env.lanes(); ++lane) {
      env.advance(lane, actions[static_cast<std::size_t>(lane)]);
      env.renew(lane, env.default_tasks());
    }
  }
  CHECK(allocations == 0);
}
