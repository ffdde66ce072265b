// Opponent models in the native policy: what predictions come to, and all gradients against finite
// differences, those of actor and critic through the embedding included.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/policy/actor_critic_policy.hpp>
#include <polis/policy/opponent_model.hpp>

namespace test_opponent_policy {

using namespace polis;

/// Two agents that choose one of three, and one that chooses one of two and one of four.
using Others = internal::OtherAgents<internal::ChoosingAgents<2, 3>, internal::ChoosingAgents<1, 2, 4>>;
static_assert(Others::inputs == 12 && Others::words == 4);

/// A policy that sees three features and a critic that sees two of its own or, as `local`, the actor's.
template <class Network, class Encoder, class Dist, bool local>
using PolicyOf =
    ActorCriticPolicy<typename Network::template network<3 + 4, Dist::inputs, Tanh>,
                      typename Network::template network<local ? 3 + 4 : 2, 1, Tanh>, Dist, Orthogonal,
                      internal::ModelOfOthers<typename Encoder::template network<3, 4, Tanh>, Others, local>>;

/// Three time steps where there is a carry and one where there is none; 37 rows, so that the last register is
/// not full. Undecided slots, starts and others that do not act fall in at random.
template <class P>
struct Problem {
  static constexpr int steps = P::carry_size > 0 ? 3 : 1, rows = 37;
  static constexpr bool discrete = P::mask_size > 0;
  AlignedVector<float> features, critic_features, actions, decided, starts, carry, others;
  AlignedVector<float> log_prob, entropy, value, loss, accuracy;
  AlignedVector<float> d_log_prob, d_entropy, d_value, d_loss;
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
    fill(features, steps * 3, normal), fill(critic_features, steps * 2, normal);
    fill(actions, steps * P::words,
         [](Random& r) { return discrete ? static_cast<float>(r.integer(3)) : r.normal(); });
    fill(decided, steps, [](Random& r) { return r.uniform() < .7f ? 1.f : 0.f; });
    fill(starts, steps, [](Random& r) { return r.uniform() < .3f ? 1.f : 0.f; });
    fill(carry, P::carry_size, normal);
    for (auto* tile : {&log_prob, &entropy, &value, &loss, &accuracy, &d_log_prob, &d_entropy, &d_value})
      fill(*tile, steps, normal);
    fill(d_loss, steps, normal);
    fill(others, steps * Others::words, [](Random& r) { return static_cast<float>(r.integer(2)); });
    for (std::size_t i = 0; i < decided.size(); ++i) {
      if (static_cast<int>(i % tile_rows) >= rows) decided[i] = d_value[i] = 0;
      if (decided[i] == 0.f) d_log_prob[i] = d_entropy[i] = d_loss[i] = 0;
      const int t = static_cast<int>(i) / tile_rows, row = static_cast<int>(i) % tile_rows;
      for (const int agent : {0, 1, 2}) {
        if (random.uniform() < .6f) continue;
        for (int word = agent; word < (agent < 2 ? agent + 1 : 4); ++word) other(t, word, row) = -1;
      }
    }
    batch = {.steps = steps,
             .rows = rows,
             .features = features.data(),
             .critic_features = P::critic_features == P::features ? features.data() : critic_features.data(),
             .actions = actions.data(),
             .decided = decided.data(),
             .starts = starts.data(),
             .carry = carry.data(),
             .others = others.data()};
  }

  float& other(int t, int word, int row) {
    return others[static_cast<std::size_t>((t * Others::words + word) * tile_rows + row)];
  }
  PolicyOutputs outputs() {
    return {log_prob.data(), entropy.data(), value.data(), nullptr, loss.data(), accuracy.data()};
  }
  PolicyOutputs derivatives() {
    return {d_log_prob.data(), d_entropy.data(), d_value.data(), nullptr, d_loss.data()};
  }

  /// The sum of the outputs, each times its given derivative.
  double total() {
    policy.template evaluate<Simd>(weights, workspace, batch, outputs());
    double sum = 0;
    const auto add = [&sum](float derivative, float output) {
      if (derivative != 0.f) sum += static_cast<double>(derivative) * static_cast<double>(output);
    };
    for (std::size_t i = 0; i < decided.size(); ++i) {
      add(d_value[i], value[i]), add(d_loss[i], loss[i]);
      add(d_log_prob[i], log_prob[i]), add(d_entropy[i], entropy[i]);
    }
    return sum;
  }
  typename P::Parameters gradient(const PolicyOutputs& d) {
    (void)total();
    auto result = weights.like();
    policy.template backward<Simd>(weights, workspace, batch, d, result);
    return result;
  }
};

/// Block by block, since an error in a small one would hide behind a large one.
template <class P>
void check_gradient(Problem<P>& problem, auto&& total, const FlatParameters& gradient) {
  constexpr float h = 4e-3f;
  for (const Block& block : gradient.layout()) {
    double worst = 0, largest = 0;
    for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
      float& weight = problem.weights.values()[i];
      const float kept = weight;
      weight = kept + h;
      const double above = total();
      weight = kept - h;
      const double below = total();
      weight = kept;
      const double difference = (above - below) / (2 * static_cast<double>(h));
      const auto analytic = static_cast<double>(gradient.values()[i]);
      worst = std::max(worst, std::abs(difference - analytic));
      largest = std::max(largest, std::abs(analytic));
    }
    CAPTURE(block.name);
    CHECK(largest > .1);
    CHECK(worst < 5e-3 * std::max(largest, 1.));
  }
}

