// Words for the scale of rewards: as they are, or divided by the deviation of the discounted return.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <polis/core/array_view.hpp>
#include <polis/core/word.hpp>
#include <polis/env/end.hpp>
#include <polis/normalization/moments.hpp>

namespace polis {

/// Rewards as they are.
struct RawRewards {
  using word = word::RewardNormalization;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  class State {
   public:
    State(const Config&, int /*rows*/) {}
    template <class Sum = OwnSums>
    void scale(const ArrayView<float, 2>&, const ArrayView<End, 2>&, int /*first_slot*/, float /*discount*/,
               Sum&& = {}) {}
    void archive(auto&) {}
  };
};

/// Rewards divided by the running standard deviation of the discounted return, clipped. The mean is not taken
/// out: that would change the optimum where the length of episodes varies.
struct ScaleRewards {
  using word = word::RewardNormalization;
  struct Config {
    float clip = 10.f;
    float epsilon = 1e-8f;  ///< added to the variance
    static void fields(auto& self, auto&& visit) {
      visit("clip", self.clip);
      visit("epsilon", self.epsilon);
    }
  };
  class State {
   public:
    State(const Config& config, int rows)
        : config_(config), moments_(1), running_(static_cast<std::size_t>(rows)) {}

    /// Adds the returns of rewards [slot][row] to the statistics, then scales these rewards in place. Slots
    /// before `first_slot` were scaled when they were first seen. `sum(values)` adds up over all who scale by
    /// the same statistics.
    template <class Sum = OwnSums>
    void scale(const ArrayView<float, 2>& rewards, const ArrayView<End, 2>& ends, int first_slot,
               float discount, Sum&& sum = {}) {
      std::array<double, 3> sums{};
      auto& [count, distance, squares] = sums;
      for (std::ptrdiff_t slot = first_slot; slot < rewards.shape[0]; ++slot) {
        for (std::ptrdiff_t row = 0; row < rewards.shape[1]; ++row) {
          double& value = running_[static_cast<std::size_t>(row)];
          value = static_cast<double>(discount) * value + static_cast<double>(rewards(slot, row));
          const double from_mean = value - moments_.mean(0);
          ++count, distance += from_mean, squares += from_mean * from_mean;
          if (ends(slot, row) != End::none) value = 0;
        }
      }
      sum(std::span<double>(sums));
      moments_.merge(count, &distance, &squares);
      const auto scale =
          static_cast<float>(1. / std::sqrt(moments_.variance(0) + static_cast<double>(config_.epsilon)));
      for (std::ptrdiff_t slot = first_slot; slot < rewards.shape[0]; ++slot) {
        for (std::ptrdiff_t row = 0; row < rewards.shape[1]; ++row) {
          rewards(slot, row) = std::clamp(rewards(slot, row) * scale, -config_.clip, config_.clip);
        }
      }
    }

    [[nodiscard]] RunningMoments& moments() { return moments_; }
    [[nodiscard]] const RunningMoments& moments() const { return moments_; }
    /// The discounted return of each row so far.
    [[nodiscard]] std::span<double> running() { return running_; }
    void archive(auto& a) {
      a(moments_);
      a.spread(running_);
    }

   private:
    Config config_;
    RunningMoments moments_;
    std::vector<double> running_;
  };
};

}  // namespace polis
