// Ranks joined by TCP as threads of one process.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <polis/collective/sockets.hpp>

namespace test_sockets {

/// A port that nobody listens at.
inline int free_port() {
  const polis::internal::Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  REQUIRE(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}
inline polis::RankEnvironment rank_of(int rank, int ranks, int port, double seconds = 60) {
  return {.rank = rank,
          .ranks = ranks,
          .local_rank = rank,
          .neighbours = ranks,
          .address = "127.0.0.1",
          .port = port,
          .seconds = seconds};
}

/// f(sockets) in as many threads as ranks.
template <class F>
void for_ranks(int ranks, F&& f) {
  const int port = free_port();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      polis::Sockets sockets(rank_of(rank, ranks, port));
      f(sockets);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace test_sockets
