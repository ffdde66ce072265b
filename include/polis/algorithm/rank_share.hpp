// One rank's share of the minibatches that all ranks learn from together.
//
// Every rank lists the units of all of them in the order of one rank that has all the lanes, and shuffles the
// list by the same random numbers; of each minibatch it works on its own units. What a unit is (a decision,
// or a segment of a recurrent policy's row) is the learner's matter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <polis/algorithm/loss_scratch.hpp>
#include <polis/core/random.hpp>

namespace polis::internal {

class RankShare {
 public:
  /// Lists the units of all ranks. `own` are this rank's in their order: unit u is of row u % rows and
  /// begins at slot u / rows, a multiple of `segment`, of `slots`; every rank has as many rows.
  template <class C>
  void list(C& collective, std::span<const int> own, int slots, int segment, int rows) {
    const int segments = (slots + segment - 1) / segment;
    const auto every = static_cast<std::size_t>(rows);
    counts_.assign(static_cast<std::size_t>(segments) * every, 0);
    for (const int unit : own)
      counts_[static_cast<std::size_t>(unit / rows / segment * rows + unit % rows)] = 1;
    const auto all = collective.all_gather(std::as_bytes(std::span(counts_)));
    units_.clear();
    units_.reserve(all.size());
    own_.reserve(all.size());
    for (int s = 0; s < segments; ++s) {
      for (int rank = 0; rank < collective.ranks(); ++rank) {
        const std::byte* counts = all.data() + static_cast<std::size_t>(rank * segments + s) * every;
        for (int row = 0; row < rows; ++row) {
          if (counts[row] == std::byte{0}) continue;
          units_.push_back(rank == collective.rank() ? s * segment * rows + row : -1);
        }
      }
    }
  }

  /// Units of all ranks.
  [[nodiscard]] int count() const { return static_cast<int>(units_.size()); }
  void shuffle(auto& random) { polis::shuffle(std::span<int>(units_), random); }

  /// Cuts the list into minibatches; `sums(units)` adds up own units' advantages, and `scale(sums)` says how
  /// those of a minibatch of all ranks are normalised: all sums travel in one message.
  template <class C, class SumsOf, class ScaleOf>
  void divide(C& collective, int batches, SumsOf&& sums, ScaleOf&& scale) {
    ends_.clear(), sums_.clear(), scales_.clear();
    own_.resize(units_.size());
    std::size_t end = 0;
    for (int b = 0; b < batches; ++b) {
      const std::size_t begin = end;
      for (int i = bound(b, batches); i < bound(b + 1, batches); ++i) {
        const int unit = units_[static_cast<std::size_t>(i)];
        own_[end] = unit;  // whose next one is, nobody could foretell: a branch would cost more than writing
        end += unit >= 0 ? 1 : 0;
      }
      ends_.push_back(end);
      sums_.push_back(sums(std::span<const int>(own_).subspan(begin, end - begin)));
    }
    // Sums are doubles alone, so that those of all minibatches are one array of them.
    static_assert(sizeof(AdvantageSums) == AdvantageSums::numbers * sizeof(double));
    collective.sum(std::span<double>(&sums_.front().valued, sums_.size() * AdvantageSums::numbers));
    for (const AdvantageSums& of_all : sums_) scales_.push_back(scale(of_all));
  }
  /// This rank's units of minibatch b.
  [[nodiscard]] std::span<const int> own(int b) const {
    const std::size_t begin = b > 0 ? ends_[static_cast<std::size_t>(b - 1)] : 0;
    return std::span<const int>(own_).subspan(begin, ends_[static_cast<std::size_t>(b)] - begin);
  }
  [[nodiscard]] const AdvantageScale& scale(int b) const { return scales_[static_cast<std::size_t>(b)]; }

  /// Adds up a gradient over all ranks, as one message, which a gradient in one piece is by itself.
  template <class C, class Parameters>
  void sum(C& collective, Parameters& gradient) {
    if constexpr (requires { collective.sum(gradient.values()); }) return collective.sum(gradient.values());
    message_.resize(gradient.size());
    gradient.for_each_block([this](const auto&, std::size_t offset, std::span<float> values) {
      std::copy(values.begin(), values.end(), message_.begin() + static_cast<std::ptrdiff_t>(offset));
    });
    collective.sum(std::span<float>(message_));
    gradient.for_each_block([this](const auto&, std::size_t offset, std::span<float> values) {
      std::copy_n(message_.begin() + static_cast<std::ptrdiff_t>(offset), values.size(), values.begin());
    });
  }

 private:
  [[nodiscard]] int bound(int b, int batches) const {
    return static_cast<int>(static_cast<std::int64_t>(count()) * b / batches);
  }

  std::vector<std::uint8_t> counts_;    // [segment][row]: whether it is a unit of this rank
  std::vector<int> units_;              // of all ranks; -1 where it is another's
  std::vector<int> own_;                // of this rank, minibatch by minibatch
  std::vector<std::size_t> ends_;       // [minibatch]: where its units end in own_
  std::vector<AdvantageSums> sums_;     // [minibatch]
  std::vector<AdvantageScale> scales_;  // [minibatch]
  std::vector<float> message_;
};

}  // namespace polis::internal
