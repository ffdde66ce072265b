// What joins the processes of one training: the word that names it, and what every model of it offers.
//
// N ranks with a share of the lanes each do what one rank with all the lanes does: losses, statistics and
// gradients are sums over all ranks, and everything else that matters is drawn from the same counters.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <polis/core/word.hpp>

namespace polis {

/// Names a trainer's collective: `Collective<Mpi>`.
template <class C>
struct Collective {
  using word = word::Collective;
  using type = C;
};

/// Processes that call the same functions in the same order. `sum` adds up in place, element by element in
/// the order of ranks, so that all ranks get the same bits and a second run gets them again. `all_gather`
/// gives every rank the bytes of all of them, one after the other in the order of ranks and valid until the
/// next call; `broadcast` gives every rank those of one. `neighbours` is how many ranks share this machine's
/// cores, and `local_rank` which of them this is. `fail` says why, ends every rank and does not return. Where
/// `distributed` is false there is one rank, known when the program is compiled, and none of this leaves
/// code.
template <class C>
concept Communicator =
    requires(C& c, const C& constant, std::span<float> floats, std::span<double> doubles,
             std::span<const std::byte> own, std::vector<std::byte>& bytes, const std::string& message) {
      { std::bool_constant<C::distributed>{} };
      { constant.rank() } -> std::same_as<int>;
      { constant.ranks() } -> std::same_as<int>;
      { constant.neighbours() } -> std::same_as<int>;
      { constant.local_rank() } -> std::same_as<int>;
      c.sum(floats);
      c.sum(doubles);
      { c.all_gather(own) } -> std::same_as<std::span<const std::byte>>;
      c.broadcast(bytes, 0);
      constant.fail(message);
    };

}  // namespace polis
