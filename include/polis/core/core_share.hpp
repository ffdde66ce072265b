// Whether a thread has a processor core to itself.
#pragma once

#include <chrono>
#include <ctime>

#if defined(__linux__)
#include <sched.h>
#endif

namespace polis::internal {

/// The core that this thread runs on; -1 where the system does not say.
inline int current_core() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

/// Moves this thread to another of the cores that it may run on, if there is one. Where it may run stays as
/// it is: the scheduler is free to move it again.
[[gnu::cold]] inline void leave_core([[maybe_unused]] int core) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<unsigned>(core), &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
#endif
}

/// How much of the time a thread that never sleeps was let run, a window at a time: half of it on a
/// core that it shares with one other.
class CoreShare {
 public:
  enum class Verdict { unknown, own, shared };

  void begin() {
    wall_ = Clock::now();
    run_ = run_time();
  }
  /// The verdict on the stretches begun and ended since the last one, once they are long enough.
  Verdict end() {
    passed_ += std::chrono::duration<double>(Clock::now() - wall_).count();
    ran_ += run_time() - run_;
    if (passed_ < window) return Verdict::unknown;
    const Verdict verdict = ran_ < enough * passed_ ? Verdict::shared : Verdict::own;
    passed_ = ran_ = 0;
    return verdict;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double window = 8e-3;  // seconds: a few turns of the scheduler's
  static constexpr double enough = .7;

  /// Seconds that this thread has run.
  static double run_time() {
    std::timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  Clock::time_point wall_;
  double run_ = 0, passed_ = 0, ran_ = 0;
};

}  // namespace polis::internal
