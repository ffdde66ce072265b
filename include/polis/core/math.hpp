// Elementary functions without branches, the same source for one float and for a SIMD register of floats, on
// the CPU and in CUDA kernels. Environments, distributions and objectives use only these.
//
// exp, log, sin, cos and tanh are range reduction and a polynomial (or a ratio of two), with coefficients
// fitted for this file: minimax in relative error over the reduced range. Their largest errors, in units in
// the last place against double precision, are asserted by tests/core/math.cpp. A double argument takes the C
// library's function: that instantiation exists for finite differences. The gamma function's logarithm and
// its derivatives are Stirling's formula with a polynomial in 1/x in place of his divergent series.
//
// Calls are qualified, math::exp(x): for a register the unqualified name finds xsimd's own function.
//
// The products and sums are written with math::fma, which is fused where the machine has the instruction and
// a multiply and an add where it has not (never a library call). NaN goes through every function.
// What works on registers is inlined by force: a call would pass them through memory.
#pragma once

#include <math.h>

#include <cstdint>
#include <limits>
#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>

namespace polis::math {

// ------------------------------------------------------------------ what the machine does in one instruction

/// A constant of type T from its value in double precision.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T constant(double value) {
  if constexpr (std::is_same_v<T, double>) {
    return value;
  } else {
    return T(static_cast<float>(value));
  }
}

/// a * b + c, fused where that is one instruction.
[[gnu::always_inline]] POLIS_HD inline float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return ::fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
[[gnu::always_inline]] POLIS_HD inline double fma(double a, double b, double c) { return a * b + c; }
template <class A>
[[gnu::always_inline]] inline Batch<A> fma(const Batch<A>& a, const Batch<A>& b, const Batch<A>& c) {
  return multiply_add<A>(a, b, c);
}

/// `mask ? a : b`, element by element; both are computed.
[[gnu::always_inline]] POLIS_HD inline float select(bool mask, float a, float b) { return mask ? a : b; }
[[gnu::always_inline]] POLIS_HD inline double select(bool mask, double a, double b) { return mask ? a : b; }
template <class A>
[[gnu::always_inline]] inline Batch<A> select(const xsimd::batch_bool<float, A>& mask, const Batch<A>& a,
                                              const Batch<A>& b) {
  return xsimd::select(mask, a, b);
}

/// The smaller; b if either is NaN.
[[gnu::always_inline]] POLIS_HD inline float min(float a, float b) { return a < b ? a : b; }
[[gnu::always_inline]] POLIS_HD inline double min(double a, double b) { return a < b ? a : b; }
template <class A>
[[gnu::always_inline]] inline Batch<A> min(const Batch<A>& a, const Batch<A>& b) {
  return xsimd::min(a, b);
}

/// The larger; b if either is NaN.
[[gnu::always_inline]] POLIS_HD inline float max(float a, float b) { return a > b ? a : b; }
[[gnu::always_inline]] POLIS_HD inline double max(double a, double b) { return a > b ? a : b; }
template <class A>
[[gnu::always_inline]] inline Batch<A> max(const Batch<A>& a, const Batch<A>& b) {
  return xsimd::max(a, b);
}

/// x held between low and high; NaN stays NaN.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T clamp(const T& x, const T& low, const T& high) {
  return math::max(low, math::min(high, x));
}

[[gnu::always_inline]] POLIS_HD inline float abs(float x) { return ::fabsf(x); }
[[gnu::always_inline]] POLIS_HD inline double abs(double x) { return ::fabs(x); }
template <class A>
[[gnu::always_inline]] inline Batch<A> abs(const Batch<A>& x) {
  return xsimd::abs(x);
}

/// Correctly rounded.
[[gnu::always_inline]] POLIS_HD inline float sqrt(float x) { return ::sqrtf(x); }
[[gnu::always_inline]] POLIS_HD inline double sqrt(double x) { return ::sqrt(x); }
template <class A>
[[gnu::always_inline]] inline Batch<A> sqrt(const Batch<A>& x) {
  return xsimd::sqrt(x);
}

}  // namespace polis::math

