// What implementations of these algorithms often get wrong, one case for each item of the checklist in
// docs/testing.md; what an item shares with other tests stands there.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/algorithm/maddpg.hpp>
#include <polis/algorithm/mappo.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/envs/games/cue_game.hpp>
#include <polis/train/trainer.hpp>

namespace test_checklist {

using namespace polis;

/// Largest error of the rows (or columns, whichever are fewer) of a block as vectors of this length, each at
/// right angles to the others.
double orthogonality_error(const Block& block, std::span<const float> w, double gain) {
  const bool by_rows = block.rows <= block.columns;
  const int count = std::min(block.rows, block.columns), length = std::max(block.rows, block.columns);
  const auto at = [&](int i, int k) {
    return static_cast<double>(
        w[static_cast<std::size_t>(by_rows ? i * block.columns + k : k * block.columns + i)]);
  };
  double worst = 0;
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j <= i; ++j) {
      double dot = 0;
      for (int k = 0; k < length; ++k) dot += at(i, k) * at(j, k);
      worst = std::max(worst, std::abs(dot - (i == j ? gain * gain : 0)) / (gain * gain));
    }
  }
  return worst;
}

}  // namespace test_checklist

TEST_CASE("algorithm/checklist 1: what makes PPO work") {
  using namespace test_checklist;
  using Continuous = PPO::With<NormalizeObservations, ScaleRewards>;
  using Student = Trainer<Continuous, MultiAgentEnv<Pendulum>>;
  Student::Config config{.seed = 2, .lanes = 4, .threads = 1};
  Student trainer(config);
  // Orthogonal weights of gains sqrt(2), .01 for the policy and 1 for the value; biases zero.
  const FlatParameters& weights = trainer.learner().agents().front().weights();
  int hidden = 0, policy = 0, value = 0, deviations = 0;
  for (const Block& block : weights.layout()) {
    const auto w = std::span<const float>(weights.values()).subspan(block.offset, block.size());
    const bool critic = block.name.find("critic") != std::string::npos;
    if (block.kind == BlockKind::hidden_weight) {
      ++hidden;
      CHECK(orthogonality_error(block, w, std::sqrt(2.)) < 1e-5);
    } else if (block.kind == BlockKind::output_weight) {
      ++(critic ? value : policy);
      CHECK(orthogonality_error(block, w, critic ? 1 : .01) < 1e-5);
    } else if (block.kind == BlockKind::bias) {
      CHECK(std::all_of(w.begin(), w.end(), [](float x) { return x == 0; }));
    } else {
      deviations +=
          static_cast<int>(block.size());  // of the Gaussian: a weight, not a function of what is seen
    }
  }
  CHECK(hidden == 4);
  CHECK(policy == 1);
  CHECK(value == 1);
  CHECK(deviations == 1);
  // Its values, where nobody sets others.
  CHECK(config.algorithm.optimizer.epsilon == 1e-5f);
  CHECK(config.algorithm.max_gradient_norm == .5f);
  CHECK(config.algorithm.objective.clip == .2f);
  CHECK(config.algorithm.normalize_advantages);
  // What may be switched: the learning rate's fall to zero, and the clip of values.
  CHECK(Schedule{.kind = ScheduleKind::linear, .start = 1, .end = 0}(.75) == doctest::Approx(.25));
  const auto loss = [](bool clipped) {
    return ClippedSurrogate::value_loss<float>({.clip = .2f, .clip_value = clipped}, 2.f, 1.f, 3.f).loss;
  };
  CHECK(loss(false) == doctest::Approx(.5f));
  CHECK(loss(true) == doctest::Approx(.5f * 1.8f * 1.8f));
  // Observations and rewards of continuous control are normalised, and clipped at 10.
  CHECK(config.algorithm.observations.clip == 10.f);
  CHECK(config.algorithm.rewards.clip == 10.f);
}