bool begins_with(const std::string& name, const std::string& prefix) { return name.rfind(prefix, 0) == 0; }

}  // namespace test_opponent_policy

using namespace test_opponent_policy;

TEST_CASE("policy/opponent_model: cross-entropy and accuracy are means over the others that act") {
  // Probabilities 1/2, 1/4, 1/4 of the first; 1/6, 1/6, 2/3 of the second; 1/3, 2/3 and 1/8, 1/8, 1/4, 1/2.
  const float logits[12] = {std::log(2.f), 0, 0, 0, 0, std::log(4.f), 0, std::log(2.f), 0, 0, std::log(2.f),
                            std::log(4.f)};
  const auto of = [&](float a, float b, float c, float d) {
    const float actions[4] = {a, b, c, d};
    return Others::evaluate<double>({logits, 1}, {actions, 1});
  };
  const auto all = of(0, 1, 1, 2);
  CHECK(all.cross_entropy ==
        doctest::Approx((std::log(2.) + std::log(6.) + std::log(1.5) + std::log(4.)) / 3));
  CHECK(all.accuracy == doctest::Approx(1. / 3));
  const auto third = of(-1, -1, 1, 3);
  CHECK(third.cross_entropy == doctest::Approx(std::log(1.5) + std::log(2.)));
  CHECK(third.accuracy == doctest::Approx(1));
  const auto second = of(-1, 2, -1, -1);
  CHECK(second.cross_entropy == doctest::Approx(std::log(1.5)));
  CHECK(second.accuracy == doctest::Approx(1));
  const auto nobody = of(-1, -1, -1, -1);
  CHECK(nobody.cross_entropy == 0);
  CHECK(nobody.accuracy == 0);

  const float actions[4] = {2, -1, 0, 3};
  float d_logits[12];
  Others::backward<float>({logits, 1}, {actions, 1}, 1.f, {d_logits, 1});
  for (int i = 0; i < 12; ++i) {
    float moved[12];
    const auto at = [&](float x) {
      std::copy_n(logits, 12, moved);
      moved[i] += x;
      return Others::evaluate<double>({moved, 1}, {actions, 1}).cross_entropy;
    };
    CHECK(static_cast<double>(d_logits[i]) == doctest::Approx((at(1e-3f) - at(-1e-3f)) / 2e-3).epsilon(1e-3));
    if (i >= 3 && i < 6) CHECK(d_logits[i] == 0.f);  // of the one that does not act
  }
}

TEST_CASE_TEMPLATE("policy/opponent_model: gradients against finite differences", P,
                   PolicyOf<Mlp<5>, Mlp<6>, Categorical<3>, true>,
                   PolicyOf<Mlp<5>, Mlp<6>, DiagGaussian<2>, false>,
                   PolicyOf<Gru<5>, Mlp<6>, Categorical<3>, true>,
                   PolicyOf<Mlp<5>, Gru<6>, Categorical<3>, true>,
                   PolicyOf<Gru<5>, Gru<6>, DiagGaussian<2>, false>) {
  static_assert(ModelsOpponents<P> && P::features == 3 && P::other_words == 4);
  Problem<P> problem;
  check_gradient(problem, [&] { return problem.total(); }, problem.gradient(problem.derivatives()));
}

TEST_CASE("policy/opponent_model: detached, the encoder learns from the others' actions alone") {
  using P = PolicyOf<Mlp<5>, Mlp<6>, Categorical<3>, true>;
  Problem<P> problem;
  const auto joined = problem.gradient(problem.derivatives());
  auto d = problem.derivatives();
  d.detached = true;
  const auto detached = problem.gradient(d);
  AlignedVector<float> zeros(tile_rows);
  const auto predicting =
      problem.gradient({zeros.data(), zeros.data(), zeros.data(), nullptr, problem.d_loss.data()});
  d = problem.derivatives();
  d.prediction_loss = nullptr;
  const auto acting = problem.gradient(d);
  bool encoder_differs = false;
  for (const Block& block : joined.layout()) {
    const bool model = begins_with(block.name, "opponent_model."),
               encoder = begins_with(block.name, "opponent_model.encoder.");
    for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
      const auto value = [i](const FlatParameters& g) { return g.values()[i]; };
      CHECK(value(detached) == (model ? value(predicting) : value(joined)));
      CHECK(value(joined) == doctest::Approx(value(predicting) + value(acting)).epsilon(1e-3));
      if (model && !encoder) CHECK(value(acting) == 0.f);
      encoder_differs = encoder_differs || (encoder && value(detached) != value(joined));
    }
  }
  CHECK(encoder_differs);
}

