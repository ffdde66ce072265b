// Random processes of daily log returns in percent: geometric Brownian motion, GARCH with normal and Student
// shocks, Merton's jumps, a mean-reverting price; and the volume that goes with a return. Regime switching is
// in generator.hpp; fit.hpp fits each to a history by maximum likelihood.
//
// A process is plain data with `begin(random)`, the state before the first bar, and `advance(state, random)`,
// which draws one bar's log return. Everything is host-device.
#pragma once

#include <concepts>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>

namespace polis {

template <class P>
concept ReturnProcess = requires(const P process, typename P::State state, Random& random) {
  { process.begin(random) } -> std::same_as<typename P::State>;
  { process.advance(state, random) } -> std::same_as<float>;
};

namespace market {

/// A number of Student's t distribution with `nu` > 2 degrees of freedom, scaled to variance 1 (Bailey 1994,
/// the polar method).
POLIS_HD inline float student(float nu, Random& random) {
  float u = 0, w = 0;
  do {
    u = random.uniform(-1.f, 1.f);
    const float v = random.uniform(-1.f, 1.f);
    w = u * u + v * v;
  } while (w >= 1 || w == 0);
  const float t2 = nu * (math::exp(-2 / nu * math::log(w)) - 1) / w;
  return u * math::sqrt(t2 * (nu - 2) / nu);
}

/// Independent normal log returns: the price is a geometric Brownian motion.
struct GeometricBrownian {
  float mean = .04f, deviation = 1;  ///< percent a bar
  struct State {};
  POLIS_HD State begin(Random&) const { return {}; }
  POLIS_HD float advance(State&, Random& random) const { return mean + deviation * random.normal(); }
};

/// GARCH(1,1) (Bollerslev 1986): r = mean + e, e = sqrt(h) z, and h' = omega + alpha e^2 + beta h. With `nu`
/// above 2 z is Student's (Bollerslev 1987), else normal. The defaults were fitted to a daily stock index.
struct Garch {
  float mean = .05939f, omega = .02209f, alpha = .12390f, beta = .86085f;
  float nu = 0;
  struct State {
    float variance = 1;  ///< of the bar to come
  };
  /// omega / (1 - alpha - beta): the mean of h. Needs alpha + beta < 1.
  POLIS_HD float variance() const { return omega / (1 - alpha - beta); }
  POLIS_HD State begin(Random&) const { return {variance()}; }
  POLIS_HD float advance(State& state, Random& random) const {
    const float z = nu > 2 ? student(nu, random) : random.normal();
    const float shock = math::sqrt(state.variance) * z;
    state.variance = omega + alpha * shock * shock + beta * state.variance;
    return mean + shock;
  }
};
/// The same with Student's shocks, fitted to that index.
struct StudentGarch : Garch {
  POLIS_HD constexpr StudentGarch() : Garch{.07045f, .01257f, .12190f, .87705f, 6.19f} {}
};

/// A normal diffusion and, `intensity` times a bar on average, normal jumps (Merton 1976).
struct MertonJumps {
  float mean = .05f, deviation = .8f;
  float intensity = .05f, jump_mean = -.5f, jump_deviation = 2.5f;
  struct State {};
  POLIS_HD State begin(Random&) const { return {}; }
  POLIS_HD float advance(State&, Random& random) const {
    float left = random.uniform(), chance = math::exp(-intensity);  // of no jump, of one, ...
    int jumps = 0;
    while (left >= chance && jumps < 20) {
      left -= chance;
      chance *= intensity / static_cast<float>(++jumps);
    }
    const auto n = static_cast<float>(jumps);
    const float spread = math::sqrt(deviation * deviation + n * jump_deviation * jump_deviation);
    return mean + n * jump_mean + spread * random.normal();
  }
};

/// The log price (percent) reverts to `level`, an Ornstein-Uhlenbeck process seen once a bar: x' = level +
/// persistence (x - level) + deviation z. A path begins in the stationary distribution.
struct MeanRevertingPrice {
  float level = 0, persistence = .95f, deviation = 1;
  struct State {
    float log_price = 0;  ///< percent
  };
  POLIS_HD float stationary_deviation() const {
    return deviation / math::sqrt(1 - persistence * persistence);
  }
  POLIS_HD State begin(Random& random) const { return {level + stationary_deviation() * random.normal()}; }
  POLIS_HD float advance(State& state, Random& random) const {
    const float before = state.log_price;
    state.log_price = level + persistence * (before - level) + deviation * random.normal();
    return state.log_price - before;
  }
};

/// The log of a bar's volume, relative to its long-run mean: it persists, and rises with the size of the
/// bar's return in its deviations (Tauchen and Pitts 1983, one flow of orders moves both): v' = persistence v
/// + response (|z| - sqrt(2 / pi)) + deviation n.
struct VolumeProcess {
  float persistence = .7f, response = .3f, deviation = .2f;
  POLIS_HD float advance(float log_volume, float z, Random& random) const {
    constexpr float mean_size = .79788456f;  // of a standard normal number
    return persistence * log_volume + response * (math::abs(z) - mean_size) + deviation * random.normal();
  }
};

static_assert(ReturnProcess<GeometricBrownian> && ReturnProcess<Garch> && ReturnProcess<StudentGarch> &&
              ReturnProcess<MertonJumps> && ReturnProcess<MeanRevertingPrice>);

}  // namespace market
}  // namespace polis
