// Losses of a temporal-difference error: what Q-learning makes small.
#pragma once

#include <concepts>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// The loss of one error (value minus target) and its derivative.
template <class T>
struct ErrorLoss {
  T loss, d_error;
};

/// A pointwise function of the error with its derivative, of a float, a double or a register.
template <class L>
concept TemporalDifferenceLoss = requires(const typename L::Config& config, float error) {
  { L::error_loss(config, error) } -> std::same_as<ErrorLoss<float>>;
};

/// error^2 (CleanRL's and PyMARL2's loss; twice Huber's where that is quadratic).
struct SquaredError {
  using word = word::Objective;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  template <class T>
  POLIS_HD static ErrorLoss<T> error_loss(const Config&, const T& error) {
    return {error * error, error + error};
  }
};

/// error^2 / 2 up to `delta`, a line beyond it (Huber 1964): errors clipped, as Mnih et al. (2015) do.
struct Huber {
  using word = word::Objective;
  struct Config {
    float delta = 1.f;
    static constexpr void fields(auto& self, auto&& visit) { visit("delta", self.delta); }
  };
  template <class T>
  POLIS_HD static ErrorLoss<T> error_loss(const Config& config, const T& error) {
    const T bound(config.delta), slope = math::min(math::max(error, -bound), bound);
    return {slope * (error - T(.5f) * slope), slope};
  }
};

}  // namespace polis
