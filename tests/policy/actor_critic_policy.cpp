// The gradient of the whole native policy against finite differences, over time steps with carries, starts
// and slots that hold no decision; and that acting and evaluating agree.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <polis/core/random.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/policy/actor_critic_policy.hpp>

namespace test_policy {

using namespace polis;

template <class Network, class Dist>
using PolicyOf = ActorCriticPolicy<typename Network::template network<3, Dist::inputs, Tanh>,
                                   typename Network::template network<2, 1, Tanh>, Dist, Orthogonal>;

/// Three time steps where there is a carry and one where there is none; 37 rows, so that the last
/// register is not full. Undecided slots and starts fall in at random.
template <class P, bool discrete>
struct Problem {
  static constexpr int steps = P::carry_size > 0 ? 3 : 1, rows = 37;
  AlignedVector<float> features, critic_features, actions, decided, starts, carry, log_prob, entropy, value;
  AlignedVector<float> d_log_prob, d_entropy, d_value;
  P policy{{.policy_gain = 1.f, .log_std = -.3f}};
  typename P::Parameters weights;
  typename P::Workspace workspace = policy.workspace(steps);
  PolicyBatch batch;

  Problem() {
    Random random(1, 2, 3, 4, Purpose::test);
    weights = policy.parameters(random);
    const auto fill = [&random](AlignedVector<float>& tile, int words, auto number) {
      tile.resize(static_cast<std::size_t>(words * tile_rows));
      for (float& x : tile) x = number(random);
    };
    const auto normal = [](Random& r) { return r.normal(); };
    const auto flag = [](Random& r) { return r.uniform() < .7f ? 1.f : 0.f; };
    fill(features, steps * 3, normal), fill(critic_features, steps * 2, normal);
    fill(actions, steps * P::words,
         [](Random& r) { return discrete ? static_cast<float>(r.integer(3)) : r.normal(); });
    fill(decided, steps, flag), fill(starts, steps, [](Random& r) { return r.uniform() < .3f ? 1.f : 0.f; });
    fill(carry, P::carry_size, normal);
    fill(log_prob, steps, normal), fill(entropy, steps, normal), fill(value, steps, normal);
    fill(d_log_prob, steps, normal), fill(d_entropy, steps, normal), fill(d_value, steps, normal);
    for (int i = 0; i < steps * tile_rows; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (i % tile_rows >= rows) decided[at] = d_value[at] = 0;
      if (decided[at] == 0.f) d_log_prob[at] = d_entropy[at] = 0;
    }
    batch = {.steps = steps,
             .rows = rows,
             .features = features.data(),
             .critic_features = critic_features.data(),
             .actions = actions.data(),
             .decided = decided.data(),
             .starts = starts.data(),
             .carry = carry.data()};
  }

  /// The sum of the outputs, each times its given derivative. Values count where nothing was decided too: a
  /// critic may learn from agents that are out of action.
  double loss() {
    policy.template evaluate<Simd>(weights, workspace, batch,
                                   {log_prob.data(), entropy.data(), value.data(), nullptr});
    double sum = 0;
    for (std::size_t i = 0; i < decided.size(); ++i) {
      if (d_value[i] != 0.f) sum += static_cast<double>(d_value[i]) * static_cast<double>(value[i]);
      if (decided[i] == 0.f) continue;
      sum += static_cast<double>(d_log_prob[i]) * static_cast<double>(log_prob[i]);
      sum += static_cast<double>(d_entropy[i]) * static_cast<double>(entropy[i]);
    }
    return sum;
  }
};

/// A value for each action, from a network without memory.
template <class Network>
using CounterfactualOf = ActorCriticPolicy<typename Network::template network<3, 3, Tanh>,
                                           Mlp<5>::network<2, 3, Tanh>, Categorical<3>, Orthogonal>;

template <class P>
void check_gradient() {
  Problem<P, (P::mask_size > 0)> problem;
  auto gradient = problem.weights.like();
  (void)problem.loss();
  problem.policy.template backward<Simd>(
      problem.weights, problem.workspace, problem.batch,
      {problem.d_log_prob.data(), problem.d_entropy.data(), problem.d_value.data(), nullptr}, gradient);
  constexpr float h = 4e-3f;
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < problem.weights.size(); ++i) {
    float& weight = problem.weights.values()[i];
    const float kept = weight;
    weight = kept + h;
    const double above = problem.loss();
    weight = kept - h;
    const double below = problem.loss();
    weight = kept;
    const double difference = (above - below) / (2 * static_cast<double>(h));
    const auto analytic = static_cast<double>(gradient.values()[i]);
    worst = std::max(worst, std::abs(difference - analytic));
    largest = std::max(largest, std::abs(analytic));
  }
  CHECK(largest > 1);
  CHECK(worst < 5e-3 * largest);
}

}  // namespace test_policy

