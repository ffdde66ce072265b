// Every distribution learns under PPO: one-step bandits whose best action is known for each of two cues.
#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>

#include <polis/algorithm/ppo.hpp>
#include <polis/distribution/beta.hpp>
#include <polis/distribution/dirichlet.hpp>
#include <polis/distribution/squashed_gaussian.hpp>
#include <polis/train/trainer.hpp>

namespace test_distributions {

using namespace polis;

struct Lever : Box<2> {
  static constexpr Array<float, 2> low{{-1, 10}}, high{{3, 11}};
};
using Shares = Simplex<3>;
using Choice = MultiDiscrete<3, 4>;

/// Squared distance from the lever's best position, in parts of its range: next to the bounds for either cue.
inline float loss(Lever, const Lever::Element& at, int cue) {
  const float x = (at[0] - (cue == 0 ? -.9f : 2.f)) / 4, y = at[1] - (cue == 0 ? 10.3f : 10.95f);
  return x * x + y * y;
}
/// The same from the best shares.
inline float loss(Shares, const Shares::Element& at, int cue) {
  const float best[2][3] = {{.6f, .3f, .1f}, {.1f, .1f, .8f}};
  float sum = 0;
  for (int i = 0; i < 3; ++i) sum += (at[i] - best[cue][i]) * (at[i] - best[cue][i]);
  return sum;
}
/// The largest legal indices are best; those equal to 2 - cue, and 3, are illegal.
inline float loss(Choice, const Choice::Element& at, int cue) {
  return static_cast<float>((cue == 0 ? 1 : 2) - at[0] + 2 - at[1]);
}
inline float loss(Tuple<Lever, Choice, Shares>, const auto& at, int cue) {
  return loss(Lever{}, at.template get<0>(), cue) + loss(Choice{}, at.template get<1>(), cue) +
         loss(Shares{}, at.template get<2>(), cue);
}

template <class S>
struct Bandit {
  static constexpr int agents = 1;
  using Observation = Discrete<2>;
  using Action = S;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int cue = 0;

  void reset(auto& ctx) { cue = ctx.random.integer(2); }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = -loss(S{}, actions[0], cue);
    ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(cue); }
  void legal(int, Row allowed) const
    requires(S::kind == SpaceKind::multi_discrete || S::kind == SpaceKind::tuple)
  {
    allowed[2 - cue] = 0, allowed[6] = 0;
  }
};

/// Greedy loss, mean of 200 episodes, after `updates` updates.
template <class Algorithm, class S>
double learnt(int updates) {
  using Learner = Trainer<Algorithm, MultiAgentEnv<Bandit<S>>>;
  typename Learner::Config config;
  config.seed = 5, config.lanes = 64, config.threads = 1;
  config.algorithm.steps = 8, config.algorithm.minibatch = 256;
  config.algorithm.optimizer.learning_rate = 1e-2f;
  config.algorithm.entropy_coefficient = 0;
  Learner trainer(config);
  trainer.train(static_cast<std::uint64_t>(64 * 8 * updates));
  return -trainer.evaluate(200).mean;
}

using Small = PPO::With<Mlp<16>>;

template <class Algorithm, class S>
using DistributionIn = typename internal::OnPolicyAgents<Algorithm, Bandit<S>, 0, Simd>::Parts::Distribution;

}  // namespace test_distributions

TEST_CASE("algorithm/distributions: a word chooses for the spaces it is for, in a Tuple part by part") {
  using namespace test_distributions;
  using All = Tuple<Lever, Choice, Shares>;
  CHECK(std::is_same_v<DistributionIn<PPO, Choice>, MultiCategorical<3, 4>>);
  CHECK(std::is_same_v<DistributionIn<PPO::With<Beta>, Lever>, BetaOn<Lever>>);
  CHECK(std::is_same_v<DistributionIn<PPO::With<Beta>, All>,
                       Product<BetaOn<Lever>, MultiCategorical<3, 4>, SimplexGaussian<3>>>);
  CHECK(std::is_same_v<DistributionIn<PPO::With<FirstFitting<Beta, Dirichlet>>, Tuple<Tuple<Shares>, Lever>>,
                       Product<Product<DirichletOn<3>>, BetaOn<Lever>>>);
  CHECK(std::is_same_v<DistributionIn<PPO::With<SquashedGaussian>, Tuple<Box<1>, Lever>>,
                       Product<SquashedGaussianOn<Box<1>>, SquashedGaussianOn<Lever>>>);
  CHECK(std::is_same_v<DistributionIn<PPO::With<FirstFitting<Beta, SquashedGaussian>>, Tuple<Box<1>, Lever>>,
                       Product<SquashedGaussianOn<Box<1>>, BetaOn<Lever>>>);
}

TEST_CASE("algorithm/distributions: words that are for none of an action's parts are told") {
  using namespace test_distributions;
  using internal::distribution_fits;
  CHECK(distribution_fits<FittingDistribution, Tuple<Lever, Choice, Tuple<Shares, Discrete<2>>>>);
  CHECK(distribution_fits<Beta, Tuple<Discrete<2>, Tuple<Lever>>>);
  CHECK(!distribution_fits<Beta, Box<2>>);
  CHECK(!distribution_fits<Beta, Tuple<Discrete<2>, Box<2>, Shares>>);
  CHECK(!distribution_fits<Dirichlet, Lever>);
  CHECK(!distribution_fits<SquashedGaussian, Shares>);
  CHECK(!distribution_fits<FirstFitting<Beta, Dirichlet>, Choice>);
  CHECK(!distribution_fits<Tanh, Lever>);
}

TEST_CASE("algorithm/distributions: each learns the best action of either cue" *
          doctest::test_suite("learning")) {
  using namespace test_distributions;
  CHECK(learnt<Small::With<Beta>, Lever>(60) < 1e-3);
  CHECK(learnt<Small::With<SquashedGaussian>, Lever>(60) < 1e-3);
  CHECK(learnt<Small, Shares>(60) < 1e-3);
  CHECK(learnt<Small::With<Dirichlet>, Shares>(60) < 1e-3);
  CHECK(learnt<Small, Choice>(60) == 0);
}

TEST_CASE("algorithm/distributions: parts of a tuple learn together") {
  using namespace test_distributions;
  using All = Tuple<Lever, Choice, Shares>;
  CHECK(learnt<Small::With<FirstFitting<Beta, Dirichlet>>, All>(100) < 1e-2);
  CHECK(learnt<Small::With<FirstFitting<SquashedGaussian, Dirichlet>>, All>(100) < 1e-2);
}
