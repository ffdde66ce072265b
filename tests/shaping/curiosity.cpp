// Intrinsic curiosity: gradients by finite differences, what the encoder learns through, what is paid and for
// how long, and that it finds what rewards alone do not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/envs/classic/mountain_car.hpp>
#include <polis/shaping/curiosity.hpp>
#include <polis/train/trainer.hpp>

namespace test_curiosity {

using namespace polis;

template <class A>
struct Some {
  using Observation = Box<3>;
  using Action = A;
};
using Two = Tuple<Discrete<2>, Box<1>>;
template <class A>
using Models = internal::CuriosityModels<Some<A>, 4, Mlp<5>>;

/// Models with random samples of random actions.
template <class A>
struct Fixture {
  Models<A> models;
  std::vector<std::vector<float>> samples;
  std::vector<const float*> pointers;

  explicit Fixture(int count) : models({}, 3) {
    Random random(6, 0, 0, 0, Purpose::test);
    for (float& w : models.weights()) w += random.uniform(-.3f, .3f);
    for (int i = 0; i < count; ++i) {
      auto& sample = samples.emplace_back(static_cast<std::size_t>(Models<A>::sample_words));
      for (float& x : sample) x = random.uniform(-1, 1);
      typename A::Element action{};
      if constexpr (A::kind == SpaceKind::discrete) {
        action = random.integer(A::size);
      } else if constexpr (A::kind == SpaceKind::multi_discrete) {
        for (int k = 0; k < A::words; ++k) action[k] = random.integer(A::sizes[k]);
      } else if constexpr (A::kind == SpaceKind::box) {
        for (int k = 0; k < A::words; ++k) action[k] = random.uniform(-1, 1);
      } else {
        action.first = random.integer(2), action.rest.first[0] = random.uniform(-1, 1);
      }
      Models<A>::write_action(action, sample.data());
    }
    for (const auto& sample : samples) pointers.push_back(sample.data());
  }
  /// Losses of all samples, and their gradient.
  std::pair<typename Models<A>::Losses, std::vector<float>> evaluate(float forward_share) {
    models.clear_gradient();
    const int count = static_cast<int>(pointers.size());
    const auto losses =
        models.add_gradient(pointers.data(), count, 1.f / static_cast<float>(count), forward_share);
    return {losses, {models.gradient().begin(), models.gradient().end()}};
  }
};

/// One-way corridor of `length` cells with a goal at its end: a step back leads to the start.
template <int length>
struct Corridor {
  static constexpr int agents = 1;
  using Observation = Discrete<length>;
  using Action = Discrete<4>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0;
  void reset(auto&) { at = 0; }
  void step(const auto& actions, auto& ctx) {
    at = actions[0] == at % 4 ? at + 1 : 0;  // which action leads on differs from cell to cell
    if (at == length - 1) ctx.reward(0) = 1, ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(at); }
};

/// A dial that its agent turns, beside a number that nobody has a hand in.
struct Television {
  static constexpr int agents = 1;
  using Observation = Box<2>;
  using Action = Discrete<3>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  float dial = 0, noise = 0;
  void reset(auto& ctx) { dial = 0, noise = ctx.random.uniform(-1, 1); }
  void step(const auto& actions, auto& ctx) {
    dial = std::clamp(dial + .5f * static_cast<float>(actions[0] - 1), -1.f, 1.f);
    noise = ctx.random.uniform(-1, 1);
  }
  void observe(int, Row out) const { out[0] = dial, out[1] = noise; }
};

/// Steps an environment at random under a curiosity; the mean paid in the last of so many updates.
template <class E, class W>
double paid_after(int updates, typename W::Config config, typename W::template State<E>* keep = nullptr) {
  MultiAgentEnv<E> env(16, 5);
  env.reset();
  typename W::template State<E> state(config, {.lanes = 16, .first = 0, .agents = 1});
  Random random(3, 0, 0, 0, Purpose::test);
  double total = 0;
  for (int u = 0; u < updates; ++u) {
    total = 0;
    for (int t = 0; t < 16; ++t) {
      for (int lane = 0; lane < 16; ++lane) {
        Actions<E> actions{};
        actions[0] = random.integer(RoleOf<E, 0>::Action::size);
        float reward = 0;
        state.before(env, lane);
        env.advance(lane, actions);
        state.after(env, lane, actions, Row{&reward});
        env.renew(lane, env.default_tasks());
        total += static_cast<double>(reward) / 256;
      }
    }
    state.update();
  }
  if (keep) *keep = std::move(state);
  return total;
}

static_assert(ShapingWord<Curiosity<>, Television> && fields_complete<Curiosity<>::Config>());

}  // namespace test_curiosity

