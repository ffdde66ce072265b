// What the tests of actors with Q-critics have in common: an environment, and checks of gradients and of
// reproducibility.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/random.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/env/environment.hpp>
#include <polis/train/trainer.hpp>

namespace polis_test {

using namespace polis;

struct Reach : Box<2> {
  static constexpr float low = -2, high = 4;
};

/// A point that two thrusts move, paid for being near a place that it sees; cut off after 15 steps. Some
/// lanes see two such agents, so that sharing words have something to share.
template <int count>
struct Points {
  static constexpr int agents = count;
  using Observation = Box<4>;
  using Action = Reach;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  float at[count][2] = {}, goal[count][2] = {};
  int steps = 0;

  void reset(auto& ctx) {
    steps = 0;
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < 2; ++k) {
        at[i][k] = ctx.random.uniform(-1.f, 1.f), goal[i][k] = ctx.random.uniform(-1.f, 1.f);
      }
    }
  }
  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < count; ++i) {
      float distance = 0;
      for (int k = 0; k < 2; ++k) {
        at[i][k] += .1f * (actions[i][k] - 1);
        distance += (at[i][k] - goal[i][k]) * (at[i][k] - goal[i][k]);
      }
      ctx.reward(i) = -distance;
    }
    if (++steps == 15) ctx.truncate();
  }
  void observe(int i, Row out) const {
    for (int k = 0; k < 2; ++k) out[k] = at[i][k], out[2 + k] = goal[i][k];
  }
};

template <class Algorithm, class E>
using Student = Trainer<Algorithm, MultiAgentEnv<E>>;

template <class Algorithm, class E>
typename Student<Algorithm, E>::Config settings(int lanes, int threads = 1) {
  typename Student<Algorithm, E>::Config config{.seed = 3, .lanes = lanes, .threads = threads};
  config.algorithm.learning_starts = 100;
  config.algorithm.batch = 100;
  return config;
}

inline std::vector<float> weights_of(auto& trainer) {
  auto& agents = trainer.learner().agents().front();
  std::vector<float> all;
  for (const auto& part : {agents.weights().values(), agents.critics().values()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// Compares a gradient with differences of a loss along itself and along single weights.
template <class Loss>
void check_gradient(std::span<float> weights, const std::vector<float>& gradient, const Loss& loss) {
  const std::vector<float> kept(weights.begin(), weights.end());
  const auto along = [&](const std::vector<float>& direction, double step) {
    for (std::size_t i = 0; i < kept.size(); ++i)
      weights[i] = kept[i] + static_cast<float>(step) * direction[i];
    const double value = loss();
    std::copy(kept.begin(), kept.end(), weights.begin());
    return value;
  };
  const auto check = [&](const std::vector<float>& direction, double step) {
    double slope = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      slope += static_cast<double>(gradient[i]) * static_cast<double>(direction[i]);
    }
    const double difference = (along(direction, step) - along(direction, -step)) / (2 * step);
    CHECK(slope == doctest::Approx(difference).epsilon(.02));
  };
  double norm = 0;
  for (const float g : gradient) norm += static_cast<double>(g * g);
  REQUIRE(norm > 0);
  check(gradient, 3e-3 / std::sqrt(norm));
  Random random(8, 0, 0, 0, Purpose::test);
  for (int trial = 0; trial < 5; ++trial) {  // directions that go with the gradient, component by component
    std::vector<float> direction(kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      direction[i] = std::abs(random.normal()) * (gradient[i] > 0 ? 1.f : -1.f);
    }
    check(direction, 1e-4);
  }
}

/// The gradients of critics, actor and temperature on what some steps in E have left in the replay.
template <class Algorithm, class E>
void check_gradients() {
  auto config = settings<Algorithm, E>(4);
  config.algorithm.n_step = 2;
  Student<Algorithm, E> trainer(config);
  for (int i = 0; i < 60; ++i) trainer.iterate();
  auto& agents = trainer.learner().agents().front();
  ThreadPool pool(1);
  const auto losses = [&] {
    typename std::remove_cvref_t<decltype(agents)>::Losses result{};
    pool.region([&](Region& region) { result = agents.losses(region); });
    return result;
  };
  const auto at = losses();
  check_gradient(agents.critics().values(), at.critics_gradient, [&] { return losses().critics; });
  constexpr bool entropic = std::remove_cvref_t<decltype(agents)>::Head::entropic;
  const auto actor = agents.weights().values().first(agents.weights().size() - (entropic ? 1 : 0));
  auto gradient = at.actor_gradient;
  if (entropic) gradient.pop_back();
  check_gradient(actor, gradient, [&] { return losses().actor; });
  if constexpr (entropic) {
    float& log_temperature = agents.weights().values().back();
    const float kept = log_temperature;
    const auto loss = [&](float by) {
      log_temperature = kept + by;
      const double value = losses().temperature;
      log_temperature = kept;
      return value;
    };
    CHECK(static_cast<double>(at.actor_gradient.back()) ==
          doctest::Approx((loss(.01f) - loss(-.01f)) / .02).epsilon(.01));
  }
}

/// One thread, three, and a resumed run come to the same weights.
template <class Algorithm, class E>
void check_reproducible() {
  const auto config = [](int threads) {
    auto c = settings<Algorithm, E>(70, threads);
    c.algorithm.batch = 300, c.algorithm.update_every = 70, c.algorithm.n_step = 2;
    c.algorithm.buffer.capacity = 3000;
    return c;
  };
  Student<Algorithm, E> one(config(1)), three(config(3)), rest(config(1));
  const auto first_weights = weights_of(one);
  for (int i = 0; i < 40; ++i) one.iterate();
  for (int i = 0; i < 20; ++i) three.iterate();
  ArchiveWriter writer;
  three.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  reader.finish();
  for (int i = 0; i < 20; ++i) three.iterate(), rest.iterate();
  CHECK(weights_of(one) != first_weights);
  CHECK(weights_of(three) == weights_of(one));
  CHECK(weights_of(rest) == weights_of(one));
}

}  // namespace polis_test
