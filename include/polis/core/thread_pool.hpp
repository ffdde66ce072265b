// Threads for regions of work: a whole collection or update is one region, a minibatch's shards one
// `parallel`.
//
// Waking a parked thread costs tens of microseconds, about as much as a minibatch takes. So workers park only
// when no region was open for a while; inside one they spin, at most 50 us at a stretch and then yielding.
// Work smaller than twice the hand-off that the pool measured at its start stays on the caller.
//
// A thread that waits for another which shares its core with somebody else's loses more than it gains. So a
// worker leaves the caller's core, and where it or the caller does not have a core to itself for a few
// milliseconds, it rests: 20 ms at first, then twice as long each time that it finds the cores as busy.
//
// Which thread runs which index is not determined: results must not depend on it (accumulate into one shard
// per index, never per worker).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/core_share.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/text.hpp>

namespace polis {

class ThreadPool;

/// An open region of a pool: its workers are awake. Given to the body of ThreadPool::region.
class Region {
 public:
  /// Calls body(index, worker) for every index in [0, count), spread over the workers and the calling thread,
  /// and returns when all are done. `worker` in [0, threads) names per-worker scratch. `nanoseconds_each` is
  /// the caller's estimate of one index: it decides whether handing over pays. Inside a body of the same pool
  /// it runs serially, with that body's worker. If bodies throw, all other indices still run and the
  /// exception of the lowest index is rethrown. Allocates nothing.
  template <class Body>
  void parallel(int count, double nanoseconds_each, Body&& body);

  [[nodiscard]] int threads() const;

 private:
  friend class ThreadPool;
  explicit Region(ThreadPool& pool) : pool_(&pool) {}
  ThreadPool* pool_;
};

/// `threads` threads of work: the caller and threads - 1 workers. A pool serves one caller at a time; several
/// pools may exist. With one thread it starts none, and `parallel` is a loop.
class ThreadPool {
 public:
  /// Error: fewer than one thread.
  [[gnu::cold]] explicit ThreadPool(int threads) : threads_(threads) {
    if (threads < 1) {
      throw Error(concat({"a pool of ", threads, " threads"}), "ThreadPool", "at least 1");
    }
    workers_ = FixedArray<std::thread>(static_cast<std::size_t>(threads - 1));
    try {
      int next = 0;
      for (std::thread& thread : workers_) thread = std::thread([this, worker = ++next] { work(worker); });
    } catch (...) {
      stop();
      throw;
    }
    if (threads > 1) {
      hand_off_ = unmeasured;
      region([](Region&) {});
    }
  }
  ~ThreadPool() { stop(); }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return threads_; }
  /// Time from handing one index to a spinning worker until the caller sees it done; 0 with one thread.
  /// Measured at construction, and again when a region opens as long as no worker was found to have a core of
  /// its own.
  [[nodiscard]] double hand_off_nanoseconds() const { return hand_off_; }

  /// Wakes the workers, calls body(Region&), and lets the workers park again, also when the body throws.
  /// Regions of one pool may nest.
  template <class Body>
  void region(Body&& body) {
    Region region(*this);
    const Opening opening(*this);
    body(region);
  }

 private:
  friend class Region;
  using Clock = std::chrono::steady_clock;
  using Call = void (*)(void* body, int index, int worker);
  static constexpr auto spin_time = std::chrono::microseconds(50);
  static constexpr auto linger_time = std::chrono::microseconds(100);  // of a worker after a region
  static constexpr auto shortest_rest = std::chrono::milliseconds(20);
  static constexpr auto longest_rest = std::chrono::milliseconds(1280);
  // Nanoseconds. Cores of one machine hand over within a microsecond or two, the scheduler in tens.
  static constexpr double plausible_hand_off = 5e3, hopeless_hand_off = 1e5, unmeasured = 1e9;
  static constexpr auto wake_time = std::chrono::milliseconds(1);

  struct Opening {
    explicit Opening(ThreadPool& pool) : pool_(pool) { pool_.open(); }
    ~Opening() { pool_.close(); }
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;
    ThreadPool& pool_;
  };

