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
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
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

  /// This step of one weight, or of a register of them, given its raw gradient.
  struct Step {
    float rate, root, scale, epsilon, keep1, take1, keep2, take2, decay;

    template <class T>
    POLIS_HD void operator()(T& w, const T& raw, T& m, T& v) const {
      T g = raw * T(scale);
      if constexpr (decoupled) {
        w = w * T(decay);
      } else {
        g = math::fma(T(decay), w, g);
      }
      m = without_denormals(math::fma(T(keep1), m, T(take1) * g));
      v = without_denormals(math::fma(T(keep2), v, T(take2) * g * g));
      w = w - T(rate) * m / math::fma(math::sqrt(v), T(root), T(epsilon));
    }
  };
  /// The step that comes `steps`-th, with all that it has in common for all weights.
  [[nodiscard]] POLIS_HD static Step step(const Config& config, double steps, float learning_rate,
                                          float gradient_scale) {
    return corrected(config, 1 - pow(static_cast<double>(config.beta1), steps),
                     1 - pow(static_cast<double>(config.beta2), steps), learning_rate, gradient_scale);
  }

  template <class Arch>
  void update(const Block&, std::size_t offset, std::span<float> weights, std::span<const float> gradient,
              float learning_rate, float gradient_scale) {
    map_registers<Arch>(weights.size(),
                        corrected(config_, correction1_, correction2_, learning_rate, gradient_scale),
                        weights.data(), gradient.data(), first_.data() + offset, second_.data() + offset);
  }

  [[nodiscard]] const Config& config() const { return config_; }
  /// Steps made, and both moments, for a device that goes on from here.
  [[nodiscard]] std::uint64_t& steps() { return step_; }
  [[nodiscard]] std::span<float> first_moments() { return {first_.data(), first_.size()}; }
  [[nodiscard]] std::span<float> second_moments() { return {second_.data(), second_.size()}; }

  void archive(auto& a) { a(step_, first_, second_); }

 private:
  [[nodiscard]] POLIS_HD static Step corrected(const Config& config, double correction1, double correction2,
                                               float learning_rate, float gradient_scale) {
    return {.rate = static_cast<float>(learning_rate / correction1),
            .root = static_cast<float>(1 / sqrt(correction2)),
            .scale = gradient_scale,
            .epsilon = config.epsilon,
            .keep1 = config.beta1,
            .take1 = 1 - config.beta1,
            .keep2 = config.beta2,
            .take2 = 1 - config.beta2,
            .decay = decoupled ? 1 - learning_rate * config.weight_decay : config.weight_decay};
  }

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
