#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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
