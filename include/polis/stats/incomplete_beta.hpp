// The regularised incomplete beta function, the distribution function behind Student's t and Fisher's F:
//
//     I_x(a, b) = 1 / B(a, b) * integral from 0 to x of t^(a-1) (1-t)^(b-1) dt
//
// by its continued fraction (DLMF 8.17.22), evaluated from the front by the method of Lentz (1976) as
// modified by Thompson and Barnett (1986).
#pragma once

#include <cmath>
#include <string>

#include <polis/core/error.hpp>

namespace polis::stats {

namespace internal {

/// 1/(1 + d1/(1 + d2/(1 + ...))) of DLMF 8.17.22; converges fast for x < (a + 1)/(a + b + 2).
inline double beta_fraction(double a, double b, double x) {
  constexpr double tiny = 1e-300, tolerance = 1e-16;
  const auto away_from_zero = [](double value) { return std::abs(value) < tiny ? tiny : value; };
  // Lentz: f = 1 + d1/(1 + ...) is the product of the ratios numerator/denominator of its convergents.
  double f = 1, numerator = 1, denominator = 0;
  for (int n = 1; n < 10'000; ++n) {
    const int pair = n / 2;  // the coefficients come in pairs 2m, 2m + 1
    const double m = pair;
    const double d = n % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    numerator = away_from_zero(1 + d / numerator);
    denominator = 1 / away_from_zero(1 + d * denominator);
    const double ratio = numerator * denominator;
    f *= ratio;
    if (std::abs(ratio - 1) < tolerance) break;
  }
  return 1 / f;
}

}  // namespace internal

/// I_x(a, b), about 1e-13 exact. Error: a or b not positive, or x not in [0, 1].
inline double incomplete_beta(double a, double b, double x) {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) {
    throw Error(
        "found a = " + std::to_string(a) + ", b = " + std::to_string(b) + ", x = " + std::to_string(x),
        "incomplete beta function", "positive a and b, and x in [0, 1]");
  }
  if (x == 0 || x == 1) return x;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  const double log_factor =
      a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  return std::exp(log_factor) / a * internal::beta_fraction(a, b, x);
}

}  // namespace polis::stats