namespace polis::internal {

// A float's bits as an integer of the same width, and back.
[[gnu::always_inline]] POLIS_HD inline std::uint32_t bits(float x) {
  return __builtin_bit_cast(std::uint32_t, x);
}
[[gnu::always_inline]] POLIS_HD inline float from_bits(std::uint32_t x) {
  return __builtin_bit_cast(float, x);
}
template <class A>
[[gnu::always_inline]] inline xsimd::batch<std::uint32_t, A> bits(const Batch<A>& x) {
  return xsimd::bitwise_cast<xsimd::batch<std::uint32_t, A>>(x);
}
template <class A>
[[gnu::always_inline]] inline Batch<A> from_bits(const xsimd::batch<std::uint32_t, A>& x) {
  return xsimd::bitwise_cast<Batch<A>>(x);
}

template <class T>
struct BitsOf {
  using type = std::uint32_t;
};
template <class A>
struct BitsOf<xsimd::batch<float, A>> {
  using type = xsimd::batch<std::uint32_t, A>;
};
template <class T>
using Bits = typename BitsOf<T>::type;

// a / b for finite b away from zero and overflow, within 1 unit in the last place. AVX-512 has a reciprocal
// estimate of 14 bits; correcting the quotient by its residual doubles them, in a fraction of a division's
// time.
[[gnu::always_inline]] POLIS_HD inline float ratio(float a, float b) { return a / b; }
[[gnu::always_inline]] POLIS_HD inline double ratio(double a, double b) { return a / b; }
template <class A>
[[gnu::always_inline]] inline Batch<A> ratio(const Batch<A>& a, const Batch<A>& b) {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, A>) {
    const Batch<A> reciprocal = _mm512_rcp14_ps(b);
    const Batch<A> quotient = a * reciprocal;
    return math::fma(Batch<A>(_mm512_fnmadd_ps(quotient, b, a)), reciprocal, quotient);
  }
#endif
  return a / b;
}

// Horner's rule, highest power first.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T polynomial(const T&, float constant) {
  return T(constant);
}
template <class T, class... Rest>
[[gnu::always_inline]] POLIS_HD inline T polynomial(const T& x, float first, float second, Rest... rest) {
  T sum = math::fma(T(first), x, T(second));
  ((sum = math::fma(sum, x, T(rest))), ...);
  return sum;
}

// Adding 1.5 * 2^23 rounds |x| < 2^22 to an integer, and leaves that integer in the sum's low bits.
inline constexpr float round_magic = 12582912.f;

// Constants, since the functions of numeric_limits are not for device code.
inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
inline constexpr float smallest_normal = std::numeric_limits<float>::min();

}  // namespace polis::internal

namespace polis::math {

/// e^x, within 2 ulp. Results below 2^-125.5 are 0, above the largest float infinity.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T exp(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    return ::exp(x);
  } else {
    using namespace internal;
    // e^x = 2^(n-1) * 2 e^r with |r| <= log(2) / 2. Beyond the bounds 2^(n-1) is 0 or the product overflows.
    const T bounded = math::clamp(x, T(-87.3f), T(89.f));
    // The magic number carries 126, so that the low byte of its sum with n is the exponent field of 2^(n-1).
    const T shifted = math::fma(bounded, T(1.44269504f), T(round_magic + 126.f));
    const T n = shifted - T(round_magic + 126.f);
    const T r = math::fma(n, T(-7.6436806e-4f), math::fma(n, T(-.6923828125f), bounded));
    const T twice =
        polynomial(r, .002762835924f, .01673783816f, .08333681542f, .33333037922f, .9999998667f, 2.f, 2.f);
    const Bits<T> scale = bits(shifted) << 23;
    return twice * from_bits(scale);
  }
}

/// The natural logarithm, within 2 ulp: -infinity at 0, NaN below; denormal arguments count in full.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T log(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    return ::log(x);
  } else {
    using namespace internal;
    const auto tiny = x < T(smallest_normal);
    const T normal = math::select(tiny, x * T(8388608.f), x);
    // x = 2^e m with m in [sqrt(1/2), sqrt(2)); 0x3f3504f3 is sqrt(1/2), and 2^23 | e is the float 2^23 + e.
    const Bits<T> offset = bits(normal) + Bits<T>(0x3f800000u - 0x3f3504f3u);
    const T e = from_bits(Bits<T>((offset >> 23) | Bits<T>(0x4b000000u))) -
                math::select(tiny, T(8388608.f + 127.f + 23.f), T(8388608.f + 127.f));
    const T f = from_bits(Bits<T>((offset & Bits<T>(0x7fffffu)) + Bits<T>(0x3f3504f3u))) - T(1.f);
    const T square = f * f;
    const T p = polynomial(f, -.07634509336f, .12761595031f, -.13160186164f, .14201755869f, -.16623356770f,
                           .20001226945f, -.25000821051f, .33333331707f);
    const T low = math::fma(T(-.5f), square, math::fma(e, T(7.6436806e-4f), square * f * p));
    const T result = math::fma(e, T(.6923828125f), f + low);
    const T special = math::select(x == T(0.f), T(-infinity), T(not_a_number));
    return math::select(x > T(0.f), math::select(x == T(infinity), x, result), special);
  }
}

