#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <polis/core/core_share.hpp>
#include <polis/core/thread_pool.hpp>

using namespace polis;

namespace {
constexpr double worth_it = 1e9;  // nanoseconds: always handed over

void wait_until(const std::atomic<int>& value, int wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (value.load() < wanted && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}
}  // namespace

TEST_CASE("core/thread_pool: every index runs once, whatever the count and the number of threads") {
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    pool.region([&](Region& region) {
      for (int count = 0; count < 200; ++count) {
        std::vector<int> calls(static_cast<std::size_t>(count), 0);  // plain ints: parallel() orders memory
        bool workers_valid = true;
        region.parallel(count, worth_it, [&](int index, int worker) {
          ++calls[static_cast<std::size_t>(index)];
          if (worker < 0 || worker >= threads) workers_valid = false;
        });
        CHECK(calls == std::vector<int>(static_cast<std::size_t>(count), 1));
        CHECK(workers_valid);
      }
    });
  }
}

TEST_CASE("core/thread_pool: workers take part, and again after they parked") {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    pool.region([&](Region& region) {
      std::atomic<int> arrived{0};
      region.parallel(2, worth_it, [&](int, int) {
        ++arrived;
        wait_until(arrived, 2);  // each index waits for the other: one thread alone would time out
      });
      CHECK(arrived == 2);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST_CASE("core/thread_pool: work smaller than twice the hand-off stays on the caller") {
  ThreadPool pool(2);
  REQUIRE(pool.hand_off_nanoseconds() > 0);
  const auto caller = std::this_thread::get_id();
  int elsewhere = 0;
  pool.region([&](Region& region) {
    for (int i = 0; i < 1000; ++i) {
      region.parallel(8, pool.hand_off_nanoseconds() / 8, [&](int, int worker) {
        if (std::this_thread::get_id() != caller || worker != 0) ++elsewhere;
      });
    }
  });
  CHECK(elsewhere == 0);
}

TEST_CASE("core/thread_pool: the failure of the lowest index is rethrown, the others run, workers survive") {
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      std::atomic<int> calls{0};
      std::string message;
      try {
        pool.region([&](Region& region) {
          region.parallel(16, worth_it, [&](int index, int) {
            ++calls;
            if (index % 5 == 3) throw std::runtime_error(std::to_string(index));
          });
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      CHECK(message == "3");
      CHECK(calls == 16);
    }
    int after = 0;
    pool.region([&](Region& region) { region.parallel(1, worth_it, [&](int, int) { ++after; }); });
    CHECK(after == 1);
  }
}

TEST_CASE("core/thread_pool: parallel inside a body runs serially, as the same worker") {
  ThreadPool pool(2);
  std::atomic<int> inner{0}, strangers{0};
  pool.region([&](Region& region) {
    region.parallel(8, worth_it, [&](int, int worker) {
      pool.region([&](Region& nested) {
        nested.parallel(8, worth_it, [&](int, int inner_worker) {
          ++inner;
          if (inner_worker != worker) ++strangers;
        });
      });
    });
  });
  CHECK(inner == 64);
  CHECK(strangers == 0);
}

TEST_CASE("core/thread_pool: two pools, one inside the other's body") {
  ThreadPool outer(2);
  std::atomic<int> calls{0};
  outer.region([&](Region& region) {
    region.parallel(2, worth_it, [&](int, int) {
      ThreadPool mine(2);
      mine.region([&](Region& own) { own.parallel(16, worth_it, [&](int, int) { ++calls; }); });
    });
  });
  CHECK(calls == 32);
}

TEST_CASE("core/thread_pool: a pool without threads is an error") { CHECK_THROWS_AS(ThreadPool(0), Error); }

#if defined(__linux__)
namespace {
/// Confines this thread, and those that it starts, to the core that it is on, for its life.
class OneCore {
 public:
  OneCore() {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(internal::current_core()), &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  ~OneCore() { sched_setaffinity(0, sizeof before_, &before_); }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  cpu_set_t before_{};
};

/// The share's first verdict on a thread that works until it is known.
internal::CoreShare::Verdict verdict_of_work() {
  using Verdict = internal::CoreShare::Verdict;
  internal::CoreShare share;
  for (;;) {
    share.begin();
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (std::chrono::steady_clock::now() < until) {
    }
    if (const Verdict verdict = share.end(); verdict != Verdict::unknown) return verdict;
  }
}
}  // namespace

TEST_CASE("core/thread_pool: a core that threads have in common is told from one of their own") {
  const OneCore one;
  std::atomic<int> shared{0}, running{0};
  std::atomic<bool> told{false};
  const auto work = [&] {
    ++running;
    wait_until(running, 4);
    if (verdict_of_work() == internal::CoreShare::Verdict::shared) ++shared;
    told = true;
  };
  const auto spin = [&] {
    ++running;
    while (!told.load()) {
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(work);
  for (int i = 0; i < 3; ++i) threads.emplace_back(spin);
  for (std::thread& thread : threads) thread.join();
  CHECK(shared == 1);
}

TEST_CASE("core/thread_pool: a pool whose threads have one core does all its work, and stops at once") {
  const OneCore one;
  const auto start = std::chrono::steady_clock::now();
  {
    ThreadPool pool(3);
    std::vector<int> calls(40, 0);
    for (int round = 0; round < 20; ++round) {
      pool.region([&](Region& region) {
        region.parallel(40, worth_it, [&](int index, int) {
          const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
          while (std::chrono::steady_clock::now() < until) {
          }
          ++calls[static_cast<std::size_t>(index)];
        });
      });
    }
    CHECK(calls == std::vector<int>(40, 20));
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("core/thread_pool: leaving a core changes neither where a thread may run nor what it does") {
  cpu_set_t before, after;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  for (int i = 0; i < 20; ++i) {
    const int core = internal::current_core();
    internal::leave_core(core);
  }
  REQUIRE(sched_getaffinity(0, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
  const OneCore one;
  const int only = internal::current_core();
  internal::leave_core(only);  // there is no other one
  CHECK(internal::current_core() == only);
}
#endif