  /// Spins for `spin_time`, then yields at every turn.
  class Patience {
   public:
    void wait() {
      if (impatient_) return std::this_thread::yield();
      pause();
      if (++turns_ % 64 == 0) impatient_ = waited() > spin_time;
    }
    [[nodiscard]] Clock::duration waited() const { return Clock::now() - start_; }

   private:
    static void pause() {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
    Clock::time_point start_ = Clock::now();
    int turns_ = 0;
    bool impatient_ = false;
  };

  /// The pool whose body this thread is in, and as which worker.
  struct Current {
    const ThreadPool* pool = nullptr;
    int worker = 0;
  };
  static Current& current() {
    thread_local Current current;
    return current;
  }

  void open() {
    if (threads_ == 1 || current().pool == this || depth_++ > 0) return;
    caller_core_.store(internal::current_core(), std::memory_order_relaxed);
    caller_shares_.store(false, std::memory_order_relaxed);
    share_.begin();
    {
      const std::lock_guard lock(mutex_);
      open_.store(true, std::memory_order_relaxed);
    }
    wake_.notify_all();
    // The workers had no core of their own: that says nothing of the regions to come.
    if (hand_off_ > plausible_hand_off) measure_hand_off();
  }
  void close() {
    if (threads_ == 1 || current().pool == this || --depth_ > 0) return;
    if (share_.end() == internal::CoreShare::Verdict::shared) {
      caller_shares_.store(true, std::memory_order_relaxed);
    }
    open_.store(false, std::memory_order_release);
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_.store(true, std::memory_order_relaxed);
    }
    wake_.notify_all();
    rested_.notify_all();
    for (std::thread& worker : workers_) {
      if (worker.joinable()) worker.join();
    }
  }

