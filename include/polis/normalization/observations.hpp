// Words for what a policy sees of an observation: as it is, or normalised by running statistics.
//
// The statistics belong to the algorithm: all lanes share them, a rollout and its update see the same ones,
// an evaluation leaves them alone, and they are saved with the weights.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <polis/core/array_view.hpp>
#include <polis/core/transpose.hpp>
#include <polis/core/word.hpp>
#include <polis/normalization/moments.hpp>

namespace polis {

/// Observations as they are.
struct RawObservations {
  using word = word::ObservationNormalization;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  class State {
   public:
    State(const Config&, int /*features*/) {}
    template <class Arch>
    void gather(const float* base, int stride, const int* ids, int rows, int features, float* tile) const {
      gather_tile<Arch>(base, static_cast<std::size_t>(stride), ids, rows, features, tile);
    }
    template <class Decided, class Sum = OwnSums>
    void learn(const ArrayView<float, 3>&, Decided&&, Sum&& = {}) {}
    void archive(auto&) {}
  };
};

/// (x - mean) / sd, clipped, as VecNormalize and CleanRL's continuous PPO do; identity until first
/// statistics.
struct NormalizeObservations {
  using word = word::ObservationNormalization;
  struct Config {
    float clip = 10.f;      ///< bound on the normalised value
    float epsilon = 1e-8f;  ///< added to the variance
    int rollouts = 0;       ///< statistics of so many first rollouts, then fixed; 0: of all
    static void fields(auto& self, auto&& visit) {
      visit("clip", self.clip);
      visit("epsilon", self.epsilon);
      visit("rollouts", self.rollouts);
    }
  };
  class State {
   public:
    State(const Config& config, int features)
        : config_(config),
          moments_(features),
          mean_(static_cast<std::size_t>(features), 0.f),
          inverse_deviation_(static_cast<std::size_t>(features), 1.f),
          sums_(2 * static_cast<std::size_t>(features) + 1) {}

    template <class Arch>
    void gather(const float* base, int stride, const int* ids, int rows, int features, float* tile) const {
      gather_normalized_tile<Arch>(base, static_cast<std::size_t>(stride), ids, rows, features, mean_.data(),
                                   inverse_deviation_.data(), config_.clip, tile);
    }

    /// Adds the observations [slot][row][feature] for which decided(slot, row) holds. `sum(values)` adds up
    /// over all who have the same statistics.
    template <class Decided, class Sum = OwnSums>
    void learn(const ArrayView<float, 3>& observations, Decided&& decided, Sum&& sum = {}) {
      if (!counts_another()) return;
      const std::size_t features = mean_.size();
      sums_.assign(2 * features + 1, 0.);
      double& count = sums_.back();
      for (std::ptrdiff_t slot = 0; slot < observations.shape[0]; ++slot) {
        for (std::ptrdiff_t row = 0; row < observations.shape[1]; ++row) {
          if (!decided(slot, row)) continue;
          const float* x = &observations(slot, row, 0);
          for (std::size_t f = 0; f < features; ++f) {
            const double distance = static_cast<double>(x[f]) - moments_.mean(static_cast<int>(f));
            sums_[f] += distance;
            sums_[features + f] += distance * distance;
          }
          ++count;
        }
      }
      sum(std::span<double>(sums_));
      moments_.merge(count, sums_.data(), sums_.data() + features);
      refresh();
    }

    /// Whether another rollout counts for the statistics; it is then counted.
    bool counts_another() {
      if (config_.rollouts > 0 && learnt_ >= config_.rollouts) return false;
      ++learnt_;
      return true;
    }
    [[nodiscard]] const RunningMoments& moments() const { return moments_; }
    /// What `gather` makes of x: (x - mean) * inverse_deviation, within [-clip, clip].
    [[nodiscard]] const std::vector<float>& mean() const { return mean_; }
    [[nodiscard]] const std::vector<float>& inverse_deviation() const { return inverse_deviation_; }
    [[nodiscard]] float clip() const { return config_.clip; }
    /// Takes over statistics that were gathered elsewhere, of as many features.
    void restore(RunningMoments moments) {
      moments_ = std::move(moments);
      refresh();
    }
    void archive(auto& a) {
      a(moments_, learnt_);
      refresh();
    }

   private:
    void refresh() {
      if (moments_.count() <= 0) return;
      for (std::size_t f = 0; f < mean_.size(); ++f) {
        const int feature = static_cast<int>(f);
        mean_[f] = static_cast<float>(moments_.mean(feature));
        inverse_deviation_[f] = static_cast<float>(
            1. / std::sqrt(moments_.variance(feature) + static_cast<double>(config_.epsilon)));
      }
    }

    Config config_;
    RunningMoments moments_;
    int learnt_ = 0;  // rollouts whose statistics were taken, as far as `rollouts` asks to count them
    std::vector<float> mean_, inverse_deviation_;
    std::vector<double>
        sums_;  // [feature] of distances, then of their squares, then the number of observations
  };
};

}  // namespace polis
