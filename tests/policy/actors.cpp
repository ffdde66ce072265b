// The heads of actors: samples that follow their distribution, gradients by finite differences.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/policy/deterministic_actor.hpp>
#include <polis/policy/gumbel_softmax.hpp>
#include <polis/policy/stochastic_actor.hpp>

namespace test_actors {

using namespace polis;

using Plane = Box<3>;

/// The loss c . action + d log p of one sample, in double.
template <class Head>
double loss(const std::vector<float>& outputs, const std::vector<float>& uniforms, const float* c, double d) {
  float action[Head::features];
  const double log_prob = Head::template sample<double>({}, In<double>{outputs.data()}, In<double>{},
                                                        In<double>{uniforms.data()}, Out<double>{action});
  double sum = d * log_prob;
  for (int i = 0; i < Head::features; ++i) sum += static_cast<double>(c[i]) * static_cast<double>(action[i]);
  return sum;
}

template <class Head>
void check_gradient(double d) {
  Random random(4, 0, 0, 0, Purpose::test);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> outputs(Head::inputs), uniforms(Head::noise + 1);
    for (float& x : outputs) x = random.uniform(-1.f, 1.f);
    for (float& x : uniforms) x = random.uniform(.02f, .98f);
    const float c[] = {.7f, -1.3f, .4f};
    float action[Head::features], gradient[Head::inputs];
    Head::template sample<float>({}, In<float>{outputs.data()}, In<float>{}, In<float>{uniforms.data()},
                                 Out<float>{action});
    Head::template backward<float>({}, In<float>{outputs.data()}, In<float>{}, In<float>{uniforms.data()},
                                   In<float>{action}, In<float>{c}, static_cast<float>(d),
                                   Out<float>{gradient});
    for (int i = 0; i < Head::inputs; ++i) {
      const auto moved = [&](float by) {
        auto at = outputs;
        at[static_cast<std::size_t>(i)] += by;
        return loss<Head>(at, uniforms, c, d);
      };
      const double difference = (moved(.01f) - moved(-.01f)) / .02;
      CHECK(static_cast<double>(gradient[i]) == doctest::Approx(difference).scale(1).epsilon(2e-3));
    }
  }
}

}  // namespace test_actors

TEST_CASE("policy/actors: the gradient through a deterministic action is that of the finite difference") {
  test_actors::check_gradient<polis::DeterministicActor::head<test_actors::Plane>>(0);
}

TEST_CASE("policy/actors: so is the reparametrised gradient of a sample and its log-probability") {
  test_actors::check_gradient<polis::StochasticActor::head<test_actors::Plane>>(0);
  test_actors::check_gradient<polis::StochasticActor::head<test_actors::Plane>>(.3);
}

TEST_CASE("policy/actors: the density of a stochastic actor's actions is the one that it states") {
  using namespace test_actors;
  using Head = StochasticActor::head<Box<1>>;
  const float outputs[] = {.3f, -.4f};
  constexpr int bins = 20, draws = 200'000;
  std::vector<double> counts(bins), densities(bins), hits(bins);
  for (int i = 0; i < draws; ++i) {
    Random random(6, static_cast<std::uint64_t>(i), 0, 0, Purpose::test);
    const float uniforms[] = {random.uniform(), random.uniform()};
    float action = 0;
    const float log_prob =
        Head::sample<float>({}, In<float>{outputs}, In<float>{}, In<float>{uniforms}, Out<float>{&action});
    const auto bin = static_cast<std::size_t>(std::min(bins - 1, static_cast<int>((action + 1) / 2 * bins)));
    ++counts[bin];
    // of actions that fall in a bin, the mean of 1 / density is the bin's width over its probability
    densities[bin] += std::exp(-static_cast<double>(log_prob));
  }
  for (std::size_t bin = 4; bin < bins; ++bin) {
    CAPTURE(bin);
    CHECK(densities[bin] / draws == doctest::Approx(2. / bins).epsilon(.06));
  }
}