TEST_CASE("algorithm/checklist 2: MAPPO's five findings, and death masking") {
  using namespace test_checklist;
  using Slots = MAPPO::Slots;
  static_assert(Slots::ValueNormalization::normalizes && Slots::Critic::needs_state);
  static_assert(Slots::AgentIds::features<CueGame> == agent_count<CueGame>);
  static_assert(Slots::ActiveMasks::keeps_idle);
  const Slots::Config config;
  CHECK(config.epochs <= 10);
  CHECK(config.minibatch == 0);
  CHECK(config.objective.clip <= .2f);
  // Statistics of values are debiased: after one rollout they are that rollout's, however slow their decay,
  // and what the critic puts out is turned back before returns are estimated.
  ValueNormalization::State values({.decay = .999f});
  values.learn(4, 4 * 10., 4 * (100. + 9.));
  CHECK(values.value(0) == doctest::Approx(10));
  CHECK(values.value(1) - values.value(0) == doctest::Approx(3));
  CHECK(values.target(13) == doctest::Approx(1));
}

TEST_CASE("algorithm/checklist 3: QMIX in PyMARL2's shape, and what its targets are of") {
  using namespace test_checklist;
  using M = Qmix<32>::mixer<3, 7>;
  const auto has = [](const char* name, int rows, int columns) {
    const Layout layout = M::layout();
    return std::any_of(layout.begin(), layout.end(), [&](const Block& b) {
      return b.name == name && b.rows == rows && b.columns == columns;
    });
  };
  CHECK(has("w1.0.weight", 64, 7));
  CHECK(has("w1.1.weight", 3 * 32, 64));
  CHECK(has("w2.0.weight", 64, 7));
  CHECK(has("w2.1.weight", 32, 64));
  CHECK(has("b1.0.weight", 32, 7));
  CHECK(has("v.0.weight", 32, 7));
  CHECK(has("v.1.weight", 1, 32));
  CHECK(QMIX::Slots::Config{}.double_q);
  // |W1| and |w2|: turning the signs of the last hypernetwork layers changes nothing but through biases.
  Random random(4, 0, 0, 0, Purpose::test);
  AlignedVector<float> w(M::parameters), q(3 * tile_rows), state(7 * tile_rows), cache(M::cache_size);
  for (auto* values : {&w, &q, &state}) {
    for (float& x : *values) x = random.uniform(-1, 1);
  }
  const auto total = [&] {
    AlignedVector<float> to(tile_rows);
    M::forward<Simd>(w.data(), q.data(), state.data(), to.data(), cache.data(), tile_rows);
    return to;
  };
  const auto before = total();
  for (const Block& block : M::layout()) {
    if (block.name.rfind("w1.1.", 0) != 0 && block.name.rfind("w2.1.", 0) != 0) continue;
    for (std::size_t i = 0; i < block.size(); ++i) w[block.offset + i] = -w[block.offset + i];
  }
  CHECK(total() == before);
}

TEST_CASE("algorithm/checklist 4: rewards are scaled, their mean is not taken out") {
  using namespace test_checklist;
  static_assert(std::is_same_v<PPO::Slots::RewardNormalization, RawRewards>);
  // Every step costs 1: with the mean taken out it would cost nothing, and long episodes would be as good.
  std::vector<float> rewards(64, -1.f);
  std::vector<End> ends(64, End::none);
  ScaleRewards::State state({}, 1);
  const ArrayView<float, 2> r = row_major(rewards.data(), 64, 1);
  const ArrayView<End, 2> e = row_major(ends.data(), 64, 1);
  state.scale(r, e, 0, .9f);
  for (const float x : rewards) CHECK(x < 0);
}

TEST_CASE("algorithm/checklist 5: MADDPG's discrete actions are hard ones, its gradient the relaxation's") {
  using namespace test_checklist;
  using Head = GumbelSoftmax::head<Discrete<3>>;
  const float logits[] = {.3f, -.2f, .1f}, uniforms[] = {.5f, .6f, .4f}, by[] = {1, 0, 0};
  float action[3], gradient[3];
  Head::sample<float>({}, In<float>{logits}, {}, In<float>{uniforms}, Out<float>{action});
  for (const float x : action) CHECK((x == 0 || x == 1));
  Head::backward<float>({}, In<float>{logits}, {}, In<float>{uniforms}, In<float>{action}, In<float>{by}, 0.f,
                        Out<float>{gradient});
  CHECK(gradient[0] > 0);
  CHECK(gradient[1] < 0);
  CHECK(gradient[2] < 0);
  // Targets are of what the target actors would do, by their own weights.
  static_assert(Head::targeted);
}

