// Sums over ranks in their order, bytes of all ranks, and what is refused.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <polis/collective/local.hpp>
#include <polis/core/error.hpp>
#include <polis/mpi.hpp>

#include "../collective/part.hpp"

namespace test_mpi_collective {

using namespace polis;
using test_collective::part;

template <class T>
void check_sum(std::size_t count) {
  CAPTURE(count);
  Mpi mpi;
  std::vector<T> expected = part<T>(0, count), sum = part<T>(mpi.rank(), count);
  for (int rank = 1; rank < mpi.ranks(); ++rank) {
    const auto more = part<T>(rank, count);
    for (std::size_t i = 0; i < count; ++i) expected[i] += more[i];
  }
  mpi.sum(std::span<T>(sum));
  CHECK(sum == expected);  // bit by bit: added in the order of ranks
}

}  // namespace test_mpi_collective

TEST_CASE("mpi/collective: sums are made in the order of ranks, of any length, on all ranks alike") {
  using namespace test_mpi_collective;
  for (const std::size_t count : {0u, 1u, 2u, 7u, 1000u, 20001u, 300000u}) {
    check_sum<float>(count);
    check_sum<double>(count);
  }
}

TEST_CASE("mpi/collective: every rank gets the bytes of all, and those of one") {
  using namespace test_mpi_collective;
  Mpi mpi;
  const std::string own(static_cast<std::size_t>(3 * mpi.rank()), static_cast<char>('a' + mpi.rank()));
  std::string expected;
  for (int rank = 0; rank < mpi.ranks(); ++rank)
    expected += std::string(static_cast<std::size_t>(3 * rank), static_cast<char>('a' + rank));
  const auto all = mpi.all_gather(std::as_bytes(std::span(own)));
  CHECK(std::string(reinterpret_cast<const char*>(all.data()), all.size()) == expected);
  for (int from = 0; from < mpi.ranks(); ++from) {
    std::vector<std::byte> bytes(mpi.rank() == from ? static_cast<std::size_t>(from + 2) : 9u,
                                 std::byte(mpi.rank()));
    mpi.broadcast(bytes, from);
    CHECK(bytes == std::vector<std::byte>(static_cast<std::size_t>(from + 2), std::byte(from)));
  }
  // Neighbours are those on this machine: all, where ctest starts them.
  char name[MPI_MAX_PROCESSOR_NAME] = {};
  int length = 0;
  MPI_Get_processor_name(name, &length);
  const auto names = mpi.all_gather(std::as_bytes(std::span(name)));
  int neighbours = 0, before = 0;
  for (std::size_t at = 0; at < names.size(); at += sizeof name) {
    if (std::memcmp(names.data() + at, name, sizeof name) != 0) continue;
    ++neighbours;
    before += static_cast<int>(at / sizeof name) < mpi.rank() ? 1 : 0;
  }
  CHECK(mpi.neighbours() == neighbours);
  CHECK(mpi.local_rank() == before);
}

TEST_CASE("mpi/collective: the ranks of a part are numbered by themselves") {
  using namespace test_mpi_collective;
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm halves = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &halves);
  {
    Mpi mpi(halves);
    CHECK(mpi.rank() == rank / 2);
    double ranks = 1;
    mpi.sum(std::span(&ranks, 1));
    CHECK(static_cast<int>(ranks) == mpi.ranks());
  }
  MPI_Comm_free(&halves);
}

TEST_CASE("mpi/collective: one process is the collective of a trainer that names none") {
  using namespace test_mpi_collective;
  static_assert(Communicator<Local> && !Local::distributed && Mpi::distributed);
  std::vector<float> values{1, 2};
  Local::sum(values);
  CHECK(values == std::vector<float>{1, 2});
  CHECK_THROWS_WITH_AS(Local::fail("no more"), "no more", Error);
}
