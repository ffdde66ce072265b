// Training over processes and machines under mpirun or srun: the collective Mpi, and the session around it.
//
//     #include <polis/mpi.hpp>
//     #include <polis/polis.hpp>
//     using namespace polis;
//
//     int main(int argc, char** argv) {
//       const MpiSession session(argc, argv);
//       Trainer<PPO, MultiAgentEnv<CartPole>, Collective<Mpi>> trainer({.seed = 7, .lanes = 256});
//       trainer.train(1'000'000);
//       if (session.first()) trainer.evaluate(100).print();
//     }
//
// `lanes` are those of all ranks together. Link polis::mpi. Thread level: only the thread that began the
// session communicates.
#pragma once

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1  // the C++ bindings that MPI 3 has removed
#endif
#include <mpi.h>

#include <polis/collective/collective.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// Begins and ends MPI. One lives in main, before the first trainer and longer than the last. An exception
/// that leaves its scope ends all ranks: the others would wait for this one for ever.
class MpiSession {
 public:
  /// Error: MPI cannot be used as it is asked to.
  [[gnu::cold]] MpiSession(int& argc, char**& argv) : exceptions_(std::uncaught_exceptions()) {
    // Open MPI asks before it sends more than 4 KB to a process of the same machine. A small network's
    // gradient goes without that in half the time; what the user's environment says stands.
    setenv("OMPI_MCA_btl_vader_eager_limit", "65536", 0);
    setenv("OMPI_MCA_btl_vader_max_send_size", "131072", 0);
    int level = MPI_THREAD_SINGLE;
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
        level < MPI_THREAD_FUNNELED) {
      throw Error("MPI does not start", "MpiSession", "an MPI that programs with threads may use");
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  }
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  [[gnu::cold]] ~MpiSession() {
    if (std::uncaught_exceptions() > exceptions_) {
      std::fprintf(stderr, "polis: rank %d left its work by an exception; all ranks end\n", rank_);
      MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    }
    MPI_Finalize();
  }

  /// Whether this is the rank that prints, writes and evaluates.
  [[nodiscard]] bool first() const { return rank_ == 0; }

 private:
  int exceptions_;
  int rank_ = 0;
};

/// The ranks of an MPI communicator, by default all of them.
class Mpi {
 public:
  static constexpr bool distributed = true;

  /// On all ranks at once, as every constructor here. Error: there is no MpiSession.
  [[gnu::cold]] Mpi() : Mpi(MPI_COMM_WORLD) {}
  /// The ranks of `parent`, with messages of their own.
  [[gnu::cold]] explicit Mpi(MPI_Comm parent) {
    int begun = 0;
    MPI_Initialized(&begun);
    if (begun == 0) throw Error("MPI has not begun", "Collective<Mpi>", "an MpiSession in main");
    MPI_Comm_dup(parent, &world_);
    MPI_Comm_rank(world_, &rank_);
    MPI_Comm_size(world_, &ranks_);
    MPI_Comm machine = MPI_COMM_NULL;
    MPI_Comm_split_type(world_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine);
    MPI_Comm_size(machine, &neighbours_);
    MPI_Comm_rank(machine, &local_rank_);
    MPI_Comm_free(&machine);
    sizes_.resize(static_cast<std::size_t>(ranks_));
    starts_.resize(static_cast<std::size_t>(ranks_));
  }
  Mpi(Mpi&& other) noexcept
      : world_(std::exchange(other.world_, MPI_COMM_NULL)),
        rank_(other.rank_),
        ranks_(other.ranks_),
        neighbours_(other.neighbours_),
        local_rank_(other.local_rank_),
        sizes_(std::move(other.sizes_)),
        starts_(std::move(other.starts_)),
        bytes_(std::move(other.bytes_)),
        floats_(std::move(other.floats_)),
        doubles_(std::move(other.doubles_)) {}
  Mpi& operator=(Mpi&&) = delete;
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;
  [[gnu::cold]] ~Mpi() {
    int ended = 0;
    MPI_Finalized(&ended);
    if (ended == 0 && world_ != MPI_COMM_NULL) MPI_Comm_free(&world_);
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] int neighbours() const { return neighbours_; }
  [[nodiscard]] int local_rank() const { return local_rank_; }

  /// In place, in the order of ranks. Small arrays travel whole to every rank; of large ones each rank adds
  /// up one part and hands it to the others, so that 2 (1 - 1/ranks) of the array goes over the wire.
  void sum(std::span<float> values) { sum(values, MPI_FLOAT, floats_); }
  void sum(std::span<double> values) { sum(values, MPI_DOUBLE, doubles_); }