TEST_CASE("algorithm/checklist 6: SAC's expectations over Discrete actions are exact, its target a share") {
  using namespace test_checklist;
  using Head = StochasticActor::head<Discrete<3>>;
  static_assert(Head::expected && Head::cautious && SAC::Slots::Critics::count == 2);
  const float logits[] = {std::log(.2f), std::log(.3f), std::log(.5f)}, values[] = {1, 2, 4};
  const auto e = Head::expectation<float>(In<float>{logits}, {}, In<float>{values});
  CHECK(e.mean == doctest::Approx(.2 + .6 + 2.));
  CHECK(e.entropy == doctest::Approx(-.2 * std::log(.2) - .3 * std::log(.3) - .5 * std::log(.5)));
  CHECK(Head::target_entropy({}) == doctest::Approx(.98 * std::log(3.)));
  CHECK(Head::target_entropy({.discrete_target = .5f}) == doctest::Approx(.5 * std::log(3.)));
}

TEST_CASE("algorithm/checklist 7: illegal actions leave before the softmax") {
  using namespace test_checklist;
  using D = Categorical<3>;
  const float logits[] = {5, 1, 1}, mask[] = {0, 1, 1}, action[] = {1}, uniform[] = {0};
  const auto e = D::evaluate<float>(In<float>{logits}, {}, In<float>{mask}, In<float>{action});
  CHECK(e.log_prob == doctest::Approx(std::log(.5)));
  CHECK(e.entropy == doctest::Approx(std::log(2.)));
  float drawn[1], gradient[3];
  D::sample<float>(In<float>{logits}, {}, In<float>{mask}, In<float>{uniform}, Out<float>{drawn});
  CHECK(drawn[0] == 1);
  D::backward<float>(In<float>{logits}, {}, In<float>{mask}, In<float>{action}, 1.f, 1.f,
                     Out<float>{gradient}, {});
  CHECK(gradient[0] == 0);
}

TEST_CASE("algorithm/checklist 8: prioritised samples weigh 1 / (N P), and old data does leave") {
  using namespace test_checklist;
  // One ring of three transitions, of errors 1, 1 and 2: P = 1/4, 1/4, 1/2 with exponent 1, and with beta 1
  // weights 1 / (N P) = 4/3, 4/3, 2/3, over the greatest 1, 1, 1/2.
  const ReplayShape shape{.units = 1, .capacity = 3, .observation = 1};
  PrioritizedReplay::Arrays replay({.capacity = 3, .exponent = 1.f, .correction = 1.f, .epsilon = 0.f},
                                   shape);
  const float paid = 0;
  for (int i = 0; i < 4; ++i) {  // the first leaves when the fourth comes
    const int id = replay.begin(0, 1);
    replay.observations.data[id] = static_cast<float>(i);
    replay.reward(0, &paid);
    replay.terminate(0);
  }
  replay.settle();
  CHECK(replay.size() == 3);
  std::vector<int> ids(4000);
  std::vector<float> weights(ids.size()), errors(ids.size());
  Random random(8, 0, 0, 0, Purpose::test);
  replay.sample(random, 1, ids, weights);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CHECK(replay.observations.data[ids[i]] > 0);
    errors[i] = replay.observations.data[ids[i]] == 3 ? 2.f : 1.f;
  }
  replay.learn(ids, errors);
  replay.settle();
  replay.sample(random, 1, ids, weights);
  int often = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool great = replay.observations.data[ids[i]] == 3;
    often += great;
    CHECK(weights[i] == doctest::Approx(great ? .5 : 1));
  }
  CHECK(often == doctest::Approx(2000).epsilon(.06));
}
