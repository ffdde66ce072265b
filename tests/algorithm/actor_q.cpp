// Actors with Q-critics: gradients by finite differences, the same bits on any number of threads and after a
// resume, ends of episodes, what is learnt.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <polis/algorithm/sac.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/core/fields.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/train/trainer.hpp>

#include "actor_q.hpp"
#include "environments.hpp"

namespace test_actor_q {

using namespace polis;
using namespace polis_test;

}  // namespace test_actor_q

TEST_CASE_TEMPLATE("algorithm/actor_q: gradients of critics, actor and temperature are finite differences",
                   Algorithm, polis::DDPG::With<polis::Mlp<16>, polis::Tanh>,
                   polis::TD3::With<polis::Mlp<16>, polis::Tanh, polis::Huber>,
                   polis::SAC::With<polis::Mlp<16>, polis::Tanh, polis::NormalizeObservations>) {
  using namespace test_actor_q;
  check_gradients<Algorithm, Points<1>>();
}

// Rectified units in whole registers go through row-major passes (nn/row_major.hpp).
TEST_CASE_TEMPLATE("algorithm/actor_q: so they are by row-major passes", Algorithm,
                   polis::DDPG::With<polis::Mlp<16>>, polis::TD3::With<polis::Mlp<16, 32>>,
                   polis::SAC::With<polis::Mlp<32, 16>>) {
  using namespace test_actor_q;
  check_gradients<Algorithm, Points<1>>();
}

TEST_CASE("algorithm/actor_q: row-major passes are for batches and widths where they are the faster ones") {
  using namespace test_actor_q;
  using internal::row_major_pays;
  if constexpr (batch_width<Batch<>> == 16) {
    CHECK(row_major_pays<Simd>(100, 64, false));        // 12 rows would be empty
    CHECK_FALSE(row_major_pays<Simd>(64, 64, false));   // none would, and a few rows' time is lost
    CHECK(row_major_pays<Simd>(64, 64, true));          // half of a pass less
    CHECK(row_major_pays<Simd>(256, 64, false));        // many hidden units are not turned
    CHECK_FALSE(row_major_pays<Simd>(16, 64, true));    // weights turned for few
    CHECK_FALSE(row_major_pays<Simd>(100, 256, true));  // weights from the second cache
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
  CHECK(first_value(Pair<Box<1>, true>{}) == doctest::Approx(1.5).epsilon(.03));  // 1 + 1/2
  CHECK(first_value(Pair<Box<1>, false>{}) == doctest::Approx(2).epsilon(.03));   // 1 + 1/2 + 1/4 + ...
}

TEST_CASE_TEMPLATE("algorithm/actor_q: on one thread and on three, and after a resume", Algorithm,
                   polis::DDPG::With<polis::Mlp<24>, polis::OrnsteinUhlenbeck, polis::HardTarget>,
                   polis::TD3::With<polis::Mlp<32>, polis::PrioritizedReplay, polis::NormalizeObservations>,
                   polis::SAC::With<polis::Mlp<32>, polis::SharedParameters, polis::AgentIds>,
                   polis::SAC::With<polis::Mlp<24>, polis::SeparateParameters>) {
  using namespace test_actor_q;
  check_reproducible<Algorithm, Points<2>>();
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
