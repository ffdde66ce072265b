// Ranks joined by TCP: what the environment says of them, how they meet, and how they part.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <polis/collective/sockets.hpp>

#include "part.hpp"
#include "ranks.hpp"

using namespace polis;
using test_collective::part;
using test_sockets::for_ranks, test_sockets::free_port, test_sockets::rank_of;

namespace {

std::map<std::string, std::string> variables;
const char* variable(const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : found->second.c_str();
}
const std::map<std::string, std::string> whole = {{"RANK", "3"},        {"WORLD_SIZE", "8"},
                                                  {"LOCAL_RANK", "1"},  {"LOCAL_WORLD_SIZE", "2"},
                                                  {"MASTER_ADDR", "a"}, {"MASTER_PORT", "29500"}};
/// What is said of a whole environment in which one variable has this value.
std::string said_of(const char* name, const char* value) {
  variables = whole;
  variables[name] = value;
  try {
    (void)RankEnvironment::read(variable);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

/// Whether sums of all ranks are made in their order, bit by bit.
template <class T>
bool sums_in_order(Sockets& sockets, std::size_t count) {
  std::vector<T> expected = part<T>(0, count), sum = part<T>(sockets.rank(), count);
  for (int rank = 1; rank < sockets.ranks(); ++rank) {
    const auto more = part<T>(rank, count);
    for (std::size_t i = 0; i < count; ++i) expected[i] += more[i];
  }
  sockets.sum(std::span<T>(sum));
  return sum == expected;
}

/// Runs f() in a process of its own, whose standard error is given: its status.
template <class F>
int in_process(F&& f, std::string& errors) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    f();
    std::_Exit(0);
  }
  ::close(ends[1]);
  char text[256];
  for (ssize_t got; (got = ::read(ends[0], text, sizeof text)) > 0;)
    errors.append(text, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("collective/sockets: the environment of a job, and of none") {
  variables = whole;
  const auto found = RankEnvironment::read(variable);
  CHECK(found.rank == 3);
  CHECK(found.ranks == 8);
  CHECK(found.local_rank == 1);
  CHECK(found.neighbours == 2);
  CHECK(found.address == "a");
  CHECK(found.port == 29501);  // the launcher itself listens at the one before
  variables["POLIS_PORT"] = "4000";
  CHECK(RankEnvironment::read(variable).port == 4000);
  variables.erase("LOCAL_WORLD_SIZE");
  CHECK(RankEnvironment::read(variable).neighbours == 8);
  variables = {{"POLIS_PORT", "4000"}};
  CHECK(RankEnvironment::read(variable).ranks == 1);
}

TEST_CASE("collective/sockets: a variable that is missing or wrong is named, with what was expected") {
  CHECK(said_of("RANK", "8") ==
        "the environment: RANK=8; expected a rank below WORLD_SIZE, from 0 to 7 (torchrun sets it)");
  CHECK(said_of("RANK", "-1") ==
        "the environment: RANK=-1; expected a rank below WORLD_SIZE, from 0 to 7 (torchrun sets it)");
  CHECK(said_of("WORLD_SIZE", "two") ==
        "the environment: WORLD_SIZE=two; expected a number of ranks, from 1 to 1048576 (torchrun sets it)");
  CHECK(said_of("WORLD_SIZE", "4x") ==
        "the environment: WORLD_SIZE=4x; expected a number of ranks, from 1 to 1048576 (torchrun sets it)");
  CHECK(said_of("LOCAL_RANK", "") ==
        "the environment: LOCAL_RANK is empty; expected a rank of this machine, from 0 to 7 (torchrun sets "
        "it)");
  CHECK(said_of("LOCAL_WORLD_SIZE", "1") ==
        "the environment: LOCAL_WORLD_SIZE=1; expected the number of ranks on "
        "this machine, from 2 to 8 (torchrun sets it)");
  CHECK(said_of("MASTER_PORT", "65535") ==
        "the environment: MASTER_PORT=65535; expected a port, from 1 to 65534 (torchrun sets it)");
  CHECK(said_of("POLIS_PORT", "0") ==
        "the environment: POLIS_PORT=0; expected a port, from 1 to 65535 (torchrun sets it)");
  for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}) {
    variables = whole;
    variables.erase(name);
    const std::string expected = "the environment: " + std::string(name) + " is not set; expected ";
    CHECK_THROWS_WITH_AS((void)RankEnvironment::read(variable), doctest::Contains(expected.c_str()), Error);
  }
}

TEST_CASE("collective/sockets: sums in the order of ranks, bytes of all ranks and of one") {
  for (const int ranks : {1, 2, 3}) {
    std::atomic<int> good = 0;
    for_ranks(ranks, [&](Sockets& sockets) {
      bool right = true;
      for (const std::size_t count : {0u, 1u, 7u, 20001u, 300000u})
        right = right && sums_in_order<float>(sockets, count) && sums_in_order<double>(sockets, count);
      const std::string own(static_cast<std::size_t>(3 * sockets.rank()),
                            static_cast<char>('a' + sockets.rank()));
      const auto all = sockets.all_gather(std::as_bytes(std::span(own)));
      right = right && std::string(reinterpret_cast<const char*>(all.data()), all.size()) ==
                           std::string("bbbcccccc")
                               .substr(0, ranks == 1   ? 0
                                          : ranks == 2 ? 3
                                                       : 9);
      for (int from = 0; from < ranks; ++from) {
        std::vector<std::byte> bytes(sockets.rank() == from ? static_cast<std::size_t>(from + 2) : 9u,
                                     std::byte(sockets.rank()));
        sockets.broadcast(bytes, from);
        right = right && bytes == std::vector<std::byte>(static_cast<std::size_t>(from + 2), std::byte(from));
      }
      good += right && sockets.ranks() == ranks && sockets.local_rank() == sockets.rank();
    });
    CHECK(good == ranks);
  }
}

TEST_CASE("collective/sockets: who has not come, and who is not wanted, is named") {
  const int port = free_port();
  const std::string alone =
      "rank 0 of 3: not there within 0.2 s: rank 1, 2; expected all ranks to connect to port " +
      std::to_string(port) + " of this machine";
  CHECK_THROWS_WITH_AS(Sockets(rank_of(0, 3, port, .2)), alone.c_str(), Error);
  const std::string nobody =
      "no rank 0 at 127.0.0.1 port " + std::to_string(port) + " within 0.2 s: Connection refused";
  CHECK_THROWS_WITH_AS(Sockets(rank_of(1, 3, port, .2)), doctest::Contains(nobody.c_str()), Error);
  std::thread stranger([&] {
    Sockets sockets(rank_of(1, 4, port, 5));
    double number = 0;
    CHECK_THROWS_AS(sockets.sum(std::span(&number, 1)), Error);
  });
  CHECK_THROWS_WITH_AS(Sockets(rank_of(0, 2, port, 5)),
                       "rank 0 of 2: rank 1 of 4 came; expected each rank from 1 to 1 once, of WORLD_SIZE=2",
                       Error);
  stranger.join();
  const Sockets first(rank_of(0, 1, port));  // needs no port
  const internal::Descriptor taken = internal::listen_at(port, 1);
  CHECK_THROWS_WITH_AS(Sockets(rank_of(0, 2, port, 1)), doctest::Contains("POLIS_PORT"), Error);
  // What listens there says nothing.
  CHECK_THROWS_WITH_AS(Sockets(rank_of(1, 2, port, .1)), doctest::Contains("what listens there is no rank 0"),
                       Error);
}

TEST_CASE("collective/sockets: a rank that fails ends all with its message; one that goes is named") {
  const int port = free_port();
  for (const int failing : {0, 1}) {
    std::string errors;
    const int status = in_process(
        [&] {
          const int rank = ::fork() == 0 ? 1 : 0;
          Sockets sockets(rank_of(rank, 2, port));
          if (rank == failing) sockets.fail("a wheel came off");
          try {
            double number = 0;
            sockets.sum(std::span(&number, 1));
          } catch (const Error& error) {
            sockets.fail(error.what());
          }
        },
        errors);
    CAPTURE(errors);
    const std::string number = std::to_string(failing), other = std::to_string(1 - failing);
    CHECK(status == EXIT_FAILURE);
    CHECK(errors.find("polis: rank " + number + " of 2 failed, and all ranks end: a wheel came off\n") !=
          std::string::npos);
    CHECK(errors.find("polis: rank " + other + " of 2 ends: rank " + number +
                      " failed: a wheel came off\n") != std::string::npos);
  }
  for_ranks(2, [&](Sockets& sockets) {
    if (sockets.rank() == 1) return;
    double number = 0;
    std::string said;
    try {
      sockets.sum(std::span(&number, 1));
    } catch (const Error& error) {
      said = error.what();
    }
    CHECK(said == "rank 0 of 2: rank 1 has gone; expected all ranks until the end");
    CHECK(sockets.lost());
  });
}
