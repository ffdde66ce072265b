// What a trainer keeps in memory: the bytes of a lane, an agent, a step, a transition and an episode are
// those that docs/measured.md states, and they do not become more as training goes on.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>

#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/mappo.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/algorithm/sac.hpp>
#include <polis/buffer/episodes.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

#include "allocations.hpp"

namespace test_memory {

using namespace polis;
using test_allocations::live_bytes;

/// So many agents with a state; episodes of five steps.
template <int Agents>
struct Crowd {
  static constexpr int agents = Agents;
  using Observation = Box<6>;
  using State = Box<10>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int steps = 0;

  void reset(auto&) { steps = 0; }
  void step(const auto&, auto& ctx) {
    for (int i = 0; i < Agents; ++i) ctx.reward(i) = 1;
    if (++steps == 5) ctx.truncate();
  }
  void observe(int, Row out) const {
    for (int i = 0; i < 6; ++i) out[i] = static_cast<float>(steps);
  }
  void state(Row out) const {
    for (int i = 0; i < 10; ++i) out[i] = static_cast<float>(steps);
  }
};

/// The same with legal actions.
template <int Agents>
struct Ruled : Crowd<Agents> {
  void legal(int, Row out) const { out[0] = 1; }
};

/// Bytes that a trainer of these settings keeps once it has collected and learnt a few times.
template <class T>
double held(const typename T::Config& config) {
  const long before = live_bytes;
  T trainer(config);
  for (int i = 0; i < 4; ++i) trainer.iterate();
  return static_cast<double>(live_bytes - before);
}

template <class T>
double on_policy(int lanes, int steps) {
  typename T::Config config;
  config.lanes = lanes, config.threads = 1;
  config.algorithm.steps = steps, config.algorithm.epochs = 1;
  return held<T>(config);
}

constexpr double float_bytes = sizeof(float), episode_bytes = 48;
static_assert(sizeof(internal::EndedEpisode) == 48);

/// docs/measured.md, "What a trainer keeps in memory": of a step of a lane, and of a lane itself. Lanes come
/// in tiles of up to 64 agents, here whole ones.
template <class E, bool central>
double bytes_of_step() {
  int state = 0, mask = 0;
  if constexpr (central) state = E::State::words;
  if constexpr (HasLegalActions<E>) mask = E::Action::features;
  const int words = E::Observation::words + state + E::Action::words + mask;
  return episode_bytes + E::agents * (float_bytes * words + 35);
}
/// The environment's own record, whole cache lines.
template <class E>
double bytes_of_record() {
  const std::size_t bytes = sizeof(E) + 56 + 7 * static_cast<std::size_t>(E::agents);
  return static_cast<double>((bytes + cache_line - 1) / cache_line * cache_line);
}
template <class E, bool central>
double bytes_of_lane() {
  int state = 0;
  if constexpr (central) state = E::State::words;
  return bytes_of_record<E>() + E::agents * (float_bytes * (E::Observation::words + state) + 22);
}

template <class Algorithm, class E, bool central>
void check_on_policy() {
  using T = Trainer<Algorithm, MultiAgentEnv<E>>;
  const double few = on_policy<T>(64, 64), longer = on_policy<T>(64, 128), wider = on_policy<T>(128, 64);
  const double step = (longer - few) / (64 * 64), lane = (wider - few) / 64 - 64 * step;
  CAPTURE(T::name());
  CHECK(step == bytes_of_step<E, central>());
  CHECK(lane == doctest::Approx(bytes_of_lane<E, central>()).epsilon(.05));
}

template <class T>
double replaying(int lanes, int capacity) {
  typename T::Config config;
  config.lanes = lanes, config.threads = 1;
  config.algorithm.buffer.capacity = capacity;
  config.algorithm.update_every = lanes, config.algorithm.learning_starts = 128, config.algorithm.batch = 32;
  return held<T>(config);
}

template <class Algorithm, class E>
void check_replay() {
  using T = Trainer<Algorithm, MultiAgentEnv<E>>;
  const double small = replaying<T>(32, 6400);
  const double transition = (replaying<T>(32, 12800) - small) / 6400;
  CAPTURE(T::name());
  CHECK(transition == float_bytes * (2 * E::Observation::words + E::Action::words + 2));
  // With the transition under way and the one just begun; a step of every lane between two updates.
  const double lane = (replaying<T>(64, 6400) - small) / 32;
  CHECK(lane == doctest::Approx(bytes_of_record<E>() + 2 * transition + 80).epsilon(.05));
}

template <class E>
double of_episodes(int lanes, int capacity, int longest) {
  using T = Trainer<QMIX::With<Episodes, Gru<16>>, MultiAgentEnv<E>>;
  typename T::Config config;
  config.lanes = lanes, config.threads = 1;
  config.algorithm.buffer.capacity = capacity, config.algorithm.buffer.longest = longest;
  return held<T>(config);
}

template <class E>
void check_episodes() {
  const int mask = E::Action::features;  // of teams always: who acts at all
  const double words = E::agents * (E::Observation::words + mask + E::Action::words) + E::State::words + 1;
  for (const int longest : {10, 20}) {
    const double small = of_episodes<E>(8, 160, longest);
    const double episode = (of_episodes<E>(8, 320, longest) - small) / 160;
    // To a cache line: arrays have whole ones.
    CHECK(episode ==
          doctest::Approx(float_bytes * ((longest + 1) * words + E::agents * 16) + 5).epsilon(.001));
    CHECK((of_episodes<E>(16, 160, longest) - small) / 8 < 2 * episode + 300 + sizeof(E));
  }
}

/// Live bytes after ten iterations and after a hundred are the same number.
template <class T>
void check_steady(const typename T::Config& config) {
  T trainer(config);
  for (int i = 0; i < 10; ++i) trainer.iterate();
  const long early = live_bytes;
  for (int i = 0; i < 90; ++i) trainer.iterate();
  CAPTURE(T::name());
  CHECK(live_bytes == early);
  CHECK(early > 0);
}

}  // namespace test_memory

