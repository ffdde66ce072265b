// Stochastic gradient descent with (Nesterov's) momentum, with PyTorch's semantics:
//
//   b = momentum b + g    w -= lr b    (Nesterov: w -= lr (g + momentum b))
#pragma once

#include <cstddef>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/flat.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>
#include <polis/nn/optimizer.hpp>

namespace polis {

class Sgd {
 public:
  using word = word::Optimizer;

  struct Config {
    float learning_rate = 1e-2f;
    float momentum = .9f;
    bool nesterov = false;
    float weight_decay = 0;

    static constexpr void fields(auto& self, auto&& visit) {
      visit("learning_rate", self.learning_rate);
      visit("momentum", self.momentum);
      visit("nesterov", self.nesterov);
      visit("weight_decay", self.weight_decay);
    }
  };

  Sgd(const Config& config, std::size_t parameters) : config_(config), velocity_(parameters, 0.f) {}

  void begin_step() {}

  template <class Arch>
  void update(const Block&, std::size_t offset, std::span<float> weights, std::span<const float> gradient,
              float learning_rate, float gradient_scale) {
    using Register = Batch<Arch>;
    const Register scale(gradient_scale), decay(config_.weight_decay);
    const Register momentum(config_.momentum), rate(-learning_rate);
    const auto step = [&](Register& w, const Register& raw, Register& b) {
      const Register g = multiply_add<Arch>(decay, w, raw * scale);
      b = internal::without_denormals(multiply_add<Arch>(momentum, b, g));
      w = multiply_add<Arch>(rate, config_.nesterov ? multiply_add<Arch>(momentum, b, g) : b, w);
    };
    map_registers<Arch>(weights.size(), step, weights.data(), gradient.data(), velocity_.data() + offset);
  }

  void archive(auto& a) { a(velocity_); }

 private:
  Config config_;
  AlignedVector<float> velocity_;
};

}  // namespace polis
