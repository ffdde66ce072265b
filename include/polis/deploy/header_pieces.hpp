// The functions that an exported header may need, as text: each is written where the policy uses it.
#pragma once

#include <string_view>

#include <polis/deploy/model.hpp>

namespace polis::internal {

namespace header_pieces {

// Whether the library's own sums are fused decides how its policies round.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
inline constexpr std::string_view fma =
    R"(// a * b + c as in training; one instruction where the compiler may use it (-mfma, -march=native).
inline float fma(float a, float b, float c) { return std::fma(a, b, c); }

)";
#else
inline constexpr std::string_view fma = R"(inline float fma(float a, float b, float c) { return a * b + c; }

)";
#endif

inline constexpr std::string_view dense = R"(// y = W x + b, weights [inputs][outputs].
template <int inputs, int outputs>
void dense(const float (&weight)[inputs][outputs], const float (&bias)[outputs], const float* x, float* y) {
  for (int o = 0; o < outputs; ++o) y[o] = bias[o];
  for (int i = 0; i < inputs; ++i) {
    const float value = x[i];
    for (int o = 0; o < outputs; ++o) y[o] = fma(weight[i][o], value, y[o]);
  }
}

)";

// The coefficients of math::tanh; tests/deploy/header.cpp compares the two.
inline constexpr std::string_view tanh = R"(// The tanh that the policy was trained with.
inline float tanh(float x) {
  const float b = std::fmin(std::fmax(x, -9.01f), 9.01f), s = b * b;
  float p = fma(1.3319057666e-8f, s, 2.0583475385e-5f);
  p = fma(fma(p, s, 3.49403442e-3f), s, .13379717904f);
  float q = fma(7.762014869e-7f, s, 3.2830924520e-4f);
  q = fma(fma(fma(q, s, .02587107292f), s, .46713033149f), s, 1.f);
  return fma(b * s, p, b) / q;
}

)";

inline constexpr std::string_view sigmoid = R"(inline float sigmoid(float x) {
  const float e = std::exp(-std::fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

)";

inline constexpr std::string_view relu = R"(inline float relu(float x) { return std::fmax(x, 0.f); }

)";

inline constexpr std::string_view silu = R"(inline float silu(float x) { return x * sigmoid(x); }

)";

inline constexpr std::string_view one_hot = R"(inline void one_hot(float index, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = i == static_cast<int>(index) ? 1.f : 0.f;
}

)";

inline constexpr std::string_view gru = R"(// A gated recurrent unit; its gates are stacked r, z, n.
template <int inputs, int gates, int width>
void gru(const float (&w)[inputs][gates], const float (&b)[gates], const float (&u)[width][gates],
         const float (&c)[gates], const float* x, float* h) {
  float from_x[gates], from_h[gates];
  dense(w, b, x, from_x);
  dense(u, c, h, from_h);
  for (int i = 0; i < width; ++i) {
    const float r = sigmoid(from_x[i] + from_h[i]);
    const float z = sigmoid(from_x[width + i] + from_h[width + i]);
    const float n = tanh(fma(r, from_h[2 * width + i], from_x[2 * width + i]));
    h[i] = fma(z, h[i] - n, n);
  }
}

)";

inline constexpr std::string_view clip = R"(inline float clip(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}

)";

inline constexpr std::string_view argmax = R"(// The index of the largest, the first of equals.
inline void argmax(const float* x, int count, float* index) {
  int best = 0;
  for (int i = 1; i < count; ++i) best = x[i] > x[best] ? i : best;
  *index = static_cast<float>(best);
}

)";

inline constexpr std::string_view argmax_legal =
    R"(// The index of the largest legal one, the first of equals.
inline void argmax(const float* x, const bool* legal, int count, float* index) {
  int best = 0;
  for (int i = 1; i < count; ++i) best = legal[i] && (!legal[best] || x[i] > x[best]) ? i : best;
  *index = static_cast<float>(best);
}

)";

inline constexpr std::string_view identity = R"(inline void identity(const float* x, int count, float* y) {
  for (int i = 0; i < count; ++i) y[i] = x[i];
}

)";

inline constexpr std::string_view squash = R"(// tanh between bounds, which are not reached.
inline void squash(const float* x, const float* low, const float* high, int count, float* y) {
  constexpr float limit = 0x1.fffff8p-1f;
  for (int i = 0; i < count; ++i) {
    const float inside = std::fmin(std::fmax(tanh(x[i]), -limit), limit);
    y[i] = fma(.5f * (high[i] - low[i]), inside, .5f * (low[i] + high[i]));
  }
}

)";

inline constexpr std::string_view concentration =
    R"(// 1 + softplus(x), a parameter of a Beta or Dirichlet distribution.
inline float concentration(float x) { return 1 + (std::fmax(0.f, x) + std::log1p(std::exp(-std::fabs(x)))); }

)";

inline constexpr std::string_view beta_mean = R"(// Means between bounds; all alphas, then all betas.
inline void beta_mean(const float* x, const float* low, const float* high, int count, float* y) {
  for (int i = 0; i < count / 2; ++i) {
    const float alpha = concentration(x[i]), beta = concentration(x[i + count / 2]);
    y[i] = fma(alpha / (alpha + beta), high[i] - low[i], low[i]);
  }
}

)";

inline constexpr std::string_view dirichlet_mean = R"(// Mean shares, none of them zero.
inline void dirichlet_mean(const float* x, int count, float* share) {
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += share[i] = concentration(x[i]);
  for (int i = 0; i < count; ++i) share[i] = std::fmax(share[i] / sum, 1e-30f);
}

)";

inline constexpr std::string_view log_ratio_softmax = R"(// Shares softmax(x, 0), none of them zero.
inline void log_ratio_softmax(const float* x, int count, float* share) {
  float largest = 0, sum = 0;
  for (int i = 0; i < count; ++i) largest = std::fmax(largest, x[i]);
  for (int i = 0; i <= count; ++i) sum += share[i] = std::exp((i < count ? x[i] : 0) - largest);
  for (int i = 0; i <= count; ++i) share[i] = std::fmax(share[i] / sum, 1e-30f);
}

)";

}  // namespace header_pieces

/// A head in the header: its function, and what the outputs that it reads are.
struct HeadText {
  std::string_view name, code, outputs;
};
[[nodiscard]] inline HeadText head_text(HeadKind kind) {
  switch (kind) {
    case HeadKind::argmax:
      return {"argmax", header_pieces::argmax, "logits, the logarithms of probabilities but for a constant"};
    case HeadKind::log_ratio_softmax:
      return {"log_ratio_softmax", header_pieces::log_ratio_softmax,
              "logarithms of each share's ratio to the last one"};
    case HeadKind::squash:
      return {"squash", header_pieces::squash, "means, before tanh squashes them to the bounds"};
    case HeadKind::beta_mean:
      return {"beta_mean", header_pieces::beta_mean, "alphas, then betas, both before 1 + softplus"};
    case HeadKind::dirichlet_mean:
      return {"dirichlet_mean", header_pieces::dirichlet_mean, "concentrations before 1 + softplus"};
    case HeadKind::identity:
      break;
  }
  return {"identity", header_pieces::identity, "the action's means"};
}

}  // namespace polis::internal