/// log(1 + x), within 4 ulp also where x is small.
template <class T>
POLIS_HD T log1p(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    return ::log1p(x);
  } else {
    const T one(1.f), sum = one + x;
    // What rounding took from the sum, to first order; not a number where the logarithm is infinite.
    const T lost = (x - (sum - one)) / sum;
    return math::log(sum) + math::select(lost == lost, lost, T(0.f));
  }
}

/// log(1 + e^x).
template <class T>
POLIS_HD T softplus(const T& x) {
  return math::max(constant<T>(0), x) + math::log1p(math::exp(-math::abs(x)));
}

/// 1 / (1 + e^-x), accurate in relative terms on both sides.
template <class T>
POLIS_HD T sigmoid(const T& x) {
  const T one = constant<T>(1), e = math::exp(-math::abs(x));
  return math::select(x < constant<T>(0), e, one) / (one + e);
}

/// The hyperbolic tangent, within 3.5e-7 of its value (and so beyond -1 or 1 by as much, at most). Sixteen
/// instructions on an AVX-512 register.
template <class T>
[[gnu::always_inline]] POLIS_HD inline T tanh(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    return ::tanh(x);
  } else {
    using namespace internal;
    const T bounded = math::clamp(x, T(-9.01f), T(9.01f));  // tanh rounds to 1 there
    const T square = bounded * bounded;
    const T p = polynomial(square, 1.3319057666e-8f, 2.0583475385e-5f, 3.49403442e-3f, .13379717904f);
    const T q = polynomial(square, 7.762014869e-7f, 3.2830924520e-4f, .02587107292f, .46713033149f, 1.f);
    return ratio(math::fma(bounded * square, p, bounded), q);
  }
}

/// Sine and cosine at once. Absolute error below 1e-7 for |x| <= 1e4, growing beyond; within [-1, 1]
/// everywhere, NaN at infinity.
template <class T>
[[gnu::always_inline]] POLIS_HD inline void sincos(const T& x, T& sine, T& cosine) {
  if constexpr (std::is_same_v<T, double>) {
    sine = ::sin(x);
    cosine = ::cos(x);
  } else {
    using namespace internal;
    // r = x - n pi/2. The parts of pi/2 have 11 bits or fewer, so that their products with n are exact with
    // and without a fused multiply-add (Cody and Waite 1980).
    const T shifted = math::fma(x, T(.636619772f), T(round_magic));
    const T n = shifted - T(round_magic);
    T r = math::fma(n, T(-1.5703125f), x);
    r = math::fma(n, T(-4.837512969970703125e-4f), r);
    r = math::fma(n, T(-7.549533620476723e-8f), r);
    r = math::fma(n, T(-2.563344e-12f), r);
    r = math::clamp(r, T(-.79f), T(.79f));
    const T square = r * r;
    const T s = math::fma(square * r, polynomial(square, -1.9513980e-4f, .00833215133f, -.16666654463f), r);
    const T c = math::fma(square * square, polynomial(square, 2.443166817e-5f, -.00138873035f, .04166664543f),
                          math::fma(square, T(-.5f), T(1.f)));
    const Bits<T> quadrant = bits(shifted), one(1u), two(2u);
    const Bits<T> odd = Bits<T>(0u) - (quadrant & one), swapped = (bits(s) ^ bits(c)) & odd;
    sine = from_bits(Bits<T>((bits(s) ^ swapped) ^ ((quadrant & two) << 30)));
    cosine = from_bits(Bits<T>((bits(c) ^ swapped) ^ (((quadrant + one) & two) << 30)));
  }
}

template <class T>
POLIS_HD T sin(const T& x) {
  T sine = x, cosine = x;
  math::sincos(x, sine, cosine);
  return sine;
}

template <class T>
POLIS_HD T cos(const T& x) {
  T sine = x, cosine = x;
  math::sincos(x, sine, cosine);
  return cosine;
}