TEST_CASE("train/memory: what is kept is seen") {
  using namespace test_memory;
  const long before = live_bytes;
  {
    const AlignedVector<float> values(1000);
    const std::string text(5000, 'x');
    CHECK(live_bytes - before == 4000 + 5001);
  }
  CHECK(live_bytes == before);
}

TEST_CASE("train/memory: a step of a rollout, and a lane") {
  using namespace test_memory;
  check_on_policy<PPO::With<Mlp<16>>, CartPole, false>();
  check_on_policy<MAPPO::With<Mlp<16>>, Crowd<2>, true>();
  check_on_policy<MAPPO::With<Mlp<16>>, Crowd<4>, true>();
  check_on_policy<PPO::With<Mlp<16>>, Ruled<4>, false>();
}

TEST_CASE("train/memory: a transition of a replay, and a lane") {
  using namespace test_memory;
  check_replay<DQN::With<Mlp<16>>, CartPole>();
  check_replay<SAC::With<Mlp<16>>, Pendulum>();
}

TEST_CASE("train/memory: an episode, by its longest") {
  using namespace test_memory;
  check_episodes<Crowd<2>>();
  check_episodes<Crowd<4>>();
}

TEST_CASE("train/memory: no more after a hundred iterations than after ten") {
  using namespace test_memory;
  const auto rollouts = []<class T>(T*, int threads) {
    typename T::Config config;
    config.lanes = 128, config.threads = threads;
    config.algorithm.steps = 16, config.algorithm.epochs = 1;
    check_steady<T>(config);
  };
  for (const int threads : {1, 2}) {
    rollouts(static_cast<Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<CartPole>>*>(nullptr), threads);
    rollouts(static_cast<Trainer<MAPPO::With<Mlp<16>>, MultiAgentEnv<Crowd<2>>>*>(nullptr), threads);
  }
  const auto replays = []<class T>(T*) {
    typename T::Config config;
    config.lanes = 16, config.threads = 1;
    config.algorithm.learning_starts = 0, config.algorithm.batch = 32;
    config.algorithm.buffer.capacity = 64;  // full after ten iterations
    config.algorithm.update_every = 160;
    check_steady<T>(config);
  };
  replays(static_cast<Trainer<DQN::With<Mlp<16>>, MultiAgentEnv<CartPole>>*>(nullptr));
  replays(static_cast<Trainer<SAC::With<Mlp<16>>, MultiAgentEnv<Pendulum>>*>(nullptr));
  using Whole = Trainer<QMIX::With<Episodes, Gru<16>>, MultiAgentEnv<Crowd<2>>>;
  Whole::Config config;
  config.lanes = 8, config.threads = 1;
  config.algorithm.learning_starts = 0, config.algorithm.batch = 4, config.algorithm.update_every = 16;
  config.algorithm.buffer.capacity = 16, config.algorithm.buffer.longest = 10;
  check_steady<Whole>(config);
}
