// Optimizers, clipping and schedules against their formulas in double precision (PyTorch's semantics).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/fields.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/clip.hpp>
#include <polis/nn/rmsprop.hpp>
#include <polis/nn/schedule.hpp>
#include <polis/nn/sgd.hpp>

using namespace polis;

namespace {

constexpr int steps = 20;

Layout two_blocks() {
  Layout layout;
  append(layout, "0.weight", 3, 7, BlockKind::hidden_weight);
  append(layout, "0.bias", 5, 1, BlockKind::bias);
  return layout;
}

float number(unsigned i, unsigned step) {
  const unsigned state = (i * 2654435761u + step * 40503u + 12345u) * 1664525u + 1013904223u;
  return static_cast<float>(state >> 8) * 0x1p-23f - 1;
}

/// Looks at an optimizer's moments where an archive would write them.
struct Moments {
  int denormal = 0;   ///< so far
  float largest = 0;  ///< of the last look

  void operator()(const auto&... parts) {
    largest = 0;
    (look(parts), ...);
  }

 private:
  template <class Part>
  void look(const Part& part) {
    if constexpr (requires { part.begin(); }) {
      for (const float moment : part) {
        denormal += std::fpclassify(moment) == FP_SUBNORMAL ? 1 : 0;
        largest = std::max(largest, std::abs(moment));
      }
    }
  }
};

/// One weight's state in double: first and second moment, or velocity.
struct Scalar {
  double w = 0, m = 0, v = 0;
};

/// Runs `O` for `steps` steps at a learning rate that falls, and the formula `rule(scalar, gradient, rate,
/// t)` beside it; returns the largest deviation of a weight.
template <class O, class Rule>
double deviation(const typename O::Config& config, const Rule& rule) {
  const Layout layout = two_blocks();
  const std::size_t count = total_size(layout);
  O optimizer(config, count);
  std::vector<float> weights(count), gradient(count);
  std::vector<Scalar> scalars(count);
  for (unsigned i = 0; i < count; ++i) scalars[i].w = double(weights[i] = number(i, 0));
  double worst = 0;
  for (unsigned t = 1; t <= steps; ++t) {
    const float rate = config.learning_rate / static_cast<float>(t), clip = .5f;
    for (unsigned i = 0; i < count; ++i) gradient[i] = number(i, t);
    update_all<Simd>(optimizer, layout, weights, gradient, rate, clip);
    for (unsigned i = 0; i < count; ++i) {
      rule(scalars[i], double(gradient[i]) * double(clip), double(rate), int(t));
      worst = std::max(worst, std::abs(double(weights[i]) - scalars[i].w));
    }
  }
  return worst;
}

template <class O>
void check_resume(const typename O::Config& config) {
  const Layout layout = two_blocks();
  const std::size_t count = total_size(layout);
  std::vector<float> weights(count, 1.f), gradient(count);
  O whole(config, count);
  O resumed(config, count);
  std::vector<float> other;
  for (unsigned t = 1; t <= 8; ++t) {
    for (unsigned i = 0; i < count; ++i) gradient[i] = number(i, t);
    update_all<Simd>(whole, layout, weights, gradient, .1f);
    if (t > 4) update_all<Simd>(resumed, layout, other, gradient, .1f);
    if (t == 4) {
      ArchiveWriter writer;
      whole.archive(writer);
      ArchiveReader reader(writer.bytes());
      resumed.archive(reader);
      other = weights;
    }
  }
  CHECK(other == weights);
}

}  // namespace

TEST_CASE("nn/optimizer: Adam follows its formula, with and without an L2 penalty") {
  for (const float decay : {0.f, .1f}) {
    const Adam::Config config{
        .learning_rate = .1f, .beta1 = .8f, .beta2 = .95f, .epsilon = 1e-3f, .weight_decay = decay};
    CHECK(deviation<Adam>(config, [&](Scalar& s, double g, double rate, int t) {
            const double b1 = double(config.beta1), b2 = double(config.beta2);
            g += double(decay) * s.w;
            s.m = b1 * s.m + (1 - b1) * g;
            s.v = b2 * s.v + (1 - b2) * g * g;
            s.w -= rate * s.m / (1 - std::pow(b1, t)) /
                   (std::sqrt(s.v / (1 - std::pow(b2, t))) + double(config.epsilon));
          }) < 2e-6);
  }
}

TEST_CASE("nn/optimizer: AdamW shrinks the weights beside the gradient") {
  const AdamW::Config config{.learning_rate = .1f, .weight_decay = .3f};
  CHECK(deviation<AdamW>(config, [&](Scalar& s, double g, double rate, int t) {
          const double b1 = double(config.beta1), b2 = double(config.beta2);
          s.w *= 1 - rate * double(config.weight_decay);
          s.m = b1 * s.m + (1 - b1) * g;
          s.v = b2 * s.v + (1 - b2) * g * g;
          s.w -= rate * s.m / (1 - std::pow(b1, t)) /
                 (std::sqrt(s.v / (1 - std::pow(b2, t))) + double(config.epsilon));
        }) < 4e-6);
}

