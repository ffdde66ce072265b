// Ranks joined by TCP: processes that torchrun has started, on any machines. What GPUs do not add up between
// themselves (polis/nccl.hpp) goes this way; alone it is a collective for machines without MPI.
//
// Every rank has a connection to rank 0, through which all goes: simple, in the order of ranks, and made for
// messages that are few. The network is trusted, as that of torchrun and of MPI is. Linux.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <polis/collective/collective.hpp>
#include <polis/collective/rank_environment.hpp>
#include <polis/core/error.hpp>
#include <polis/core/file.hpp>
#include <polis/core/text.hpp>

namespace polis {

namespace internal {

/// One end of a connection, over which messages go: how long they are, then their bytes.
class Connection {
 public:
  explicit Connection(Descriptor socket) : socket_(std::move(socket)) {
    const int on = 1;  // a message is sent when it is there
    ::setsockopt(socket_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }

  /// Whether all of it went on its way.
  bool send(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
  }
  template <class T>
  bool send_value(const T& value) const {
    return send(std::as_bytes(std::span(&value, 1)));
  }
  /// Whether all of it came.
  bool receive(std::span<std::byte> bytes) {
    return socket_.read(bytes) == static_cast<std::ptrdiff_t>(bytes.size());
  }
  template <class T>
  bool receive_value(T& value) {
    return receive(std::as_writable_bytes(std::span(&value, 1)));
  }

  /// Gives up on a receive after so many milliseconds; 0: never.
  void set_patience(int milliseconds) const {
    const timeval limit{.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  /// Whether the other end has hung up.
  [[nodiscard]] bool ended() const {
    pollfd look{.fd = socket_.number(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }
  /// Sends no more, and waits until the other end has taken all that was sent, or for a second.
  void finish() const {
    ::shutdown(socket_.number(), SHUT_WR);
    set_patience(1000);
    std::byte left[1024];
    while (::recv(socket_.number(), left, sizeof left, 0) > 0) {
    }
  }

 private:
  Descriptor socket_;
};

/// A socket that listens at a port of all of this machine's addresses. Error: it is taken.
[[gnu::cold]] inline Descriptor listen_at(int port, int ranks) {
  const auto bound = [&](Descriptor& socket, const auto& address) {
    const int on = 1, off = 0;
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
           ::listen(socket.number(), ranks) == 0;
  };
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6, any.sin6_port = htons(static_cast<std::uint16_t>(port));
  Descriptor both(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (both.is_open() && bound(both, any)) return both;
  sockaddr_in old{};  // a machine without IPv6
  old.sin_family = AF_INET, old.sin_port = htons(static_cast<std::uint16_t>(port));
  Descriptor one(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!both.is_open() && one.is_open() && bound(one, old)) return one;
  throw Error(concat({"rank 0 cannot listen at port ", port, ": ", std::strerror(errno)}), "the ranks",
              "a port that is free on its machine: MASTER_PORT + 1, or POLIS_PORT");
}

/// A connection to whoever listens there now, else the reason why there is none.
[[gnu::cold]] inline Descriptor connect_to(const std::string& address, int port, std::string& reason) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  const int problem = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (problem != 0) reason = ::gai_strerror(problem);
  Descriptor socket;
  for (const addrinfo* at = found; at != nullptr && !socket.is_open(); at = at->ai_next) {
    Descriptor next(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (next.is_open() && ::connect(next.number(), at->ai_addr, at->ai_addrlen) == 0) {
      socket = std::move(next);
    } else {
      reason = std::strerror(errno);
    }
  }
  if (found != nullptr) ::freeaddrinfo(found);
  return socket;
}

}  // namespace internal

/// The ranks of a job that meet at one port.
class Sockets {
 public:
  static constexpr bool distributed = true;

  /// The ranks that the environment names (RankEnvironment). Error: it is not whole; or they do not meet.
  [[gnu::cold]] Sockets() : Sockets(RankEnvironment::read()) {}
  /// On all ranks at once. Error: they do not meet.
  [[gnu::cold]] explicit Sockets(RankEnvironment own) : own_(std::move(own)) {
    if (own_.ranks == 1) return;
    if (own_.rank == 0) {
      accept_all();
    } else {
      join_first();
    }
  }

  [[nodiscard]] int rank() const { return own_.rank; }
  [[nodiscard]] int ranks() const { return own_.ranks; }
  [[nodiscard]] int neighbours() const { return own_.neighbours; }
  [[nodiscard]] int local_rank() const { return own_.local_rank; }

  /// In place, in the order of ranks. Error, as of all that follows: a rank has failed or gone.
  void sum(std::span<float> values) { add_up(values); }
  void sum(std::span<double> values) { add_up(values); }

  /// The bytes of all ranks, which may differ in number.
  std::span<const std::byte> all_gather(std::span<const std::byte> own) {
    if (rank() == 0) {
      all_.assign(own.begin(), own.end());
      for (int from = 1; from < ranks(); ++from) {
        receive(from, message_);
        all_.insert(all_.end(), message_.begin(), message_.end());
      }
      send_to_others(all_);
    } else {
      send(0, own);
      receive(0, all_);
    }
    return all_;
  }

  /// Gives every rank the bytes of the rank `from`.
  void broadcast(std::vector<std::byte>& bytes, int from) {
    if (rank() == 0) {
      if (from != 0) receive(from, bytes);
      send_to_others(bytes);
    } else {
      if (from == rank()) send(0, bytes);
      receive(0, bytes);
    }
  }

  /// Says why, and ends all ranks: at once those that wait for a message, the others at their next.
  [[noreturn, gnu::cold]] void fail(const std::string& message) const {
    const char* const how = other_failed_ ? " ends: " : " failed, and all ranks end: ";
    const std::string line = concat({"polis: rank ", rank(), " of ", ranks(), how, message, "\n"});
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    const std::string told = other_failed_ ? message : concat({"rank ", rank(), " failed: ", message});
    for (const internal::Connection& other : others_) {
      (void)(other.send_value(told.size() | failure) && other.send(std::as_bytes(std::span(told))));
    }
    for (const internal::Connection& other : others_) other.finish();
    std::_Exit(EXIT_FAILURE);
  }

  /// Whether a connection has ended: a rank that has gone, well or ill.
  [[nodiscard]] bool lost() const {
    return std::any_of(others_.begin(), others_.end(), [](const auto& other) { return other.ended(); });
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t failure = std::uint64_t{1}
                                           << 63;  // in place of a length: a message of `fail`

  /// What two ranks say to each other when they meet.
  struct Greeting {
    char name[8] = {'p', 'o', 'l', 'i', 's', ' ', '1', '\0'};
    std::int32_t rank, ranks;

    [[nodiscard]] bool is_of_ranks() const { return std::memcmp(name, Greeting{}.name, sizeof name) == 0; }
  };

  [[nodiscard]] Clock::time_point latest() const {
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(own_.seconds));
  }
  static int milliseconds_to(Clock::time_point time) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(time - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
  }
  [[nodiscard]] std::string here() const { return concat({"rank ", rank(), " of ", ranks()}); }

  /// Rank 0 waits for all others. What connects and is none of them is sent away.
  [[gnu::cold]] void accept_all() {
    const internal::Descriptor door = internal::listen_at(own_.port, ranks());
    std::vector<bool> met(static_cast<std::size_t>(ranks()));
    std::vector<std::pair<int, internal::Connection>> come;
    const auto until = latest();
    while (static_cast<int>(come.size()) + 1 < ranks()) {
      const int left = milliseconds_to(until);
      pollfd look{.fd = door.number(), .events = POLLIN, .revents = 0};
      if (left <= 0 || ::poll(&look, 1, left) == 0) throw missing(met);
      internal::Descriptor accepted(::accept4(door.number(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!accepted.is_open()) continue;
      internal::Connection other(std::move(accepted));
      other.set_patience(5000);
      Greeting theirs{.rank = 0, .ranks = 0};
      if (!other.receive_value(theirs) || !theirs.is_of_ranks()) continue;
      other.set_patience(0);
      const Greeting own{.rank = 0, .ranks = ranks()};
      if (!other.send_value(own)) continue;
      if (theirs.ranks != ranks() || theirs.rank < 1 || theirs.rank >= ranks() ||
          met[static_cast<std::size_t>(theirs.rank)]) {
        throw Error(concat({"rank ", theirs.rank, " of ", theirs.ranks, " came"}), here(),
                    concat({"each rank from 1 to ", ranks() - 1, " once, of WORLD_SIZE=", ranks()}));
      }
      met[static_cast<std::size_t>(theirs.rank)] = true;
      come.emplace_back(theirs.rank, std::move(other));
    }
    std::sort(come.begin(), come.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [rank, connection] : come) others_.push_back(std::move(connection));
  }
  [[nodiscard, gnu::cold]] Error missing(const std::vector<bool>& met) const {
    std::string ranks;
    for (std::size_t r = 1; r < met.size(); ++r) {
      if (!met[r]) ranks.append(ranks.empty() ? "" : ", ").append(std::to_string(r));
    }
    return Error(concat({"not there within ", own_.seconds, " s: rank ", ranks}), here(),
                 concat({"all ranks to connect to port ", own_.port, " of this machine"}));
  }

  /// The others look for rank 0 until it is there.
  [[gnu::cold]] void join_first() {
    const auto until = latest();
    std::string reason;
    while (true) {
      internal::Descriptor socket = internal::connect_to(own_.address, own_.port, reason);
      if (socket.is_open()) {
        internal::Connection first(std::move(socket));
        const Greeting own{.rank = rank(), .ranks = ranks()};
        Greeting theirs{.rank = 0, .ranks = 0};
        first.set_patience(std::clamp(milliseconds_to(until), 1, 5000));
        if (first.send_value(own) && first.receive_value(theirs) && theirs.is_of_ranks()) {
          first.set_patience(0);
          others_.push_back(std::move(first));
          return;
        }
        reason = "what listens there is no rank 0";
      }
      if (Clock::now() >= until) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw Error(concat({"no rank 0 at ", own_.address, " port ", own_.port, " within ", own_.seconds,
                        " s: ", reason}),
                here(),
                "MASTER_ADDR to name its machine, which lets this port in (MASTER_PORT + 1, or POLIS_PORT)");
  }

  [[nodiscard]] internal::Connection& connection(int rank) {
    return others_[static_cast<std::size_t>(own_.rank == 0 ? rank - 1 : 0)];
  }
  void send(int to, std::span<const std::byte> bytes) {
    internal::Connection& other = connection(to);
    if (other.send_value(static_cast<std::uint64_t>(bytes.size())) && other.send(bytes)) return;
    std::vector<std::byte> last;  // why it has gone, if it said so
    receive(to, last);
    throw gone(to);
  }
  void send_to_others(std::span<const std::byte> bytes) {
    for (int to = 1; to < ranks(); ++to) send(to, bytes);
  }
  void receive(int from, std::vector<std::byte>& bytes) {
    internal::Connection& other = connection(from);
    std::uint64_t size = 0;
    if (!other.receive_value(size)) throw gone(from);
    bytes.resize(static_cast<std::size_t>(size & ~failure));
    if (!other.receive(bytes)) throw gone(from);
    if ((size & failure) == 0) return;
    other_failed_ = true;
    throw Error(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  [[gnu::cold]] Error gone(int rank) {
    other_failed_ = true;
    return Error(concat({"rank ", rank, " has gone"}), here(), "all ranks until the end");
  }

  template <class T>
  void add_up(std::span<T> values) {
    if (ranks() == 1) return;
    const auto own = std::as_writable_bytes(values);
    if (rank() == 0) {
      for (int from = 1; from < ranks(); ++from) {
        receive_as_many(from, own.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          T theirs;
          std::memcpy(&theirs, message_.data() + i * sizeof(T), sizeof(T));
          values[i] += theirs;
        }
      }
      send_to_others(own);
    } else {
      send(0, own);
      receive_as_many(0, own.size());
      std::copy(message_.begin(), message_.end(), own.begin());
    }
  }
  void receive_as_many(int from, std::size_t size) {
    receive(from, message_);
    if (message_.size() == size) return;
    throw Error(concat({"rank ", from, " sums ", message_.size(), " bytes"}), here(),
                concat({size, ": all ranks call the same functions in the same order"}));
  }

  RankEnvironment own_;
  std::vector<internal::Connection> others_;  // of rank 0 all others in their order, of these rank 0 alone
  std::vector<std::byte> message_, all_;
  bool other_failed_ = false;
};

static_assert(Communicator<Sockets>);

}  // namespace polis