TEST_CASE("policy/actors: smoothing adds clipped noise to the action that follows, and to no other") {
  using namespace test_actors;
  using Head = SmoothedActor::head<Box<1>>;
  const SmoothedActor::Config config{.deviation = .2f, .bound = .3f};
  const float output = .1f;
  double squares = 0;
  int at_bound = 0;
  constexpr int draws = 50'000;
  for (int i = 0; i < draws; ++i) {
    Random random(7, static_cast<std::uint64_t>(i), 0, 0, Purpose::test);
    const float uniforms[] = {random.uniform(), random.uniform()};
    float action = 0, next = 0;
    Head::sample<float>(config, In<float>{&output}, In<float>{}, In<float>{uniforms}, Out<float>{&action});
    Head::next<float>(config, In<float>{&output}, In<float>{}, In<float>{uniforms}, Out<float>{&next});
    CHECK(action == doctest::Approx(std::tanh(.1)));
    const auto noise = static_cast<double>(next - action);
    CHECK(std::abs(noise) <= .3 + 1e-6);
    at_bound += std::abs(noise) > .3 - 1e-6;
    squares += noise * noise;
  }
  CHECK(at_bound == doctest::Approx(.1336 * draws).epsilon(.05));  // P(|z| > 1.5)
  CHECK(std::sqrt(squares / draws) == doctest::Approx(.1747).epsilon(.02));
}

TEST_CASE("policy/actors: Gumbel-softmax samples the softmax, its gradient is that of the relaxation") {
  using namespace test_actors;
  using Head = GumbelSoftmax::head<Discrete<3>>;
  const GumbelSoftmax::Config config{.temperature = .7f};
  const float logits[] = {.5f, -1.f, .2f}, d_action[] = {1.f, -.5f, .3f};
  const double sum = std::exp(.5) + std::exp(-1.) + std::exp(.2);
  constexpr int draws = 60'000;
  std::vector<int> counts(3);
  const auto relaxed = [&](const float* at, const float* uniforms) {
    double total = 0, mean = 0;
    for (int i = 0; i < 3; ++i) {
      const double z = static_cast<double>(at[i]) - std::log(-std::log(static_cast<double>(uniforms[i])));
      total += std::exp(z / .7), mean += std::exp(z / .7) * static_cast<double>(d_action[i]);
    }
    return mean / total;
  };
  for (int n = 0; n < draws; ++n) {
    Random random(5, static_cast<std::uint64_t>(n), 0, 0, Purpose::test);
    const float uniforms[] = {random.uniform(), random.uniform(), random.uniform()};
    float action[3], gradient[3];
    Head::sample<float>(config, In<float>{logits}, In<float>{}, In<float>{uniforms}, Out<float>{action});
    for (std::size_t i = 0; i < 3; ++i) counts[i] += action[i] == 1.f;
    CHECK(action[0] + action[1] + action[2] == 1.f);
    if (n >= 20 || *std::min_element(uniforms, uniforms + 3) < .01f) continue;
    Head::backward<float>(config, In<float>{logits}, In<float>{}, In<float>{uniforms}, In<float>{action},
                          In<float>{d_action}, 0.f, Out<float>{gradient});
    for (int i = 0; i < 3; ++i) {
      const auto moved = [&](float by) {
        float at[] = {logits[0], logits[1], logits[2]};
        at[i] += by;
        return relaxed(at, uniforms);
      };
      CHECK(static_cast<double>(gradient[i]) ==
            doctest::Approx((moved(1e-2f) - moved(-1e-2f)) / 2e-2).scale(1).epsilon(1e-3));
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(counts[i] == doctest::Approx(draws * std::exp(static_cast<double>(logits[i])) / sum).epsilon(.03));
  }
  const float mask[] = {0, 1, 0}, uniforms[] = {.9f, .1f, .9f};
  float action[3];
  Head::sample<float>(config, In<float>{logits}, In<float>{mask}, In<float>{uniforms}, Out<float>{action});
  CHECK(action[1] == 1.f);

  // The first and the last of the numbers that a uniform draw can be.
  const float last = 1 - 0x1p-24f, ends[] = {0.f, last, last};
  float gradient[3];
  Head::sample<float>(config, In<float>{logits}, In<float>{}, In<float>{ends}, Out<float>{action});
  Head::backward<float>(config, In<float>{logits}, In<float>{}, In<float>{ends}, In<float>{action},
                        In<float>{d_action}, 0.f, Out<float>{gradient});
  CHECK(action[2] == 1.f);  // the greatest logit of the two with the greatest number
  for (const float g : gradient) CHECK(std::isfinite(g));
}