TEST_CASE_TEMPLATE("shaping/curiosity: gradients of both losses are finite differences", A,
                   polis::Discrete<3>, polis::Box<2>, polis::MultiDiscrete<2, 3>, test_curiosity::Two) {
  using namespace test_curiosity;
  Fixture<A> f(5);
  constexpr auto encoder = static_cast<std::size_t>(Models<A>::Encoder::parameters);
  const auto check = [&](float share, std::size_t first, std::size_t last, auto&& of) {
    const std::vector<float> gradient = f.evaluate(share).second;
    for (std::size_t i = first; i < last; ++i) {
      float& w = f.models.weights()[i];
      const float kept = w;
      const auto difference = [&](float h) {
        w = kept + h;
        const double above = of(f.evaluate(share).first);
        w = kept - h;
        const double below = of(f.evaluate(share).first);
        w = kept;
        return (above - below) / (2 * static_cast<double>(h));
      };
      const double exact = static_cast<double>(gradient[i]), tolerance = .003 + .01 * std::abs(exact);
      const bool near =
          std::abs(difference(4e-3f) - exact) < tolerance ||
          std::abs(difference(1e-3f) - exact) < tolerance;  // a kink lies within one step at most
      CHECK(near);
    }
  };
  // The encoder and the inverse model learn from the inverse loss, the forward model from the forward loss.
  check(.3f, 0, Models<A>::forward_at, [](const auto& losses) { return .7 * losses.inverse; });
  check(.3f, Models<A>::forward_at, Models<A>::parameters,
        [](const auto& losses) { return .3 * losses.forward; });
  // Of the forward loss alone nothing reaches the encoder.
  const std::vector<float> forward_alone = f.evaluate(1).second;
  CHECK(std::all_of(forward_alone.begin(), forward_alone.begin() + encoder, [](float x) { return x == 0; }));
}

TEST_CASE("shaping/curiosity: a surprise is half the squared distance, and is paid beside the reward") {
  using namespace test_curiosity;
  Fixture<Discrete<3>> f(1);
  CHECK(static_cast<double>(f.models.surprise(f.pointers[0])) ==
        doctest::Approx(f.evaluate(.5f).first.forward).epsilon(1e-5));
  using Word = Curiosity<8, Mlp<16>>;
  const double once = paid_after<Television, Word>(1, {.scale = .01f});
  CHECK(once > 0);
  CHECK(paid_after<Television, Word>(1, {.scale = .02f}) == doctest::Approx(2 * once).epsilon(1e-4));
}

TEST_CASE("shaping/curiosity: what is known is paid no more, noise that nobody controls little" *
          doctest::test_suite("learning")) {
  using namespace test_curiosity;
  using Word = Curiosity<8, Mlp<16>>;
  const Word::Config config{.scale = 1, .optimizer = {.learning_rate = 3e-3f}, .batch = 64};
  const double first = paid_after<Corridor<8>, Word>(1, config);
  const double last = paid_after<Corridor<8>, Word>(400, config);
  CHECK(last < .1 * first);
  // Features of the television follow the dial, which actions move, rather than the noise.
  Word::State<Television> state;
  (void)paid_after<Television, Word>(400, config, &state);
  double inverse = 0;
  state.metrics([&](const char* name, double value) {
    if (std::string(name) == "inverse_loss") inverse = value;
  });
  CHECK(inverse < .4);  // ln 3 by guessing; at the ends of the dial two actions look alike
}

TEST_CASE("shaping/curiosity: the car that is paid for what it could not foresee leaves its valley sooner" *
          doctest::test_suite("learning")) {
  using namespace test_curiosity;
  using Word = Curiosity<16, Mlp<32>>;
  using Student = Trainer<PPO::With<NormalizeObservations, Word>, MultiAgentEnv<MountainCar>>;
  const auto mean_return = [](float scale) {
    double sum = 0;
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
      Student::Config config{.seed = seed, .lanes = 16, .threads = 1};
      config.algorithm.steps = 64;
      config.algorithm.minibatch = 256;
      config.algorithm.optimizer.learning_rate = 1e-3f;
      config.algorithm.shaping.scale = scale;
      Student trainer(config);
      trainer.train(120'000);
      sum += trainer.evaluate(20, Play::sampled).mean / 4;
    }
    return sum;
  };
  // Eight seeds each: -140 (-127 to -156) and -191 (-178 to -200, which is never).
  CHECK(mean_return(30) > mean_return(0) + 25);
}

TEST_CASE("shaping/curiosity: on one thread and on three, and after a resume, the same bits") {
  using namespace test_curiosity;
  using E = TimeLimit<Corridor<6>, 20>;
  using Student = Trainer<PPO::With<Mlp<16>, Curiosity<8, Mlp<16>>>, MultiAgentEnv<E>>;
  const auto settings = [](int threads) {
    Student::Config config{.seed = 4, .lanes = 70, .threads = threads};
    config.algorithm.steps = 8;
    config.algorithm.shaping.batch = 300;
    return config;
  };
  const auto bytes = [](Student& trainer) {
    ArchiveWriter writer;
    writer(trainer.learner());
    return writer.take();
  };
  Student one(settings(1)), three(settings(3)), resumed(settings(2));
  for (int i = 0; i < 6; ++i) one.iterate(), three.iterate();
  CHECK(bytes(one) == bytes(three));
  ArchiveWriter writer;
  one.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.archive(reader);
  reader.finish();
  for (int i = 0; i < 4; ++i) one.iterate(), resumed.iterate();
  CHECK(bytes(one) == bytes(resumed));
  Student::Config none = settings(1);
  none.algorithm.shaping.batch = 0;
  CHECK_THROWS_WITH_AS((Student(none)), doctest::Contains("shaping.batch"), Error);
}