  void work(int worker) {
    internal::CoreShare share;
    auto rest = shortest_rest;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] {
          return open_.load(std::memory_order_relaxed) || stopping_.load(std::memory_order_relaxed);
        });
      }
      if (stopping_.load(std::memory_order_relaxed)) return;
      awake_.fetch_add(1, std::memory_order_relaxed);
      const auto verdict = serve(worker, share);
      awake_.fetch_sub(1, std::memory_order_relaxed);
      if (verdict == internal::CoreShare::Verdict::own) rest = shortest_rest;
      if (verdict != internal::CoreShare::Verdict::shared) continue;
      std::unique_lock lock(mutex_);
      ++resting_;
      rested_.wait_for(lock, rest, [this] { return stopping_.load(std::memory_order_relaxed); });
      --resting_;
      rest = std::min(2 * rest, longest_rest);
    }
  }

  /// Serves regions until none has been open for `linger_time`, or the cores turn out to be busy.
  internal::CoreShare::Verdict serve(int worker, internal::CoreShare& share) {
    using Verdict = internal::CoreShare::Verdict;
    Verdict verdict = Verdict::unknown;
    for (;;) {
      share.begin();
      leave_caller();
      Patience patience;
      while (open_.load(std::memory_order_acquire)) {
        if (run_one(worker)) {
          patience = {};
        } else {
          patience.wait();
        }
      }
      const Verdict latest = share.end();
      if (latest != Verdict::unknown) verdict = latest;
      if (caller_shares_.load(std::memory_order_relaxed)) verdict = Verdict::shared;
      if (verdict == Verdict::shared) return verdict;
      Patience lingering;
      while (!open_.load(std::memory_order_acquire)) {
        if (lingering.waited() > linger_time || stopping_.load(std::memory_order_relaxed)) return verdict;
        lingering.wait();
      }
    }
  }

  /// Schedulers like to wake a thread where its caller runs, and take long to part two that both spin.
  void leave_caller() const {
    const int core = caller_core_.load(std::memory_order_relaxed);
    if (core >= 0 && internal::current_core() == core) internal::leave_core(core);
  }

  /// Claims and runs one index of the current job, if any is left. Nothing of the job is read before the
  /// claim: a claim keeps the caller in `finish`, hence the job alive, and whoever comes late finds a zero.
  bool run_one(int worker) {
    int left = unclaimed_.load(std::memory_order_relaxed);
    do {
      if (left == 0) return false;
    } while (!unclaimed_.compare_exchange_weak(left, left - 1, std::memory_order_acquire,
                                               std::memory_order_relaxed));
    const int index = count_ - left;
    const Current outer = std::exchange(current(), Current{this, worker});
    try {
      call_(body_, index, worker);
    } catch (...) {
      const std::lock_guard lock(failure_mutex_);
      if (!failure_ || index < failed_index_) {
        failure_ = std::current_exception();
        failed_index_ = index;
      }
    }
    current() = outer;
    finished_.fetch_add(1, std::memory_order_release);
    return true;
  }

  void publish(int count, Call call, void* body) {
    call_ = call;
    body_ = body;
    count_ = count;
    finished_.store(0, std::memory_order_relaxed);
    unclaimed_.store(count, std::memory_order_release);
  }
  void finish() {
    Patience patience;
    while (finished_.load(std::memory_order_acquire) < count_) patience.wait();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  void parallel(int count, double nanoseconds_each, Call call, void* body) {
    const Current& mine = current();
    const bool nested = mine.pool == this;
    const bool too_small = count * nanoseconds_each < 2 * hand_off_;
    if (threads_ == 1 || nested || count <= 1 || too_small) {
      return serial(count, nested ? mine.worker : 0, call, body);
    }
    publish(count, call, body);
    while (run_one(0)) {
    }
    finish();
  }

  /// The same promises on one thread: every index runs, the lowest failure is rethrown.
  static void serial(int count, int worker, Call call, void* body) {
    std::exception_ptr failure;
    for (int index = 0; index < count; ++index) {
      try {
        call(body, index, worker);
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
  }

  /// The lower quartile of a few rounds: the slow ones time the scheduler, not the hand-off. Where no worker
  /// is there in time, it stays as it was.
  [[gnu::cold]] void measure_hand_off() {
    constexpr std::size_t rounds = 9;
    std::array<double, rounds> times{};
    {
      const std::lock_guard lock(mutex_);
      if (resting_ == threads_ - 1) return;
    }
    Patience patience;
    while (awake_.load(std::memory_order_relaxed) == 0) {
      if (patience.waited() > wake_time) return;
      patience.wait();
    }
    for (std::size_t i = 0; i <= rounds; ++i) {
      const double time = hand_over();
      if (time > hopeless_hand_off) return;
      if (i == 0) continue;    // the worker is only just coming
      std::size_t at = i - 1;  // the times so far are sorted
      for (; at > 0 && times[at - 1] > time; --at) times[at] = times[at - 1];
      times[at] = time;
    }
    hand_off_ = times[rounds / 4];
  }

  /// Nanoseconds until a worker has run an index that does nothing. If none does in time, the caller runs it.
  [[gnu::cold]] double hand_over() {
    const auto start = Clock::now();
    const auto passed = [start] {
      return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    };
    publish(1, [](void*, int, int) {}, nullptr);
    while (finished_.load(std::memory_order_acquire) == 0 && passed() < hopeless_hand_off) {
    }
    run_one(0);
    finish();
    return passed();
  }

  // Written by the caller before a job is published, read by those who claimed an index of it.
  Call call_ = nullptr;
  void* body_ = nullptr;
  int count_ = 0;
  int depth_ = 0;
  int threads_;
  double hand_off_ = 0;
  // Each on a line of its own: all threads poll the first, each finished index writes the second.
  alignas(cache_line) std::atomic<int> unclaimed_{0};
  alignas(cache_line) std::atomic<int> finished_{0};
  alignas(cache_line) std::atomic<bool> open_{false};
  std::atomic<bool> stopping_{false}, caller_shares_{false};
  std::atomic<int> caller_core_{-1}, awake_{0};
  internal::CoreShare share_;  // the caller's
  std::mutex mutex_, failure_mutex_;
  std::condition_variable wake_, rested_;
  int resting_ = 0;  // workers that do; under mutex_
  std::exception_ptr failure_;
  int failed_index_ = 0;
  FixedArray<std::thread> workers_;
};

template <class Body>
void Region::parallel(int count, double nanoseconds_each, Body&& body) {
  using Erased = std::remove_reference_t<Body>;
  const auto call = [](void* erased, int index, int worker) {
    (*static_cast<Erased*>(erased))(index, worker);
  };
  pool_->parallel(count, nanoseconds_each, call,
                  const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

inline int Region::threads() const { return pool_->threads(); }

}  // namespace polis
