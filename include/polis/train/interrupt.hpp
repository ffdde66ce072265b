// Ctrl-C as a request: the running update is finished and saved before the program goes on.
#pragma once

#include <atomic>
#include <csignal>

namespace polis {

namespace internal {
inline std::atomic<bool> stop_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");
}  // namespace internal

/// Whether training was asked to stop after the update it is in.
inline bool stop_requested() { return internal::stop_flag.load(std::memory_order_relaxed); }
inline void request_stop() { internal::stop_flag.store(true, std::memory_order_relaxed); }
inline void clear_stop_request() { internal::stop_flag.store(false, std::memory_order_relaxed); }

/// While it lives, SIGINT and SIGTERM request a stop; a second SIGINT ends the program at once, as usual.
class StopOnInterrupt {
 public:
  StopOnInterrupt() : interrupt_(std::signal(SIGINT, handle)), terminate_(std::signal(SIGTERM, handle)) {}
  StopOnInterrupt(const StopOnInterrupt&) = delete;
  StopOnInterrupt& operator=(const StopOnInterrupt&) = delete;
  ~StopOnInterrupt() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGTERM, terminate_);
  }

 private:
  static void handle(int signal) {
    request_stop();
    std::signal(signal, SIG_DFL);
  }

  void (*interrupt_)(int);
  void (*terminate_)(int);
};

}  // namespace polis
