// RMSProp (Hinton, lecture 6e of "Neural Networks for Machine Learning", 2012), with PyTorch's semantics:
//
//   v = a v + (1 - a) g^2    b = momentum b + g / (sqrt(v) + epsilon)    w -= lr b
#pragma once

#include <cstddef>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/flat.hpp>
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

  template <class Arch>
  void update(const Block&, std::size_t offset, std::span<float> weights, std::span<const float> gradient,
              float learning_rate, float gradient_scale) {
    using Register = Batch<Arch>;
    using internal::without_denormals;
    const Register scale(gradient_scale), decay(config_.weight_decay), epsilon(config_.epsilon);
    const Register keep(config_.smoothing), take(1 - config_.smoothing);
    const Register momentum(config_.momentum), rate(-learning_rate);
    const auto step = [&](Register& w, const Register& raw, Register& v, Register& b) {
      const Register g = multiply_add<Arch>(decay, w, raw * scale);
      v = without_denormals(multiply_add<Arch>(keep, v, take * g * g));
      b = without_denormals(multiply_add<Arch>(momentum, b, g / (xsimd::sqrt(v) + epsilon)));
      w = multiply_add<Arch>(rate, b, w);
    };
    map_registers<Arch>(weights.size(), step, weights.data(), gradient.data(), square_.data() + offset,
                        velocity_.data() + offset);
  }

  void archive(auto& a) { a(square_, velocity_); }

 private:
  Config config_;
  AlignedVector<float> square_, velocity_;
};

}  // namespace polis
