#include <doctest/doctest.h>

#include <cmath>

#include <polis/core/random.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/objective/clipped_surrogate.hpp>
#include <polis/objective/dual_clip.hpp>
#include <polis/objective/mirror_descent.hpp>
#include <polis/objective/policy_gradient.hpp>

namespace {

using polis::ClippedSurrogate;
using polis::DualClip;
using polis::MirrorDescent;
using polis::PolicyGradient;
using Sample = polis::PolicySample<double>;

static_assert(polis::PointwiseObjective<ClippedSurrogate>);
static_assert(polis::PointwiseObjective<PolicyGradient>);
static_assert(polis::PointwiseObjective<DualClip>);
static_assert(polis::PointwiseObjective<MirrorDescent>);
static_assert(!polis::PointwiseObjective<float>);
static_assert(polis::weighs_by_ratio<ClippedSurrogate> && polis::weighs_by_ratio<DualClip>);
static_assert(!polis::weighs_by_ratio<PolicyGradient>);

// d loss / d log_prob by central differences.
template <class O>
double slope(const typename O::Config& config, Sample sample, double h = 1e-5) {
  Sample up = sample, down = sample;
  up.log_prob += h, down.log_prob -= h;
  return (O::template policy_loss<double>(config, up).loss -
          O::template policy_loss<double>(config, down).loss) /
         (2 * h);
}

template <class O>
double value_slope(const typename O::Config& config, double value, double old_value, double target) {
  const double h = 1e-5;
  return (O::template value_loss<double>(config, value + h, old_value, target).loss -
          O::template value_loss<double>(config, value - h, old_value, target).loss) /
         (2 * h);
}

}  // namespace

TEST_CASE("objective/clipped_surrogate: the four corners of figure 1 of the paper") {
  const ClippedSurrogate::Config config{.clip = .2f};
  const auto at = [&](double ratio, double advantage) {
    return ClippedSurrogate::policy_loss<double>(config, {std::log(ratio) - 1, -1, advantage});
  };
  const double clip = static_cast<double>(.2f);
  // Good action, already likelier than 1 + clip: no more profit. Less likely: full gradient, however small
  // the ratio.
  CHECK(at(1.5, 2).loss == doctest::Approx(-2 * (1 + clip)));
  CHECK(at(1.5, 2).d_log_prob == 0);
  CHECK(at(.5, 2).loss == doctest::Approx(-1));
  CHECK(at(.5, 2).d_log_prob == doctest::Approx(-1));
  // Bad action: the mirror image.
  CHECK(at(.5, -2).loss == doctest::Approx(2 * (1 - clip)));
  CHECK(at(.5, -2).d_log_prob == 0);
  CHECK(at(1.5, -2).loss == doctest::Approx(3));
  CHECK(at(1.5, -2).d_log_prob == doctest::Approx(3));
  CHECK(at(1.5, 2).clipped == 1);
  CHECK(at(1.1, 2).clipped == 0);
  CHECK(at(1.1, 2).loss == doctest::Approx(-2.2));
  CHECK(at(1.1, 2).kl == doctest::Approx(.1 - std::log(1.1)));
  CHECK(at(1, 2).kl == doctest::Approx(0));
}

TEST_CASE("objective/mirror_descent: the divergence's slope balances the advantage's where the step ends") {
  const MirrorDescent::Config config{.step_size = .5f};
  const auto at = [&](double ratio, double advantage) {
    return MirrorDescent::policy_loss<double>(config, {std::log(ratio) - 1, -1, advantage});
  };
  CHECK(at(1, 2).loss == doctest::Approx(-2));
  CHECK(at(1, 2).d_log_prob == doctest::Approx(-2));
  CHECK(at(2, 1).loss == doctest::Approx(-2 + 2 * (2 * std::log(2.) - 1)));
  // Mirror descent multiplies probabilities by exp(step_size A): there the derivative is zero.
  for (const double advantage : {-3., -.5, .5, 3.}) {
    CHECK(std::abs(at(std::exp(.5 * advantage), advantage).d_log_prob) < 1e-12);
  }
}

TEST_CASE("objective/dual_clip: a bad action that has become likely costs no more from the bound on") {
  const DualClip::Config config{.clip = .2f, .bound = 3};
  const auto at = [&](double ratio, double advantage) {
    return DualClip::policy_loss<double>(config, {std::log(ratio) - 1, -1, advantage});
  };
  CHECK(at(2.9, -2).loss == doctest::Approx(5.8));
  CHECK(at(2.9, -2).d_log_prob == doctest::Approx(5.8));
  for (const double ratio : {3.1, 30., 1e6}) {
    CHECK(at(ratio, -2).loss == doctest::Approx(6));
    CHECK(at(ratio, -2).d_log_prob == 0);
  }
  // Everything else is the clipped surrogate's.
  for (const double ratio : {.1, .9, 1.1, 1.5, 2.9, 10.}) {
    for (const double advantage : {-2., 0., 2.}) {
      if (ratio > 3 && advantage < 0) continue;
      const Sample sample{std::log(ratio) - 1, -1, advantage};
      const auto plain = ClippedSurrogate::policy_loss<double>({.clip = .2f}, sample);
      const auto dual = DualClip::policy_loss<double>(config, sample);
      CHECK(dual.loss == plain.loss);
      CHECK(dual.d_log_prob == plain.d_log_prob);
      CHECK((dual.kl == plain.kl && dual.clipped == plain.clipped));
    }
  }
  const auto value = DualClip::value_loss<double>({.clip = .25f}, 2, 1, 3);
  CHECK(value.loss == doctest::Approx(.5 * 1.75 * 1.75));
  CHECK(DualClip::value_loss<double>({.clip_value = false}, 2, 1, 3).loss == doctest::Approx(.5));
}