/// The largest integer not above x.
template <class T>
POLIS_HD T floor(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    return ::floor(x);
  } else {
    const T limit(8388608.f), size = math::abs(x);  // from 2^23 on every float is an integer
    const T rounded = (size + limit) - limit;
    const T nearest = math::select(x < T(0.f), -rounded, rounded);
    const T below = nearest - math::select(nearest > x, T(1.f), T(0.f));
    return math::select(size < limit, below, x);
  }
}

/// The inverse of tanh, within 3 ulp; infinity at 1, NaN beyond.
template <class T>
POLIS_HD T atanh(const T& x) {
  const T size = math::abs(x);
  const T result = constant<T>(.5) * math::log1p((size + size) / (constant<T>(1) - size));
  return math::select(x < constant<T>(0), -result, result);
}

}  // namespace polis::math

namespace polis::internal {

// The remainders of Stirling's formula and of its derivatives for x >= 1. They fall off with 1/x where the
// functions themselves grow, so that differences of log gamma functions keep their digits when made of these.
// In double precision: the recurrences up to 16 and the asymptotic series from there (Abramowitz and Stegun
// 1964, 6.3.18 and 6.4.12), to 1e-14.

// log gamma(x) - ((x - 1/2) (log x - 1) - 1/2 + log(2 pi) / 2)
template <class T>
POLIS_HD T stirling_remainder(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    return ::lgamma(x) - ((x - .5) * (::log(x) - 1) + .41893853320467274178);
  } else {
    const T t = T(1.f) / x;
    return t * polynomial(t, 1.370301555e-4f, -6.294961807e-4f, 1.044422767e-3f, -5.032564195e-5f,
                          -2.773417365e-3f, -7.496265857e-8f, .08333333082f);
  }
}

// log x - digamma(x)
template <class T>
POLIS_HD T digamma_remainder(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    double at = x, sum = 0;
    for (; at < 16; at += 1) sum += 1 / at;
    const double t = 1 / at, u = t * t;
    const double series = 1. / 12 - u * (1. / 120 - u * (1. / 252 - u * (1. / 240 - u / 132)));
    return sum + ::log(x / at) + t * (.5 + t * series);
  } else {
    const T t = T(1.f) / x;
    return t * polynomial(t, 7.18232742e-4f, -3.013534213e-3f, 4.281114445e-3f, 3.672647891e-4f,
                          -8.494223633e-3f, 2.480031438e-5f, .08333201216f, .5000000112f);
  }
}

}  // namespace polis::internal

namespace polis::math {

/// The logarithm of the gamma function for x > 0, within 4e-7 below 4 and 3 ulp from there; infinity at 0.
template <class T>
POLIS_HD T lgamma(const T& x) {
  const auto small = x < constant<T>(1);  // gamma(x) = gamma(x + 1) / x
  const T at = math::select(small, x + constant<T>(1), x), log_less_one = math::log(at) - constant<T>(1);
  const T main = math::fma(at - constant<T>(.5), log_less_one, constant<T>(.41893853320467274178));
  return main + internal::stirling_remainder(at) - math::select(small, math::log(x), constant<T>(0));
}

/// The derivative of lgamma for x > 0, within 3e-7 between .5 and 4 and 2 ulp elsewhere; -infinity at 0.
template <class T>
POLIS_HD T digamma(const T& x) {
  const T one = constant<T>(1), at = math::select(x < one, x + one, x);
  return math::log(at) - internal::digamma_remainder(at) - math::select(x < one, one / x, constant<T>(0));
}

/// The derivative of digamma for x > 0, within 4 ulp; infinity at 0.
template <class T>
POLIS_HD T trigamma(const T& x) {
  if constexpr (std::is_same_v<T, double>) {
    double at = x, sum = 0;
    for (; at < 16; at += 1) sum += 1 / (at * at);
    const double t = 1 / at, u = t * t;
    const double series = 1. / 6 - u * (1. / 30 - u * (1. / 42 - u * (1. / 30 - u * 5 / 66)));
    return sum + t * (1 + t * (.5 + t * series));
  } else {
    const T one(1.f);
    const auto small = x < one;
    const T t = one / math::select(small, x + one, x), inverse = one / x;
    const T sum = internal::polynomial(t, -.005469889032f, .02549715457f, -.04375993965f, .002214356809f,
                                       .1664447033f, .5000075605f, .9999999957f);
    return math::fma(t, sum, math::select(small, inverse * inverse, T(0.f)));
  }
}

}  // namespace polis::math