TEST_CASE("policy/actor_critic_policy: gradients against finite differences") {
  using namespace test_policy;
  check_gradient<PolicyOf<Mlp<5>, Categorical<3>>>();
  check_gradient<PolicyOf<Mlp<5>, DiagGaussian<2>>>();
  check_gradient<PolicyOf<Gru<5>, Categorical<3>>>();
  check_gradient<PolicyOf<Gru<5>, DiagGaussian<2>>>();
  check_gradient<CounterfactualOf<Mlp<5>>>();
  check_gradient<CounterfactualOf<Gru<5>>>();
}

TEST_CASE_TEMPLATE("policy/actor_critic_policy: a magnet's gradient against finite differences", P,
                   test_policy::PolicyOf<polis::Mlp<5>, polis::Categorical<3>>,
                   test_policy::PolicyOf<polis::Mlp<5>, polis::DiagGaussian<2>>) {
  using namespace test_policy;
  static_assert(MeasuresDivergence<P, Simd> && !MeasuresDivergence<PolicyOf<Gru<5>, Categorical<3>>, Simd>);
  Problem<P, (P::mask_size > 0)> problem;
  Random random(7, 0, 0, 0, Purpose::test);
  const auto magnet = problem.policy.parameters(random);
  AlignedVector<float> divergence(tile_rows), d_divergence(tile_rows);
  for (std::size_t i = 0; i < problem.rows; ++i) d_divergence[i] = .5f + random.uniform();
  const auto loss = [&] {
    problem.policy.template attract<Simd>(magnet, problem.workspace, problem.batch);
    problem.policy.template evaluate<Simd>(
        problem.weights, problem.workspace, problem.batch,
        MagnetOutputs{{problem.log_prob.data(), problem.entropy.data(), problem.value.data()},
                      divergence.data()});
    double sum = 0;
    for (std::size_t i = 0; i < problem.rows; ++i) {
      sum += static_cast<double>(d_divergence[i]) * static_cast<double>(divergence[i]);
    }
    return sum;
  };
  CHECK(loss() > .1);
  auto gradient = problem.weights.like();
  AlignedVector<float> zeros(tile_rows);
  problem.policy.template backward<Simd>(
      problem.weights, problem.workspace, problem.batch,
      MagnetOutputs{{zeros.data(), zeros.data(), zeros.data()}, d_divergence.data()}, gradient);
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < problem.weights.size(); ++i) {
    float& weight = problem.weights.values()[i];
    const float kept = weight;
    weight = kept + 4e-3f;
    const double above = loss();
    weight = kept - 4e-3f;
    const double below = loss();
    weight = kept;
    const auto analytic = static_cast<double>(gradient.values()[i]);
    worst = std::max(worst, std::abs((above - below) / 8e-3 - analytic));
    largest = std::max(largest, std::abs(analytic));
  }
  CHECK(largest > 1);
  CHECK(worst < 5e-3 * largest);
}

TEST_CASE("policy/actor_critic_policy: a counterfactual baseline is the mean over the actions there were") {
  using namespace test_policy;
  using P = CounterfactualOf<Mlp<5>>;
  Problem<P, true> problem;
  AlignedVector<float> baseline(tile_rows), mean(tile_rows, 0.f);
  const PolicyOutputs out{problem.log_prob.data(), problem.entropy.data(), problem.value.data(),
                          baseline.data()};
  for (int action = 0; action < 3; ++action) {
    std::fill(problem.actions.begin(), problem.actions.end(), static_cast<float>(action));
    problem.policy.evaluate<Simd>(problem.weights, problem.workspace, problem.batch, out);
    for (std::size_t i = 0; i < P::words * tile_rows; ++i)
      mean[i] += std::exp(problem.log_prob[i]) * problem.value[i];
  }
  for (std::size_t i = 0; i < problem.rows; ++i) CHECK(baseline[i] == doctest::Approx(mean[i]).epsilon(1e-4));
}