TEST_CASE("objective: derivatives equal finite differences") {
  for (const double log_prob : {-3., -1.1, -1.02, -.93, -.5, 0., .05, .2, 2.}) {
    for (const double advantage : {-2., .3, 1.7}) {
      const Sample sample{log_prob, -1, advantage};
      CAPTURE(log_prob);
      CAPTURE(advantage);
      CHECK(ClippedSurrogate::policy_loss<double>({}, sample).d_log_prob ==
            doctest::Approx(slope<ClippedSurrogate>({}, sample)).epsilon(1e-6));
      CHECK(DualClip::policy_loss<double>({}, sample).d_log_prob ==
            doctest::Approx(slope<DualClip>({}, sample)).epsilon(1e-6));
      CHECK(PolicyGradient::policy_loss<double>({}, sample).d_log_prob ==
            doctest::Approx(slope<PolicyGradient>({}, sample)).epsilon(1e-6));
      CHECK(MirrorDescent::policy_loss<double>({}, sample).d_log_prob ==
            doctest::Approx(slope<MirrorDescent>({}, sample)).epsilon(1e-6));
    }
  }
  for (const double value : {-1., .35, .45, .55, .8, 3.}) {
    for (const double target : {-.5, .52, 1.}) {
      CAPTURE(value);
      CAPTURE(target);
      for (const bool clip : {true, false}) {
        const ClippedSurrogate::Config config{.clip_value = clip};
        CHECK(ClippedSurrogate::value_loss<double>(config, value, .5, target).d_value ==
              doctest::Approx(value_slope<ClippedSurrogate>(config, value, .5, target)).epsilon(1e-6));
      }
      CHECK(PolicyGradient::value_loss<double>({}, value, .5, target).d_value ==
            doctest::Approx(value_slope<PolicyGradient>({}, value, .5, target)).epsilon(1e-6));
    }
  }
}

TEST_CASE("objective/value_loss: the clip holds a value near its old one, and never lowers the loss") {
  const ClippedSurrogate::Config config{.clip = .25f};
  // Towards the target and past the clip: the held value, 1.25, is farther from the target 3; no gradient.
  const auto past = ClippedSurrogate::value_loss<double>(config, 2, 1, 3);
  CHECK(past.loss == doctest::Approx(.5 * 1.75 * 1.75));
  CHECK(past.d_value == 0);
  // Away from the target: the plain loss is the larger.
  const auto away = ClippedSurrogate::value_loss<double>(config, 0, 1, 3);
  CHECK(away.loss == doctest::Approx(4.5));
  CHECK(away.d_value == doctest::Approx(-3));
  const auto plain = ClippedSurrogate::value_loss<double>({.clip_value = false}, 2, 1, 3);
  CHECK(plain.loss == doctest::Approx(.5));
  CHECK(plain.d_value == doctest::Approx(-1));
}

TEST_CASE("objective/value_loss: within the clip the gradient is the plain loss's, whatever rounding does") {
  polis::Random random(8, 0, 0, 0, polis::Purpose::test);
  int rounded = 0;
  for (int i = 0; i < 10000; ++i) {
    const float old = .2f * random.uniform() - .1f, value = old + .3f * random.uniform() - .15f;
    const float target = random.normal();
    rounded += old + (value - old) != value ? 1 : 0;
    CHECK(ClippedSurrogate::value_loss<float>({}, value, old, target).d_value == value - target);
  }
  CHECK(rounded > 100);  // the numbers are such that it could matter
}

TEST_CASE("objective: a ratio beyond all bounds stays a number") {
  const auto far = ClippedSurrogate::policy_loss<float>({}, {0.f, -1e4f, -1.f});
  CHECK((std::isfinite(far.loss) && std::isfinite(far.d_log_prob) && far.loss > 1e8f));
  CHECK(ClippedSurrogate::policy_loss<float>({}, {0.f, -1e4f, 0.f}).loss == 0.f);
}

namespace {

template <class O>
void check_registers() {
  using T = polis::Batch<>;
  constexpr int width = polis::batch_width<T>;
  float log_prob[width], old[width], advantage[width], result[width];
  for (int i = 0; i < width; ++i) {
    log_prob[i] = -1.f + .1f * static_cast<float>(i % 7), old[i] = -2.f + .2f * static_cast<float>(i % 5),
    advantage[i] = i % 2 == 0 ? 1.5f : -.7f;
  }
  const auto loss = O::template policy_loss<T>(
      {}, {polis::Load<T>::load(log_prob), polis::Load<T>::load(old), polis::Load<T>::load(advantage)});
  const auto compare = [&](const T& found, auto member) {
    polis::Load<T>::store(result, found);
    for (int i = 0; i < width; ++i) {
      const auto one = O::template policy_loss<float>({}, {log_prob[i], old[i], advantage[i]});
      CHECK(result[i] == doctest::Approx(one.*member).epsilon(1e-6));
    }
  };
  compare(loss.loss, &polis::PolicyLoss<float>::loss);
  compare(loss.d_log_prob, &polis::PolicyLoss<float>::d_log_prob);
  compare(loss.clipped, &polis::PolicyLoss<float>::clipped);
  compare(loss.kl, &polis::PolicyLoss<float>::kl);
}

}  // namespace

TEST_CASE("objective: registers give what floats give") {
  check_registers<ClippedSurrogate>();
  check_registers<DualClip>();
  check_registers<PolicyGradient>();
  check_registers<MirrorDescent>();
}
