// What a Trainer does differently where its lanes are spread over ranks: who has which lanes, what all ranks
// must agree on, and one checkpoint of all lanes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <polis/collective/collective.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/train/lane_tiles.hpp>

namespace polis::internal {

/// One rank's share of so many lanes. Error: they cannot be shared out evenly.
template <Communicator C>
[[gnu::cold]] int lanes_of_rank(const C& collective, int lanes) {
  if (lanes % collective.ranks() == 0) return lanes / collective.ranks();
  throw Error(concat({"lanes = ", lanes}), "Trainer",
              concat({"a multiple of the ", collective.ranks(), " ranks"}));
}

/// As many threads as are asked for, else one for each core of this rank's.
template <Communicator C>
[[gnu::cold]] int threads_of_rank(const C& collective, int asked) {
  if (asked > 0) return asked;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / collective.neighbours());
}

/// The episodes that ended on any rank since the last exchange, in the order in which those of one rank count
/// whose groups (train/lane_tiles.hpp) have so many lanes.
class RankedEpisodes {
 public:
  void add(const EndedEpisode& episode) { own_.push_back(episode); }

  template <Communicator C>
  [[nodiscard]] std::span<const EndedEpisode> exchange(C& collective, int group) {
    const auto bytes = collective.all_gather(std::as_bytes(std::span(own_)));
    all_.resize(bytes.size() / sizeof(EndedEpisode));
    if (!all_.empty()) std::memcpy(static_cast<void*>(all_.data()), bytes.data(), bytes.size());
    own_.clear();
    const auto of_groups = static_cast<std::uint32_t>(group);
    std::sort(all_.begin(), all_.end(), [of_groups](const EndedEpisode& a, const EndedEpisode& b) {
      if (a.lane / of_groups != b.lane / of_groups) return a.lane < b.lane;
      return a.step != b.step ? a.step < b.step : a.lane < b.lane;
    });
    return all_;
  }

 private:
  std::vector<EndedEpisode> own_, all_;
};

/// What rank 0 says.
template <Communicator C>
double of_first_rank(C& collective, double value) {
  double said = collective.rank() == 0 ? value : 0.;
  collective.sum({&said, 1});
  return said;
}
/// Whether any rank says so.
template <Communicator C>
bool any_rank(C& collective, bool own) {
  double said = own ? 1. : 0.;
  collective.sum({&said, 1});
  return said > 0;
}

/// f(). An exception there ends all ranks, since the others would wait for this one.
template <Communicator C, class F>
[[gnu::cold]] auto on_every_rank(const C& collective, F&& f) {
  if constexpr (C::distributed) {
    try {
      return f();
    } catch (const std::exception& error) {
      collective.fail(error.what());
    }
  } else {
    return f();
  }
}

/// The bytes that `make()` gives on rank 0, on all ranks. Error: that of `make` there, on all ranks alike.
template <Communicator C, class Make>
[[gnu::cold]] std::vector<std::byte> from_first_rank(C& collective, Make&& make) {
  if constexpr (!C::distributed) {
    return make();
  } else {
    std::vector<std::byte> bytes;
    std::string problem, where, expected;
    if (collective.rank() == 0) {
      try {
        bytes = make();
      } catch (const Error& error) {
        problem = error.problem(), where = error.where(), expected = error.expected();
      }
    }
    ArchiveWriter outcome;
    outcome(problem, where, expected);
    std::vector<std::byte> told = outcome.take();
    collective.broadcast(told, 0);
    ArchiveReader reader(told);
    reader(problem, where, expected);
    if (!problem.empty()) throw Error(problem, where, expected);
    collective.broadcast(bytes, 0);
    return bytes;
  }
}

/// How archives of this collective's ranks become one.
template <Communicator C>
[[gnu::cold]] ArchiveRanks archive_ranks(C& collective) {
  if constexpr (!C::distributed) {
    return {};
  } else {
    const auto gather = [](void* of, std::vector<std::byte>& bytes, std::size_t start) {
      C& ranks = *static_cast<C*>(of);
      const std::size_t own = bytes.size() - start;
      const auto all = ranks.all_gather(std::span<const std::byte>(bytes).subspan(start));
      if (ranks.rank() != 0) return;
      const auto others = all.subspan(own);
      bytes.insert(bytes.end(), others.begin(), others.end());
    };
    return {collective.rank(), collective.ranks(), &collective, gather};
  }
}

}  // namespace polis::internal
