// Q-learning from whole episodes: gradients through time, lambda targets, ends, memory, the same bits on any
// number of threads and after a resume.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/buffer/episodes.hpp>
#include <polis/core/archive.hpp>
#include <polis/envs/classic/t_maze.hpp>
#include <polis/envs/games/two_step_game.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/sgd.hpp>
#include <polis/returns/lambda_return.hpp>
#include <polis/train/trainer.hpp>

namespace test_q_episodes {

using namespace polis;

/// Two who share a reward, for three to nine steps, ended either way; the second acts at every other step,
/// and some actions are forbidden.
struct Varied {
  static constexpr int agents = 2;
  using Observation = Box<2>;
  using State = Box<2>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  float x = 0, y = 0;
  int at = 0, last = 0;

  void reset(auto& ctx) {
    at = 0, last = 3 + ctx.random.integer(7);
    x = ctx.random.uniform(-1, 1), y = ctx.random.uniform(-1, 1);
  }
  void step(const auto& actions, auto& ctx) {
    ctx.reward_all(x + (actions[0] == 1 ? y : -y));
    x = -y, y = .9f * x + ctx.random.uniform(-.5f, .5f);
    if (++at < last) return;
    if (last % 2 == 0) {
      ctx.terminate();
    } else {
      ctx.truncate();
    }
  }
  void observe(int agent, Row out) const { out[0] = agent == 0 ? x : y, out[1] = x * y; }
  void state(Row out) const { out[0] = x, out[1] = y; }
  bool acting(int agent) const { return agent == 0 || at % 2 == 0; }
  void legal(int agent, Row mask) const { mask[(agent + at) % 3] = 0; }
};

/// Five cells in a row, whose rewards are known; the end is one or the other.
template <bool terminates>
struct Line {
  static constexpr int agents = 1;
  using Observation = Discrete<6>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr float paid[] = {1, 0, -1, 0, 1};
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto&, auto& ctx) {
    ctx.reward(0) = paid[at];
    if (++at < 5) return;
    if (terminates) {
      ctx.terminate();
    } else {
      ctx.truncate();
    }
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
};

template <class Algorithm, class E>
using Student = Trainer<Algorithm, MultiAgentEnv<E>>;

/// Until the first update of a fresh learner, which makes a step of length 1 along the gradient. Play is
/// uniform, and so does not depend on the weights.
template <class Algorithm, class E>
auto updated(const typename Student<Algorithm, E>::Config& config, std::size_t changed = 0, float by = 0) {
  auto trainer = std::make_unique<Student<Algorithm, E>>(config);
  auto& agents = trainer->learner().agents().front();
  agents.weights().values()[changed] += by;
  while (agents.statistics().updates == 0) trainer->iterate();
  return trainer;
}

template <class Algorithm, class E>
auto plain_config() {
  typename Student<Algorithm, E>::Config config{.seed = 11, .lanes = 5, .threads = 1};
  config.algorithm.exploration = {.start = 1, .end = 1};
  config.algorithm.optimizer = {.learning_rate = 1, .momentum = 0};
  config.algorithm.max_gradient_norm = 0;
  config.algorithm.learning_starts = 0;
  config.algorithm.target.every = 1000;
  return config;
}

/// Weights whose differences of the loss disagree with the step made.
template <class Algorithm>
int wrong_derivatives(int batch, float lambda) {
  auto config = plain_config<Algorithm, Varied>();
  config.algorithm.batch = batch, config.algorithm.update_every = batch;
  config.algorithm.buffer.longest = 9, config.algorithm.buffer.lambda = lambda;
  const auto fresh = std::make_unique<Student<Algorithm, Varied>>(config);
  const auto before = fresh->learner().agents().front().weights().values();
  const auto trainer = updated<Algorithm, Varied>(config);
  const auto after = trainer->learner().agents().front().weights().values();
  REQUIRE(trainer->learner().agents().front().statistics().updates == 1);
  const double at = trainer->learner().agents().front().statistics().loss;
  int wrong = 0;
  double greatest = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double exact = static_cast<double>(before[i]) - static_cast<double>(after[i]);
    greatest = std::max(greatest, std::abs(exact));
    const auto loss = [&](float by) {
      return updated<Algorithm, Varied>(config, i, by)->learner().agents().front().statistics().loss;
    };
    const double tolerance = 2e-3 + .01 * std::abs(exact);
    const auto near = [&](double difference) { return std::abs(difference - exact) <= tolerance; };
    // A kink of ReLU or another choice of double Q may lie on one side of the weight: then the other tells.
    bool right = false;
    for (const float h : {4e-3f, 1e-3f}) {
      const double above = loss(h), below = loss(-h), step = static_cast<double>(h);
      right = right || near((above - below) / (2 * step)) || near((above - at) / step) ||
              near((at - below) / step);
    }
    if (!right) ++wrong;
  }
  CHECK(greatest > .1);
  return wrong;
}

