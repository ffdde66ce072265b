// Every kind of space end to end: tuples, simplices, indices, masks, and a critic that sees the whole state.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <polis/algorithm/ppo.hpp>
#include <polis/train/trainer.hpp>

namespace test_spaces {

using namespace polis;

/// An order: a size and a holding period, which both must fit what is seen; and how money is shared out among
/// three, where the first two should get the shares .6 and .3.
struct Desk {
  static constexpr int agents = 1;
  using Size = Box<1>;
  using Observation = Tuple<Discrete<3>, MultiDiscrete<2, 2>>;
  using Action = Tuple<Size, MultiDiscrete<3, 2>, Simplex<3>>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int period = 0, a = 0, b = 0, at = 0;
  float worst_sum = 0;

  void reset(auto& ctx) {
    at = 0, worst_sum = 0;
    draw(ctx);
  }
  void step(const auto& actions, auto& ctx) {
    const float size = actions[0].template get<0>()[0];
    const auto& choice = actions[0].template get<1>();
    const auto& shares = actions[0].template get<2>();
    const float wanted = a == b ? .5f : -.5f;
    const float shared = std::abs(shares[0] - .6f) + std::abs(shares[1] - .3f) + std::abs(shares[2] - .1f);
    worst_sum = std::max(worst_sum, std::abs(shares[0] + shares[1] + shares[2] - 1));
    ctx.reward(0) = (choice[0] == period ? 1.f : 0.f) + (choice[1] == a ? 1.f : 0.f) -
                    (size - wanted) * (size - wanted) - shared;
    draw(ctx);
    if (++at == 8) ctx.truncate();
  }
  void observe(int, Row out) const {
    out[0] = static_cast<float>(period), out[1] = static_cast<float>(a), out[2] = static_cast<float>(b);
  }

 private:
  void draw(auto& ctx) {
    period = ctx.random.integer(3), a = ctx.random.integer(2), b = ctx.random.integer(2);
  }
};

/// The best of the legal actions pays most; an illegal one is a failure of the library. Index 0 pays 0, 3
/// pays 3.
template <bool sometimes_none>
struct Masked {
  static constexpr int agents = 2;
  using Observation = MultiDiscrete<2, 2, 2, 2>;
  using Action = Discrete<4>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int allowed[2] = {}, at = 0;
  bool broken = false;

  void reset(auto& ctx) {
    at = 0, broken = false;
    draw(ctx);
  }
  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < agents; ++i) {
      broken = broken || !(allowed[i] >> actions[i] & 1);
      ctx.reward(i) = static_cast<float>(actions[i]);
    }
    draw(ctx);
    if (sometimes_none && at == 3) allowed[1] = 0;
    if (++at == 8) ctx.truncate();
  }
  void observe(int agent, Row out) const {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<float>(allowed[agent] >> i & 1);
  }
  void legal(int agent, Row mask) const {
    for (int i = 0; i < 4; ++i) mask[i] = static_cast<float>(allowed[agent] >> i & 1);
  }
  void metrics(auto&& visit) const { visit("broken", broken ? 1. : 0.); }

 private:
  void draw(auto& ctx) {
    for (int& set : allowed) set = 1 + ctx.random.integer(15);
  }
};

/// Each sees its own number; the product of the two signs pays both, so that a value needs the whole state.
struct Hidden {
  static constexpr int agents = 2;
  using Observation = Box<1>;
  using State = Tuple<Box<1>, Discrete<2>>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  float seen = 0;
  int hidden = 0, at = 0;

  void reset(auto& ctx) {
    at = 0;
    draw(ctx);
  }
  void step(const auto& actions, auto& ctx) {
    ctx.reward_all(static_cast<float>(hidden) * 4 + (actions[0] == actions[1] ? 1.f : 0.f));
    draw(ctx);
    if (++at == 8) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = seen; }
  void state(Row out) const { out[0] = seen, out[1] = static_cast<float>(hidden); }

 private:
  void draw(auto& ctx) { seen = ctx.random.uniform(-1, 1), hidden = ctx.random.integer(2); }
};

template <class Algorithm, class E>
auto settings() {
  typename Trainer<Algorithm, MultiAgentEnv<E>>::Config config;
  config.seed = 8, config.lanes = 64, config.threads = 1;
  config.algorithm.steps = 16;
  config.algorithm.minibatch = 256;
  config.algorithm.optimizer.learning_rate = 1e-2f;
  config.algorithm.returns.discount = 0;
  return config;
}

template <bool sometimes_none>
using Chooser = Trainer<PPO::With<Mlp<32>>, MultiAgentEnv<Masked<sometimes_none>>>;

}  // namespace test_spaces

TEST_CASE("algorithm/spaces: a tuple of a number, indices and shares is learnt from indices seen") {
  using namespace test_spaces;
  using Dealer = Trainer<PPO::With<Mlp<32>>, MultiAgentEnv<Desk>>;
  auto config = settings<PPO::With<Mlp<32>>, Desk>();
  config.algorithm.entropy_coefficient = 0;
  Dealer trainer(config);
  CHECK(trainer.evaluate(50).mean < 8 * 1.);
  trainer.train(64 * 16 * 120);
  CHECK(trainer.evaluate(50).mean > 8 * 1.8);  // of 8 * 2
  for (int lane = 0; lane < trainer.lanes().lanes(); ++lane)
    CHECK(trainer.lanes().lane(lane).worst_sum < 1e-5f);
}

TEST_CASE("algorithm/spaces: illegal actions are never taken, and the best legal ones are found") {
  using namespace test_spaces;
  Chooser<false> trainer(settings<PPO::With<Mlp<32>>, Masked<false>>());
  CHECK(trainer.evaluate(100, Play::sampled).metrics.at("broken") == 0);
  trainer.train(64 * 16 * 60);
  for (int lane = 0; lane < trainer.lanes().lanes(); ++lane) CHECK(!trainer.lanes().lane(lane).broken);
  const EvaluationResult after = trainer.evaluate(200);
  CHECK(after.metrics.at("broken") == 0);
  CHECK(after.mean > 8 * 2.25);  // the largest of the legal ones: (8 * 3 + 4 * 2 + 1) / 15 = 2.267 on average
}

TEST_CASE("algorithm/spaces: an agent without any legal action is an error that names it") {
  using namespace test_spaces;
  Chooser<true> trainer(settings<PPO::With<Mlp<32>>, Masked<true>>());
  CHECK_THROWS_WITH_AS(trainer.iterate(), doctest::Contains("lane 0, agent 1, step 4"), Error);
  CHECK_THROWS_WITH_AS((void)trainer.evaluate(4), doctest::Contains("agent 1, step 4"), Error);
}

TEST_CASE("algorithm/spaces: a central critic explains what no agent sees") {
  using namespace test_spaces;
  const auto explained = []<class Algorithm>(Algorithm) {
    Trainer<Algorithm, MultiAgentEnv<Hidden>> trainer(settings<Algorithm, Hidden>());
    trainer.train(64 * 16 * 60);
    return trainer.learner().agents().front().statistics().explained_variance;
  };
  CHECK(explained(PPO::With<Mlp<16>, CentralCritic>{}) > .9);
  CHECK(explained(PPO::With<Mlp<16>>{}) < .1);
}
