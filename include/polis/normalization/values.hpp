// Words for the scale of the critic: values as they are, or targets normalised by running statistics.
#pragma once

#include <algorithm>
#include <cmath>

#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// The critic's outputs are values.
struct RawValues {
  using word = word::ValueNormalization;
  static constexpr bool normalizes = false;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  class State {
   public:
    explicit State(const Config&) {}
    void archive(auto&) {}
  };
};

/// The critic learns (return - mean) / sd, and what it puts out is turned back before returns are estimated
/// (Yu et al. 2022, "The surprising effectiveness of PPO in cooperative multi-agent games", section 5.1).
/// Mean and mean square are exponential averages over rollouts, corrected for having begun at zero.
struct ValueNormalization {
  using word = word::ValueNormalization;
  static constexpr bool normalizes = true;
  struct Config {
    float decay = .99999f;      ///< share of the old statistics that a rollout leaves; near 1: a plain mean
    float min_variance = .01f;  ///< bound on the variance that returns are divided by
    static void fields(auto& self, auto&& visit) {
      visit("decay", self.decay);
      visit("min_variance", self.min_variance);
    }
  };
  class State {
   public:
    explicit State(const Config& config) : config_(config) {}

    /// The value that an output of the critic stands for.
    [[nodiscard]] POLIS_HD float value(float output) const { return output * now_.deviation + now_.mean; }
    /// The output that stands for a return, by the present statistics.
    [[nodiscard]] POLIS_HD float target(float value) const { return (value - now_.mean) / now_.deviation; }
    /// The output that gave a value of the present rollout, made before `learn`.
    [[nodiscard]] POLIS_HD float output(float value) const {
      return (value - before_.mean) / before_.deviation;
    }

    /// Adds a rollout's returns: their number, sum and sum of squares.
    POLIS_HD void learn(double count, double sum, double squares) {
      before_ = now_;
      if (count <= 0) return;
      const auto decay = static_cast<double>(config_.decay);
      weight_ = decay * weight_ + (1 - decay);
      mean_ = decay * mean_ + (1 - decay) * sum / count;
      square_ = decay * square_ + (1 - decay) * squares / count;
      const double mean = mean_ / weight_, variance = square_ / weight_ - mean * mean;
      now_.mean = static_cast<float>(mean);
      now_.deviation =
          static_cast<float>(std::sqrt(std::max(variance, static_cast<double>(config_.min_variance))));
    }
    /// From now on the values of the rollout are outputs by the present statistics: they were made anew.
    POLIS_HD void settle() { before_ = now_; }

    void archive(auto& a) {
      a(mean_, square_, weight_, now_.mean, now_.deviation);
      before_ = now_;
    }

   private:
    struct Scale {
      float mean = 0, deviation = 1;
    };
    Config config_;
    double mean_ = 0, square_ = 0,
           weight_ = 0;  // sums of weights 1 - decay, and the weight they have reached
    Scale now_, before_;
  };
};

}  // namespace polis
