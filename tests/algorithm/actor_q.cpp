// Actors with Q-critics: gradients by finite differences, the same bits on any number of threads and after a
// resume, ends of episodes, what is learnt.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/algorithm/sac.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/train/trainer.hpp>

namespace test_actor_q {

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

/// One cell: every step pays 1 whatever is done, and the episode ends after the second step, truly or by a
/// cut.
template <bool terminates>
struct Pair {
  static constexpr int agents = 1;
  using Observation = Discrete<2>;
  using Action = Box<1>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto&, auto& ctx) {
    ctx.reward(0) = 1;
    if (++at < 2) return;
    if (terminates) {
      ctx.terminate();
    } else {
      ctx.truncate();
    }
  }
  void observe(int, Row out) const { out[0] = at == 1 ? 1.f : 0.f; }  // a cut shows the first cell again
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

std::vector<float> weights_of(auto& trainer) {
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

}  // namespace test_actor_q

TEST_CASE_TEMPLATE("algorithm/actor_q: gradients of critics, actor and temperature are finite differences",
                   Algorithm, polis::DDPG::With<polis::Mlp<16>, polis::Tanh>,
                   polis::TD3::With<polis::Mlp<16>, polis::Tanh, polis::Huber>,
                   polis::SAC::With<polis::Mlp<16>, polis::Tanh, polis::NormalizeObservations>) {
  using namespace test_actor_q;
  auto config = settings<Algorithm, Points<1>>(4);
  config.algorithm.n_step = 2;
  Student<Algorithm, Points<1>> trainer(config);
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

TEST_CASE("algorithm/actor_q: nothing follows a termination, a truncation is bootstrapped") {
  using namespace test_actor_q;
  const auto first_value = []<class E>(E) {
    using Algorithm = TD3::With<Mlp<>>;
    auto config = settings<Algorithm, E>(4);
    config.algorithm.optimizer.learning_rate = .01f;
    config.algorithm.discount = .5f;
    config.algorithm.target.rate = .05f;
    Student<Algorithm, E> trainer(config);
    trainer.train(6'000);
    // a linear critic: weights of cell 0, cell 1 and the action, then the bias
    const auto w = trainer.learner().agents().front().critics().values();
    CHECK(w[2] == doctest::Approx(0).scale(1).epsilon(.05));
    return w[0] + w[3];
  };
  CHECK(first_value(Pair<true>{}) == doctest::Approx(1.5).epsilon(.03));  // 1 + 1/2
  CHECK(first_value(Pair<false>{}) == doctest::Approx(2).epsilon(.03));   // 1 + 1/2 + 1/4 + ...
}

TEST_CASE_TEMPLATE("algorithm/actor_q: on one thread and on three, and after a resume", Algorithm,
                   polis::DDPG::With<polis::Mlp<24>, polis::OrnsteinUhlenbeck, polis::HardTarget>,
                   polis::TD3::With<polis::Mlp<24>, polis::PrioritizedReplay, polis::NormalizeObservations>,
                   polis::SAC::With<polis::Mlp<24>, polis::SharedParameters, polis::AgentIds>,
                   polis::SAC::With<polis::Mlp<24>, polis::SeparateParameters>) {
  using namespace test_actor_q;
  const auto config = [](int threads) {
    auto c = settings<Algorithm, Points<2>>(70, threads);
    c.algorithm.batch = 300, c.algorithm.update_every = 70, c.algorithm.n_step = 2;
    c.algorithm.buffer.capacity = 3000;
    return c;
  };
  Student<Algorithm, Points<2>> one(config(1)), three(config(3)), rest(config(1));
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

TEST_CASE_TEMPLATE("algorithm/actor_q: points are steered to their places" * doctest::test_suite("learning"),
                   Algorithm, polis::DDPG, polis::TD3, polis::SAC) {
  using namespace test_actor_q;
  using Small = typename Algorithm::template With<Mlp<32, 32>>;
  auto config = settings<Small, Points<1>>(4);
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 2e-3f;
  config.algorithm.discount = .9f;
  Student<Small, Points<1>> trainer(config);
  trainer.train(12'000);
  // At random about -40. The best moves at most .3 a step towards the place: about -2.7 from a mean distance
  // of 1, of which the first step's 1.33 falls to all.
  CHECK(trainer.evaluate(50).mean > -4);
}

TEST_CASE("algorithm/actor_q: SAC swings a pendulum up" * doctest::test_suite("learning")) {
  using namespace test_actor_q;
  using Small = SAC::With<Mlp<64, 64>>;
  auto config = settings<Small, Pendulum>(1);
  config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 1e-3f;
  config.algorithm.shards = 1;
  Student<Small, Pendulum> trainer(config);
  trainer.train(10'000);
  CHECK(trainer.evaluate(20).mean > -250);
}

TEST_CASE("algorithm/actor_q: the temperature holds the entropy to its target" *
          doctest::test_suite("learning")) {
  using namespace test_actor_q;
  using Small = SAC::With<Mlp<32>>;
  const auto held = [](float target) {
    auto config = settings<Small, Points<1>>(4);
    config.algorithm.optimizer.learning_rate = config.algorithm.actor_optimizer.learning_rate = 3e-3f;
    config.algorithm.actor.box_target = -target / 2;  // two dimensions
    Student<Small, Points<1>> trainer(config);
    double entropy = 0;
    for (int i = 0; i < 3000; ++i) {
      trainer.iterate();
      trainer.learner().metrics([&](const char* key, double value) {
        if (i >= 2500 && std::string(key) == "entropy") entropy += value / 500;
      });
    }
    return entropy;
  };
  CHECK(held(-1) == doctest::Approx(-1).epsilon(.1));
  CHECK(held(.5f) == doctest::Approx(.5).epsilon(.2));
}

TEST_CASE("algorithm/actor_q: before learning starts actions are uniform over the whole Box") {
  using namespace test_actor_q;
  auto config = settings<TD3, Points<1>>(64);
  config.algorithm.learning_starts = 100'000;
  Student<TD3, Points<1>> trainer(config);
  for (int i = 0; i < 300; ++i) trainer.iterate();
  const auto& replay = trainer.learner().agents().front().replay();
  double sum = 0, squares = 0, count = 0;
  for (int unit = 0; unit < 64; ++unit) {
    for (std::uint64_t n = 0; n < replay.completed(unit); ++n) {
      for (int k = 0; k < 2; ++k) {
        const auto a = static_cast<double>(replay.actions(replay.place(unit, n), 0, k));
        sum += a, squares += a * a, ++count;
      }
    }
  }
  CHECK(count > 30'000);
  CHECK(sum / count == doctest::Approx(0).scale(1).epsilon(.01));
  CHECK(squares / count == doctest::Approx(1. / 3).epsilon(.02));
}

TEST_CASE("algorithm/actor_q: settings that make no update are refused by name") {
  using namespace test_actor_q;
  auto config = settings<TD3, Pendulum>(1);
  config.algorithm.actor_every = 0;
  CHECK_THROWS_WITH_AS((Student<TD3, Pendulum>(config)), doctest::Contains("algorithm.actor_every"), Error);
}