TEST_CASE("policy/actor_critic_policy: evaluating a segment repeats what acting step by step gave") {
  using namespace test_policy;
  using P = PolicyOf<Gru<5>, Categorical<3>>;
  Problem<P, true> problem;
  AlignedVector<float> carry = problem.carry, before,
                       uniforms(static_cast<std::size_t>(P::noise) * tile_rows);
  AlignedVector<float> log_prob(tile_rows), value(tile_rows), acted, valued;
  Random random(9, 0, 0, 0, Purpose::test);
  for (int t = 0; t < problem.steps; ++t) {
    const auto slot = [t](int row) { return static_cast<std::size_t>(t * tile_rows + row); };
    for (int k = 0; k < P::carry_size; ++k) {
      for (int row = 0; row < tile_rows; ++row) {
        if (problem.starts[slot(row)] != 0.f) carry[static_cast<std::size_t>(k * tile_rows + row)] = 0;
      }
    }
    before = carry;
    for (float& u : uniforms) u = random.uniform();
    const PolicyBatch batch{.rows = problem.rows,
                            .features = problem.features.data() + t * 3 * tile_rows,
                            .critic_features = problem.critic_features.data() + t * 2 * tile_rows};
    problem.policy.act<Simd>(problem.weights, problem.workspace, batch, uniforms.data(), carry.data(),
                             problem.actions.data() + t * tile_rows, log_prob.data());
    problem.policy.value<Simd>(problem.weights, problem.workspace, batch, carry.data(), value.data());
    acted.insert(acted.end(), log_prob.begin(), log_prob.end());
    valued.insert(valued.end(), value.begin(), value.end());
    for (std::size_t i = 0; i < carry.size(); ++i) {
      if (problem.decided[slot(static_cast<int>(i % tile_rows))] == 0.f) carry[i] = before[i];
    }
  }
  (void)problem.loss();
  for (std::size_t i = 0; i < problem.decided.size(); ++i) {
    if (problem.decided[i] == 0.f) continue;
    CHECK(problem.log_prob[i] == doctest::Approx(acted[i]).epsilon(1e-5));
    CHECK(problem.value[i] == doctest::Approx(valued[i]).epsilon(1e-5));
  }
}

TEST_CASE("policy/actor_critic_policy: passes by turned weights are the same up to rounding") {
  using namespace test_policy;
  using Critic = Mlp<32, 16>::network<2, 1, Relu>;
  using P = ActorCriticPolicy<Mlp<16, 32>::network<3, 2, Relu>, Critic, DiagGaussian<2>, Orthogonal>;
  static_assert(TurnsWeightsFor<P, Simd> && P::learns_turned<Simd> == (batch_width<Batch<>> == 16));
  Problem<P, false> problem;
  const double loss = problem.loss();
  const PolicyOutputs d{problem.d_log_prob.data(), problem.d_entropy.data(), problem.d_value.data(), nullptr};
  auto gradient = problem.weights.like(), turned = problem.weights.like();
  problem.policy.backward<Simd>(problem.weights, problem.workspace, problem.batch, d, gradient);
  problem.policy.turn<Simd>(problem.weights, problem.workspace);
  problem.batch.turned = true;
  CHECK(problem.loss() == doctest::Approx(loss).epsilon(1e-5));
  problem.policy.backward<Simd>(problem.weights, problem.workspace, problem.batch, d, turned);
  double largest = 0;
  for (const float g : gradient.values()) largest = std::max(largest, std::abs(static_cast<double>(g)));
  CHECK(largest > 1);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    CHECK(std::abs(turned.values()[i] - gradient.values()[i]) < 1e-5 * largest);

  // What acts is what is learnt: one row or all of them, to the last bit.
  AlignedVector<float> uniforms(P::noise * tile_rows, .3f), log_prob(tile_rows), evaluated;
  for (const int rows : {1, 37}) {
    problem.batch.rows = rows;
    problem.policy.act<Simd>(problem.weights, problem.workspace, problem.batch, uniforms.data(), nullptr,
                             problem.actions.data(), log_prob.data());
    (void)problem.loss();
    if (!P::learns_turned<Simd>) continue;
    CHECK(std::equal(log_prob.begin(), log_prob.begin() + rows, problem.log_prob.begin()));
    if (rows == 1) evaluated = problem.log_prob;
  }
  if (P::learns_turned<Simd>) CHECK(evaluated[0] == problem.log_prob[0]);
}
