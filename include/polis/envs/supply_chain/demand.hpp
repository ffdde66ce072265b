// Customers' demand in a period: how it is drawn, and its exact distribution for those who compute with it.
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>

namespace polis {

/// What demand is drawn from. `poisson`: whole units; `normal`: any amount, none below zero; `rounded`: a
/// normal amount, rounded to whole units.
enum class DemandKind { poisson, normal, rounded };
constexpr auto enum_names(DemandKind) { return std::array{"poisson", "normal", "rounded"}; }

/// A Poisson number of this mean, by inversion of one uniform number of 53 bits; of a large mean as a sum.
POLIS_HD inline float poisson(double mean, Random& random) {
  constexpr double most = 500;  // the probability of zero is a number still
  if (mean > most) {
    float sum = 0;
    for (; mean > most; mean -= most) sum += poisson(most, random);
    return sum + poisson(mean, random);
  }
  const double u = random.uniform_double();
  double probability = math::exp(-mean), below = probability;
  int count = 0;
  while (u >= below && probability > 0) {
    ++count;
    probability *= mean / count;
    below += probability;
    if (probability < 1e-18 && count > mean) break;  // what is left of the sum is rounding
  }
  return static_cast<float>(count);
}

/// The demand of one period. `deviation` is not that of a Poisson number, which goes by its mean.
POLIS_HD inline float draw_demand(DemandKind kind, float mean, float deviation, Random& random) {
  if (kind == DemandKind::poisson) return poisson(static_cast<double>(mean), random);
  const float amount = math::max(0.f, mean + deviation * random.normal());
  return kind == DemandKind::rounded ? math::floor(amount + .5f) : amount;
}

/// The probabilities of 0, 1, 2, ... of a Poisson number, until less than 1e-16 of them is left.
inline std::vector<double> poisson_probabilities(double mean) {
  std::vector<double> probabilities;
  double sum = 0;
  for (int k = 0; k == 0 || k < mean || 1 - sum > 1e-16; ++k) {
    const double p = std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.));
    if (k > mean && p < 1e-18) break;
    probabilities.push_back(p);
    sum += p;
  }
  return probabilities;
}

}  // namespace polis