template <class Algorithm>
typename Student<Algorithm, Varied>::Config config_of_varied(int threads) {
  typename Student<Algorithm, Varied>::Config config{.seed = 3, .lanes = 40, .threads = threads};
  config.algorithm.learning_starts = 100;
  config.algorithm.buffer.longest = 5;  // some are kept in parts
  config.algorithm.buffer.capacity = 400, config.algorithm.buffer.lambda = .5f;
  config.algorithm.batch = 70, config.algorithm.update_every = 30;
  config.algorithm.exploration.end = 1;
  return config;
}

std::vector<float> weights_of(auto& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

/// The share of T-mazes whose goal is found.
template <class Algorithm>
double success_in_maze() {
  using Maze = TMaze<4>;
  typename Student<Algorithm, Maze>::Config config{.seed = 1, .lanes = 8, .threads = 1};
  config.algorithm.optimizer.learning_rate = 3e-3f;
  config.algorithm.learning_starts = 0;
  config.algorithm.exploration = {.start = 1, .end = .1f, .share = .5f};
  config.algorithm.discount = .95f;
  config.algorithm.buffer = {.capacity = 1000, .longest = 20, .lambda = .8f};
  config.algorithm.batch = 32, config.algorithm.update_every = 4;
  config.algorithm.target.every = 50;
  Student<Algorithm, Maze> trainer(config);
  trainer.train(40'000);
  return trainer.evaluate(200).success;
}

}  // namespace test_q_episodes

TEST_CASE_TEMPLATE("algorithm/q_episodes: derivatives through time and the mixer", Algorithm,
                   polis::QMIX::With<polis::Episodes, polis::Gru<3>, polis::Qmix<2, 3>, polis::Sgd>,
                   polis::VDN::With<polis::Episodes, polis::Gru<3>, polis::Sgd>,
                   polis::IQL::With<polis::Episodes, polis::Gru<2>, polis::Sgd>,
                   polis::QMIX::With<polis::Episodes, polis::Mlp<4>, polis::Qmix<2, 3>, polis::Sgd>) {
  using namespace test_q_episodes;
  CHECK(wrong_derivatives<Algorithm>(7, 0) == 0);
  CHECK(wrong_derivatives<Algorithm>(20, .7f) == 0);
  CHECK(wrong_derivatives<Algorithm>(70, 0) == 0);  // more than one group
}

TEST_CASE_TEMPLATE("algorithm/q_episodes: lambda targets are LambdaReturn's, whole and in parts", E,
                   test_q_episodes::Line<true>, test_q_episodes::Line<false>) {
  using namespace test_q_episodes;
  constexpr bool terminates = std::is_same_v<E, Line<true>>;
  using Algorithm = DQN::With<Episodes, Mlp<>, SquaredError, Sgd>;
  const float values[] = {2, 3, 1, 5, -5, 4};  // of the target network in each cell, whatever the action
  for (const int longest : {5, 2}) {
    for (const float lambda : {0.f, .75f, 1.f}) {
      auto config = plain_config<Algorithm, E>();
      config.lanes = 1;
      config.algorithm.discount = .5f;
      config.algorithm.buffer.longest = longest, config.algorithm.buffer.lambda = lambda;
      config.algorithm.batch = longest == 5 ? 1 : 3, config.algorithm.update_every = config.algorithm.batch;
      // A linear network [action][cell], then [action]. All values are 0, those of the target the ones above.
      Student<Algorithm, E> trainer(config);
      auto& agents = trainer.learner().agents().front();
      const auto w = agents.weights().values(), target = agents.target().values();
      std::fill(w.begin(), w.end(), 0.f), std::fill(target.begin(), target.end(), 0.f);
      for (std::size_t i = 0; i < 12; ++i) target[i] = values[i % 6];
      while (agents.statistics().updates == 0) trainer.iterate();

      End ends[5] = {};
      float final_values[5] = {}, advantages[5], returns[5];
      const float nothing = 0;
      for (int t = 0; t < 5; ++t) {
        if (longest == 2 && t % 2 == 1) ends[t] = End::truncated, final_values[t] = values[t + 1];
      }
      ends[4] = terminates ? End::terminated : End::truncated, final_values[4] = values[5];
      Trajectory at{.slots = 5, .rewards = E::paid, .values = values, .bootstrap = &nothing, .ends = ends};
      at.final_values = final_values, at.advantages = advantages, at.returns = returns;
      LambdaReturn::estimate<float>({.discount = .5f, .lambda = lambda}, at);
      // d mean (0 - G)^2 / d weight of the cell = -2 G / 5
      for (std::size_t t = 0; t < 5; ++t) CHECK(w[t] + w[6 + t] == doctest::Approx(.4f * returns[t]));
      CHECK(w[5] + w[11] == 0);  // of what follows nothing is learnt
      if (longest == 5 && lambda == 1) CHECK(returns[0] == doctest::Approx(terminates ? .8125 : .9375));
      if (lambda == 0) CHECK(returns[1] == .5f);  // 0 + 1/2
    }
  }
}

TEST_CASE("algorithm/q_episodes: carries of agents are kept where a part begins") {
  using namespace test_q_episodes;
  using Algorithm = VDN::With<Episodes, Gru<5>>;
  auto config = config_of_varied<Algorithm>(1);
  config.algorithm.learning_starts = 1'000'000;
  Student<Algorithm, Varied> trainer(config);
  while (trainer.clock().steps < 40 * 40) trainer.iterate();
  auto& agents = trainer.learner().agents().front();
  const auto& kept = agents.replay();
  using Network = GruNetwork<4, 3, 5>;
  int continued = 0;
  for (int unit = 0; unit < 40; ++unit) {
    for (std::uint64_t n = kept.completed(unit) - kept.kept(unit); n + 1 < kept.completed(unit); ++n) {
      const int part = kept.place(unit, n), next = kept.place(unit, n + 1);
      if (kept.length(part) < 5 || kept.end(part) == End::terminated) continue;
      // An episode of five steps, cut off just there, is followed by a fresh one.
      bool zero = true;
      for (int k = 0; k < 10; ++k) zero = zero && kept.carries(next, k / 5, k % 5) == 0.f;
      if (zero) continue;
      ++continued;
      for (int j = 0; j < 2; ++j) {
        alignas(64) float x[4 * tile_rows] = {}, carry[5 * tile_rows] = {}, y[3 * tile_rows];
        alignas(64) float cache[Network::cache_size];
        for (int k = 0; k < 5; ++k) carry[k * tile_rows] = kept.carries(part, j, k);
        for (int t = 0; t < 5; ++t) {
          const int slot = part * kept.shape().slots() + t;
          if (kept.actions(slot, j, 0) < 0) continue;
          for (int k = 0; k < 2; ++k) x[k * tile_rows] = kept.observations(slot, j, k);
          x[(2 + j) * tile_rows] = 1;
          Network::forward<Simd>(agents.weights().data(), x, carry, y, cache, 1);
        }
        for (int k = 0; k < 5; ++k) {
          CHECK(kept.carries(next, j, k) == doctest::Approx(carry[k * tile_rows]).epsilon(1e-4));
        }
      }
    }
  }
  CHECK(continued > 20);
}

TEST_CASE_TEMPLATE("algorithm/q_episodes: on one thread and on three, and after a resume", Algorithm,
                   polis::QMIX::With<polis::Episodes, polis::Gru<8>>, polis::VDN::With<polis::Episodes>,
                   polis::IQL::With<polis::Episodes, polis::Gru<8>, polis::NormalizeObservations>,
                   polis::IQL::With<polis::Episodes, polis::SeparateParameters, polis::SoftTarget>) {
  using namespace test_q_episodes;
  Student<Algorithm, Varied> one(config_of_varied<Algorithm>(1)), three(config_of_varied<Algorithm>(3)),
      rest(config_of_varied<Algorithm>(2));
  const auto first_weights = weights_of(one);
  for (int i = 0; i < 40; ++i) one.iterate();
  for (int i = 0; i < 21; ++i) three.iterate();
  ArchiveWriter writer;
  three.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  reader.finish();
  for (int i = 0; i < 19; ++i) three.iterate(), rest.iterate();
  CHECK(weights_of(one) != first_weights);
  CHECK(weights_of(three) == weights_of(one));
  CHECK(weights_of(rest) == weights_of(one));
  CHECK(three.clock().steps == one.clock().steps);
}

TEST_CASE("algorithm/q_episodes: as many updates as episodes are worth, none before a batch is there") {
  using namespace test_q_episodes;
  using Algorithm = DQN::With<Episodes>;
  Student<Algorithm, Line<true>>::Config config{.lanes = 4, .threads = 1};
  config.algorithm.learning_starts = 0;
  config.algorithm.batch = 16, config.algorithm.update_every = 8;
  Student<Algorithm, Line<true>> trainer(config);
  const auto& agents = trainer.learner().agents().front();
  int updates = 0;
  while (trainer.clock().steps < 4 * 5 * 30) {
    trainer.iterate();
    if (trainer.clock().steps < 4 * 5 * 4) CHECK(agents.statistics().updates == 0);
    updates += agents.statistics().updates;
  }
  CHECK(trainer.learner().interval() == 10);  // two episodes of each lane
  // 120 episodes are worth 15 updates, of which the first came too early.
  CHECK(updates == 14);
}

TEST_CASE_TEMPLATE("algorithm/q_episodes: the two-step game from random play, VDN returns 7 and QMIX 8" *
                       doctest::test_suite("learning"),
                   Network, polis::Mlp<64>, polis::Gru<64>) {
  using namespace test_q_episodes;
  const auto play = []<class Algorithm>(Algorithm) {
    typename Student<Algorithm, TwoStepGame>::Config config{.seed = 1, .lanes = 8, .threads = 1};
    config.algorithm.exploration = {.start = 1, .end = 1};
    config.algorithm.optimizer.learning_rate = 5e-4f;
    config.algorithm.learning_starts = 0;
    config.algorithm.buffer = {.capacity = 500, .longest = 2};
    config.algorithm.batch = 32, config.algorithm.update_every = 1;
    config.algorithm.target.every = 200;
    Student<Algorithm, TwoStepGame> trainer(config);
    trainer.train(20'000);
    return trainer.evaluate(1).mean;
  };
  CHECK(play(VDN::With<Episodes, Network>{}) == 7);
  CHECK(play(QMIX::With<Episodes, Network>{}) == 8);
}

TEST_CASE("algorithm/q_episodes: a memory finds the goal of the T-maze, without one half are found" *
          doctest::test_suite("learning")) {
  using namespace test_q_episodes;
  CHECK(success_in_maze<DQN::With<Episodes, Gru<16>>>() > .95);
  CHECK(success_in_maze<DQN::With<Episodes, Mlp<16>>>() < .65);
}

TEST_CASE("algorithm/q_episodes: settings that make no sense are refused by name") {
  using namespace test_q_episodes;
  using Algorithm = DQN::With<Episodes>;
  using T = Student<Algorithm, Line<true>>;
  T::Config config{.lanes = 1, .threads = 1};
  config.algorithm.n_step = 3;
  CHECK_THROWS_WITH_AS((T(config)), doctest::Contains("algorithm.n_step"), Error);
  config.algorithm.n_step = 1, config.algorithm.buffer.lambda = 1.5f;
  CHECK_THROWS_WITH_AS((T(config)), doctest::Contains("buffer.lambda"), Error);
  config.algorithm.buffer.lambda = 0, config.algorithm.buffer.longest = 0;
  CHECK_THROWS_WITH_AS((T(config)), doctest::Contains("buffer.longest"), Error);
}