TEST_CASE("policy/opponent_model: others that do not act give no gradient") {
  using P = PolicyOf<Mlp<5>, Mlp<6>, Categorical<3>, true>;
  Problem<P> problem;
  std::fill(problem.others.begin(), problem.others.end(), -1.f);
  AlignedVector<float> zeros(tile_rows);
  const auto nothing =
      problem.gradient({zeros.data(), zeros.data(), zeros.data(), nullptr, problem.d_loss.data()});
  for (const float g : nothing.values()) CHECK(g == 0.f);
  // Of one that acts in some rows, the head's own outputs alone.
  for (int row = 0; row < Problem<P>::rows; ++row) problem.other(0, 1, row) = row % 2 == 0 ? 1.f : -1.f;
  const auto second =
      problem.gradient({zeros.data(), zeros.data(), zeros.data(), nullptr, problem.d_loss.data()});
  const Layout layout = P::layout();
  const Block& bias = layout.back();
  REQUIRE(bias.name == "opponent_model.head.bias");
  for (std::size_t i = 0; i < 12; ++i) CHECK((second.values()[bias.offset + i] != 0.f) == (i >= 3 && i < 6));
}

TEST_CASE("policy/opponent_model: a magnet's gradient against finite differences") {
  using P = PolicyOf<Mlp<5>, Mlp<6>, Categorical<3>, true>;
  static_assert(MeasuresDivergence<P, Simd>);
  Problem<P> problem;
  Random random(7, 0, 0, 0, Purpose::test);
  const auto magnet = problem.policy.parameters(random);
  AlignedVector<float> divergence(tile_rows), d_divergence(tile_rows), zeros(tile_rows);
  for (std::size_t i = 0; i < Problem<P>::rows; ++i) d_divergence[i] = .5f + random.uniform();
  const auto total = [&] {
    problem.policy.attract<Simd>(magnet, problem.workspace, problem.batch);
    const MagnetOutputs out{problem.outputs(), divergence.data()};
    problem.policy.evaluate<Simd>(problem.weights, problem.workspace, problem.batch, out);
    double sum = 0;
    for (std::size_t i = 0; i < Problem<P>::rows; ++i)
      sum += static_cast<double>(d_divergence[i]) * static_cast<double>(divergence[i]);
    return sum;
  };
  CHECK(total() > .1);
  auto gradient = problem.weights.like();
  problem.policy.backward<Simd>(
      problem.weights, problem.workspace, problem.batch,
      MagnetOutputs{{zeros.data(), zeros.data(), zeros.data()}, d_divergence.data()}, gradient);
  double worst = 0, encoder = 0;
  for (const Block& block : gradient.layout()) {
    for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
      float& weight = problem.weights.values()[i];
      const float kept = weight;
      weight = kept + 4e-3f;
      const double above = total();
      weight = kept - 4e-3f;
      const double below = total();
      weight = kept;
      const auto analytic = static_cast<double>(gradient.values()[i]);
      worst = std::max(worst, std::abs((above - below) / 8e-3 - analytic));
      if (begins_with(block.name, "opponent_model.encoder.")) encoder = std::max(encoder, std::abs(analytic));
    }
  }
  CHECK(encoder > .1);
  CHECK(worst < 5e-3);
}

TEST_CASE_TEMPLATE("policy/opponent_model: evaluating a segment repeats what acting step by step gave", P,
                   PolicyOf<Gru<5>, Mlp<6>, Categorical<3>, true>,
                   PolicyOf<Mlp<5>, Gru<6>, Categorical<3>, true>) {
  Problem<P> problem;
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
    const float* const features = problem.features.data() + t * 3 * tile_rows;
    // A value alone embeds what it sees itself, by a carry that is then thrown away.
    AlignedVector<float> aside = carry, alone(tile_rows);
    problem.policy.template value<Simd>(problem.weights, problem.workspace,
                                        {.rows = problem.rows, .critic_features = features}, aside.data(),
                                        alone.data());
    const PolicyBatch batch{.rows = problem.rows, .features = features, .critic_features = features};
    problem.policy.template act<Simd>(problem.weights, problem.workspace, batch, uniforms.data(),
                                      carry.data(), problem.actions.data() + t * tile_rows, log_prob.data());
    problem.policy.template value<Simd>(problem.weights, problem.workspace, batch, carry.data(),
                                        value.data());
    for (std::size_t i = 0; i < problem.rows; ++i) CHECK(alone[i] == value[i]);
    acted.insert(acted.end(), log_prob.begin(), log_prob.end());
    valued.insert(valued.end(), value.begin(), value.end());
    for (std::size_t i = 0; i < carry.size(); ++i) {
      if (problem.decided[slot(static_cast<int>(i % tile_rows))] == 0.f) carry[i] = before[i];
    }
  }
  (void)problem.total();
  for (std::size_t i = 0; i < problem.decided.size(); ++i) {
    if (problem.decided[i] == 0.f) continue;
    CHECK(problem.log_prob[i] == doctest::Approx(acted[i]).epsilon(1e-5));
    CHECK(problem.value[i] == doctest::Approx(valued[i]).epsilon(1e-5));
  }
}
