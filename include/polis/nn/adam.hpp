// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), with PyTorch's semantics:
//
//   m = b1 m + (1 - b1) g    v = b2 v + (1 - b2) g^2    w -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) +
//   epsilon)
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/flat.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>
#include <polis/nn/optimizer.hpp>

namespace polis {

namespace internal {

/// Both optimizers: weight decay joins the gradient (Adam) or shrinks the weights beside it (AdamW).
template <bool decoupled>
class AdamBase {
 public:
  using word = word::Optimizer;

  struct Config {
    float learning_rate = 3e-4f;
    float beta1 = .9f;
    float beta2 = .999f;
    float epsilon = 1e-5f;
    float weight_decay = decoupled ? .01f : 0.f;

    static constexpr void fields(auto& self, auto&& visit) {
      visit("learning_rate", self.learning_rate);
      visit("beta1", self.beta1);
      visit("beta2", self.beta2);
      visit("epsilon", self.epsilon);
      visit("weight_decay", self.weight_decay);
    }
  };

  AdamBase(const Config& config, std::size_t parameters)
      : config_(config), first_(parameters, 0.f), second_(parameters, 0.f) {}

  void begin_step() {
    const double steps = static_cast<double>(++step_);
    correction1_ = 1 - std::pow(static_cast<double>(config_.beta1), steps);
    correction2_ = 1 - std::pow(static_cast<double>(config_.beta2), steps);
  }

  template <class Arch>
  void update(const Block&, std::size_t offset, std::span<float> weights, std::span<const float> gradient,
              float learning_rate, float gradient_scale) {
    using Register = Batch<Arch>;
    const Register rate(static_cast<float>(learning_rate / correction1_));
    const Register root(static_cast<float>(1 / std::sqrt(correction2_)));
    const Register scale(gradient_scale), epsilon(config_.epsilon);
    const Register keep1(config_.beta1), take1(1 - config_.beta1), keep2(config_.beta2),
        take2(1 - config_.beta2);
    const Register decay(decoupled ? 1 - learning_rate * config_.weight_decay : config_.weight_decay);
    const auto step = [&](Register& w, const Register& raw, Register& m, Register& v) {
      Register g = raw * scale;
      if constexpr (decoupled) {
        w = w * decay;
      } else {
        g = multiply_add<Arch>(decay, w, g);
      }
      m = without_denormals<Arch>(multiply_add<Arch>(keep1, m, take1 * g));
      v = without_denormals<Arch>(multiply_add<Arch>(keep2, v, take2 * g * g));
      w = w - rate * m / multiply_add<Arch>(xsimd::sqrt(v), root, epsilon);
    };
    map_registers<Arch>(weights.size(), step, weights.data(), gradient.data(), first_.data() + offset,
                        second_.data() + offset);
  }

  void archive(auto& a) { a(step_, first_, second_); }

 private:
  Config config_;
  std::uint64_t step_ = 0;
  double correction1_ = 1, correction2_ = 1;  // of this step
  AlignedVector<float> first_, second_;
};

}  // namespace internal

/// Adam; its weight decay is an L2 penalty.
class Adam : public internal::AdamBase<false> {
 public:
  using AdamBase::AdamBase;
};

/// Adam with decoupled weight decay.
class AdamW : public internal::AdamBase<true> {
 public:
  using AdamBase::AdamBase;
};

}  // namespace polis