  /// The bytes of all ranks, which may differ in number. Error: more than two gigabytes.
  std::span<const std::byte> all_gather(std::span<const std::byte> own) {
    const int size = checked_size(own.size());
    MPI_Allgather(&size, 1, MPI_INT, sizes_.data(), 1, MPI_INT, world_);
    std::size_t total = 0;
    for (std::size_t r = 0; r < sizes_.size(); ++r) {
      starts_[r] = checked_size(total);
      total += static_cast<std::size_t>(sizes_[r]);
    }
    if (bytes_.size() < total) bytes_.resize(total);
    MPI_Allgatherv(own.data(), size, MPI_BYTE, bytes_.data(), sizes_.data(), starts_.data(), MPI_BYTE,
                   world_);
    return std::span<const std::byte>(bytes_).first(total);
  }

  /// Gives every rank the bytes of the rank `from`. Error: more than two gigabytes.
  void broadcast(std::vector<std::byte>& bytes, int from) {
    int size = rank_ == from ? checked_size(bytes.size()) : 0;
    MPI_Bcast(&size, 1, MPI_INT, from, world_);
    bytes.resize(static_cast<std::size_t>(size));
    MPI_Bcast(bytes.data(), size, MPI_BYTE, from, world_);
  }

  /// Says why, and ends all ranks.
  [[noreturn, gnu::cold]] void fail(const std::string& message) const {
    std::fprintf(stderr, "polis: rank %d of %d failed, and all ranks end: %s\n", rank_, ranks_,
                 message.c_str());
    std::fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    std::abort();
  }

 private:
  static constexpr std::size_t small_bytes = 1 << 16;  // of all ranks together

  static int checked_size(std::size_t size) {
    if (size <= static_cast<std::size_t>(INT_MAX)) return static_cast<int>(size);
    throw Error(concat({"a message of ", size, " bytes"}), "Collective<Mpi>", "less than two gigabytes");
  }

  template <class T>
  void sum(std::span<T> values, MPI_Datatype type, std::vector<T>& parts) {
    const auto ranks = static_cast<std::size_t>(ranks_);
    if (ranks == 1 || values.empty()) return;
    if (ranks == 2) return exchange(values, type, parts);
    if (values.size_bytes() * ranks <= small_bytes) {
      if (parts.size() < values.size() * ranks) parts.resize(values.size() * ranks);
      const int count = checked_size(values.size());
      MPI_Allgather(values.data(), count, type, parts.data(), count, type, world_);
      add_up(parts.data(), ranks, values);
      return;
    }
    // Part r, of the same length for all ranks but the last ones, is added up by rank r.
    const std::size_t part = (values.size() + ranks - 1) / ranks;
    for (std::size_t r = 0; r < ranks; ++r) {
      starts_[r] = checked_size(std::min(r * part, values.size()));
      sizes_[r] = checked_size(std::min(part, values.size() - std::min(r * part, values.size())));
    }
    const auto own = static_cast<std::size_t>(rank_);
    const auto own_size = static_cast<std::size_t>(sizes_[own]);
    if (parts.size() < own_size * ranks) parts.resize(own_size * ranks);
    received_sizes_.assign(ranks, sizes_[own]);
    received_starts_.resize(ranks);
    for (std::size_t r = 0; r < ranks; ++r) received_starts_[r] = checked_size(r * own_size);
    MPI_Alltoallv(values.data(), sizes_.data(), starts_.data(), type, parts.data(), received_sizes_.data(),
                  received_starts_.data(), type, world_);
    add_up(parts.data(), ranks, values.subspan(static_cast<std::size_t>(starts_[own]), own_size));
    MPI_Allgatherv(MPI_IN_PLACE, 0, type, values.data(), sizes_.data(), starts_.data(), type, world_);
  }

  /// Of two ranks both have both: for arrays as long as a small network's gradient an exchange takes a third
  /// of MPI_Allgather's time between cores of a machine. Which comes first makes no difference to a sum of
  /// two.
  template <class T>
  void exchange(std::span<T> values, MPI_Datatype type, std::vector<T>& theirs) {
    const int count = checked_size(values.size()), other = 1 - rank_;
    if (theirs.size() < values.size()) theirs.resize(values.size());
    MPI_Sendrecv(values.data(), count, type, other, 0, theirs.data(), count, type, other, 0, world_,
                 MPI_STATUS_IGNORE);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += theirs[i];
  }

  /// sums = the sum of `ranks` arrays that lie one after the other.
  template <class T>
  static void add_up(const T* parts, std::size_t ranks, std::span<T> sums) {
    const std::size_t count = sums.size();
    std::copy_n(parts, count, sums.data());
    for (std::size_t r = 1; r < ranks; ++r) {
      for (std::size_t i = 0; i < count; ++i) sums[i] += parts[r * count + i];
    }
  }

  MPI_Comm world_ = MPI_COMM_NULL;
  int rank_ = 0, ranks_ = 1, neighbours_ = 1, local_rank_ = 0;
  std::vector<int> sizes_, starts_;  // [rank], of the message at hand
  std::vector<int> received_sizes_, received_starts_;
  std::vector<std::byte> bytes_;
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

static_assert(Communicator<Mpi>);

}  // namespace polis
