// RMSProp (Hinton, lecture 6e of "Neural Networks for Machine Learning", 2012), with PyTorch's semantics:
//
//   v = a v + (1 - a) g^2    b = momentum b + g / (sqrt(v) + epsilon)    w -= lr b
#pragma once

#include <cstddef>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/flat.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>
#include <polis/nn/optimizer.hpp>

namespace polis {

class RmsProp {
 public:
  using word = word::Optimizer;

  struct Config {
    float learning_rate = 7e-4f;
    float smoothing = .99f;
    float epsilon = 1e-5f;
    float momentum = 0;
    float weight_decay = 0;

    static constexpr void fields(auto& self, auto&& visit) {
      visit("learning_rate", self.learning_rate);
      visit("smoothing", self.smoothing);
      visit("epsilon", self.epsilon);
      visit("momentum", self.momentum);
      visit("weight_decay", self.weight_decay);
    }
  };

  RmsProp(const Config& config, std::size_t parameters)
      : config_(config), square_(parameters, 0.f), velocity_(parameters, 0.f) {}

  void begin_step() {}

  /// This step of one weight, or of a register of them, given its raw gradient.
  struct Step {
    float rate, scale, epsilon, keep, take, momentum, decay;

    template <class T>
    POLIS_HD void operator()(T& w, const T& raw, T& b, T& v) const {
      using internal::without_denormals;
      const T g = math::fma(T(decay), w, raw * T(scale));
      v = without_denormals(math::fma(T(keep), v, T(take) * g * g));
      b = without_denormals(math::fma(T(momentum), b, g / (math::sqrt(v) + T(epsilon))));
      w = math::fma(T(rate), b, w);
    }
  };
  /// All that the step has in common for all weights; it is the same whichever comes.
  [[nodiscard]] POLIS_HD static Step step(const Config& config, double /*steps*/, float learning_rate,
                                          float gradient_scale) {
    return {.rate = -learning_rate,
            .scale = gradient_scale,
            .epsilon = config.epsilon,
            .keep = config.smoothing,
            .take = 1 - config.smoothing,
            .momentum = config.momentum,
            .decay = config.weight_decay};
  }

  template <class Arch>
  void update(const Block&, std::size_t offset, std::span<float> weights, std::span<const float> gradient,
              float learning_rate, float gradient_scale) {
    map_registers<Arch>(weights.size(), step(config_, 0, learning_rate, gradient_scale), weights.data(),
                        gradient.data(), velocity_.data() + offset, square_.data() + offset);
  }

  /// Momentum and squares, for a device that goes on from here.
  [[nodiscard]] std::span<float> first_moments() { return {velocity_.data(), velocity_.size()}; }
  [[nodiscard]] std::span<float> second_moments() { return {square_.data(), square_.size()}; }

  void archive(auto& a) { a(square_, velocity_); }

 private:
  Config config_;
  AlignedVector<float> square_, velocity_;
};

}  // namespace polis
