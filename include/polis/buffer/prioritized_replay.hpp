// Prioritised replay (Schaul, Quan, Antonoglou and Silver 2016), proportional variant:
//
//   P(i) = p_i^exponent / sum of all     p_i = |temporal-difference error| + epsilon
//   w_i  = (N P(i))^-beta / max of w over the sample
//
// where beta rises from `correction` to 1 over training: at 1 the bias of sampling by priority is undone. New
// transitions have the greatest priority seen. A sum tree finds the transition at a given mass in log N
// steps; each node is the sum of its two children, computed anew when one changes, so that no rounding builds
// up.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <polis/buffer/replay.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/random.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// Sums over a fixed number of leaves of non-negative mass.
class SumTree {
 public:
  SumTree() = default;
  [[gnu::cold]] explicit SumTree(int leaves) {
    while (leaves_ < static_cast<std::size_t>(leaves)) leaves_ *= 2;
    nodes_ = FixedArray<double>(2 * leaves_);
  }
  [[nodiscard]] double total() const { return nodes_[1]; }
  [[nodiscard]] double mass(int leaf) const { return nodes_[leaves_ + static_cast<std::size_t>(leaf)]; }
  void set(int leaf, double mass) {
    std::size_t at = leaves_ + static_cast<std::size_t>(leaf);
    nodes_[at] = mass;
    while (at > 1) {
      at /= 2;
      nodes_[at] = nodes_[2 * at] + nodes_[2 * at + 1];
    }
  }
  /// The leaf in which this mass lies, 0 <= mass < total(), leaves lying one after the other; never one
  /// without mass.
  [[nodiscard]] int find(double mass) const {
    std::size_t at = 1;
    while (at < leaves_) {
      at *= 2;
      if (mass < nodes_[at] || nodes_[at + 1] == 0) continue;
      mass -= nodes_[at];
      ++at;
    }
    return static_cast<int>(at - leaves_);
  }
  void archive(auto& a) { a.fixed(nodes_); }

 private:
  std::size_t leaves_ = 1;
  FixedArray<double> nodes_ = FixedArray<double>(2);  // node i's children are 2i and 2i + 1, the root is 1
};

/// Transitions drawn in proportion to their priority, one from each of as many equal parts of the whole mass.
class ProportionalReplay : public ReplayArrays {
 public:
  struct Config {
    int capacity = 100'000;  ///< transitions kept of all lanes together
    float exponent = .6f;    ///< of the priorities: 0 samples uniformly
    float correction = .4f;  ///< the exponent beta of the importance weights when training begins
    float epsilon = 1e-6f;   ///< added to every error, lest a transition be never seen again
    static constexpr void fields(auto& self, auto&& visit) {
      visit("capacity", self.capacity);
      visit("exponent", self.exponent);
      visit("correction", self.correction);
      visit("epsilon", self.epsilon);
    }
  };

  ProportionalReplay() = default;
  [[gnu::cold]] ProportionalReplay(const Config& config, const ReplayShape& shape, float* memory = nullptr)
      : ReplayArrays(shape, memory),
        config_(config),
        tree_(shape.units * shape.slots()),
        settled_(static_cast<std::size_t>(shape.units)) {}

  /// Takes account of what came in since the last call: before the samples of an update.
  void settle() {
    size_ = 0;
    for (int unit = 0; unit < shape().units; ++unit) {
      std::uint64_t& settled = settled_[static_cast<std::size_t>(unit)];
      const std::uint64_t now = completed(unit), oldest = now - kept(unit);
      const auto slots = static_cast<std::uint64_t>(shape().slots());
      const auto capacity = static_cast<std::uint64_t>(shape().capacity);
      // What is no longer kept, before what may stand in its place.
      const std::uint64_t before = settled - std::min(settled, capacity);
      for (auto n = std::max(before, oldest - std::min(oldest, slots)); n < oldest; ++n) {
        tree_.set(place(unit, n), 0);
      }
      for (auto n = std::max(settled, oldest); n < now; ++n) tree_.set(place(unit, n), greatest_);
      settled = now;
      size_ += kept(unit);
    }
  }
  /// Transitions to sample from.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The probability of the transition at a place.
  [[nodiscard]] double probability(int id) const { return tree_.mass(id) / tree_.total(); }

  /// Fills `ids` with the places of transitions, `weights` with what each counts in the loss.
  void sample(Random& random, double progress, std::span<int> ids, std::span<float> weights) const {
    const double part = tree_.total() / static_cast<double>(ids.size());
    const auto start = static_cast<double>(config_.correction);
    const double beta = start + (1 - start) * progress;
    float greatest = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ids[i] = tree_.find((static_cast<double>(i) + random.uniform_double()) * part);
      const double expected = static_cast<double>(size_) * probability(ids[i]);
      weights[i] = static_cast<float>(std::pow(expected, -beta));
      greatest = std::max(greatest, weights[i]);
    }
    for (float& weight : weights) weight /= greatest;
  }
  /// Gives the transitions of a sample the priorities of their temporal-difference errors.
  void learn(std::span<const int> ids, std::span<const float> errors) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto priority = static_cast<double>(std::abs(errors[i]) + config_.epsilon);
      const double mass = std::pow(priority, static_cast<double>(config_.exponent));
      tree_.set(ids[i], mass);
      greatest_ = std::max(greatest_, mass);
    }
  }

  void archive(auto& a) {
    archive_shape(a);
    a.fixed(contents());
    archive_counts(a);
  }
  void archive_counts(auto& a) {
    ReplayArrays::archive_counts(a);
    a(tree_, greatest_, size_);
    a.fixed(settled_);
  }

 private:
  Config config_;
  SumTree tree_;
  FixedArray<std::uint64_t> settled_;  // [unit]: transitions completed at the last settlement
  double greatest_ = 1;                // mass so far, which new transitions get
  std::uint64_t size_ = 0;
};

/// The word: off-policy samples, those of great errors more often.
struct PrioritizedReplay {
  using word = word::Buffer;
  using Arrays = ProportionalReplay;
  using Config = ProportionalReplay::Config;
};

}  // namespace polis