TEST_CASE("nn/optimizer: RmsProp follows its formula") {
  const RmsProp::Config config{
      .learning_rate = .05f, .smoothing = .9f, .epsilon = 1e-2f, .momentum = .5f, .weight_decay = .1f};
  CHECK(deviation<RmsProp>(config, [&](Scalar& s, double g, double rate, int) {
          g += double(config.weight_decay) * s.w;
          s.v = double(config.smoothing) * s.v + (1 - double(config.smoothing)) * g * g;
          s.m = double(config.momentum) * s.m + g / (std::sqrt(s.v) + double(config.epsilon));
          s.w -= rate * s.m;
        }) < 4e-6);
}

TEST_CASE("nn/optimizer: Sgd follows its formula, with Nesterov's momentum and without") {
  for (const bool nesterov : {false, true}) {
    const Sgd::Config config{
        .learning_rate = .1f, .momentum = .9f, .nesterov = nesterov, .weight_decay = .1f};
    CHECK(deviation<Sgd>(config, [&](Scalar& s, double g, double rate, int) {
            const double momentum = double(config.momentum);
            g += double(config.weight_decay) * s.w;
            s.v = momentum * s.v + g;
            s.w -= rate * (nesterov ? g + momentum * s.v : s.v);
          }) < 2e-6);
  }
}

TEST_CASE("nn/optimizer: a resumed optimizer goes on bit for bit") {
  check_resume<Adam>({});
  check_resume<AdamW>({});
  check_resume<RmsProp>({.momentum = .5f});
  check_resume<Sgd>({});
}

TEST_CASE_TEMPLATE("nn/optimizer: moments of a weight without gradient end at zero, never denormal", O, Adam,
                   RmsProp, Sgd) {
  typename O::Config config;
  if constexpr (requires { config.smoothing; }) config.smoothing = .9f, config.momentum = .9f;
  if constexpr (requires { config.beta2; }) config.beta2 = .9f;
  Layout layout;
  append(layout, "0.bias", 16, 1, BlockKind::bias);
  O optimizer(config, 16);
  std::vector<float> weights(16, 1.f), gradient(16, 1e-3f);
  Moments moments;
  for (int step = 0; step < 2000; ++step) {
    update_all<Simd>(optimizer, layout, weights, gradient, 1e-3f);
    gradient.assign(16, 0.f);
    optimizer.archive(moments);
  }
  CHECK(moments.denormal == 0);
  CHECK(moments.largest == 0);
}

TEST_CASE("nn/optimizer: the concept tells optimizers from what is none") {
  static_assert(Optimizer<Adam> && Optimizer<AdamW> && Optimizer<RmsProp> && Optimizer<Sgd>);
  static_assert(!Optimizer<int> && !Optimizer<Schedule>);
}

TEST_CASE("nn/clip: the scale brings the global norm to its limit, and leaves small gradients alone") {
  const Layout layout = two_blocks();
  std::vector<float> gradient(total_size(layout), 0.f);
  gradient[3] = 3;
  gradient.back() = 4;
  CHECK(clip_global_norm(layout, gradient, .5f).norm == 5);
  CHECK(clip_global_norm(layout, gradient, .5f).scale == doctest::Approx(.1).epsilon(1e-6));
  CHECK(clip_global_norm(layout, gradient, 6).scale == 1);
  CHECK(clip_global_norm(layout, gradient, 0).scale == 1);
}

TEST_CASE("nn/clip: a gradient that is not finite is an error that names the block and the element") {
  const Layout layout = two_blocks();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> gradient(total_size(layout), 1.f);
    gradient[layout[1].offset + 2] = bad;
    std::string where;
    try {
      clip_global_norm(layout, gradient, 0);
    } catch (const Error& error) {
      where = error.where();
    }
    CHECK(where == "block \"0.bias\", row 2, column 0");
  }
}

TEST_CASE("nn/schedule: constant, linear and cosine, held to the run") {
  const Schedule constant{.start = .5f}, linear{ScheduleKind::linear, 2, 1},
      cosine{ScheduleKind::cosine, 1, 0};
  CHECK(constant(.7) == .5f);
  CHECK(linear(0) == 2);
  CHECK(linear(.25) == doctest::Approx(1.75));
  CHECK(linear(1) == 1);
  CHECK(linear(1.5) == 1);
  CHECK(linear(-1) == 2);
  CHECK(cosine(.5) == doctest::Approx(.5));
  CHECK(cosine(.25) == doctest::Approx(.5 * (1 + std::cos(M_PI / 4))));
  CHECK(cosine(1) == 0);
}
