// Noise on actions: its distribution, its memory, its bounds.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/exploration/action_noise.hpp>

namespace test_action_noise {

using namespace polis;

/// What `steps` perturbations make of zeros, the first of N numbers.
template <class Noise, int N>
std::vector<float> perturbed(const typename Noise::Config& config, int steps) {
  std::vector<float> values;
  float memory[N + 1] = {};
  for (int i = 0; i < steps; ++i) {
    Random random(9, static_cast<std::uint64_t>(i), 0, 0, Purpose::test);
    float uniforms[Noise::template draws<N>], action[N] = {};
    for (float& u : uniforms) u = random.uniform();
    Noise::template perturb<N>(config, In<float>{uniforms}, memory, Out<float>{action});
    values.push_back(action[N - 1]);
  }
  return values;
}

double moment(const std::vector<float>& x, int lag) {
  double sum = 0;
  const auto shift = static_cast<std::size_t>(lag);
  for (std::size_t i = 0; i + shift < x.size(); ++i) sum += static_cast<double>(x[i] * x[i + shift]);
  return sum / static_cast<double>(x.size() - shift);
}
double mean(const std::vector<float>& x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value);
  return sum / static_cast<double>(x.size());
}

}  // namespace test_action_noise

TEST_CASE("exploration/action_noise: normal numbers of the deviation asked for, each step anew") {
  using namespace test_action_noise;
  const auto x = perturbed<GaussianNoise, 3>({.deviation = .1f}, 100'000);
  CHECK(mean(x) == doctest::Approx(0).scale(1).epsilon(.001));
  CHECK(std::sqrt(moment(x, 0)) == doctest::Approx(.1).epsilon(.01));
  CHECK(moment(x, 1) / moment(x, 0) == doctest::Approx(0).scale(1).epsilon(.01));
  int beyond = 0;
  for (const float value : x) beyond += std::abs(value) > .196f;
  CHECK(beyond == doctest::Approx(5'000).epsilon(.05));
}

TEST_CASE(
    "exploration/action_noise: Ornstein and Uhlenbeck's has the deviation and correlation of its process") {
  using namespace test_action_noise;
  const auto x = perturbed<OrnsteinUhlenbeck, 2>({.theta = .15f, .deviation = .1f}, 400'000);
  CHECK(mean(x) == doctest::Approx(0).scale(1).epsilon(.005));
  CHECK(std::sqrt(moment(x, 0)) == doctest::Approx(.1 / std::sqrt(.3 - .0225)).epsilon(.02));
  CHECK(moment(x, 1) / moment(x, 0) == doctest::Approx(.85).epsilon(.01));
  CHECK(moment(x, 3) / moment(x, 0) == doctest::Approx(.85 * .85 * .85).epsilon(.02));
}

TEST_CASE("exploration/action_noise: actions stay between their bounds") {
  using namespace test_action_noise;
  for (const float value : perturbed<GaussianNoise, 1>({.deviation = 3.f}, 1000)) {
    CHECK(std::abs(value) <= 1.f);
  }
}
