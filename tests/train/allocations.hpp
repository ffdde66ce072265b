// What the operator new of allocations.cpp counts.
#pragma once

#include <atomic>

namespace test_allocations {

/// Allocations since they were last set to 0, while `counting`.
extern std::atomic<bool> counting;
extern std::atomic<long> allocations;

/// Bytes that were asked for and not given back, of the whole program.
extern std::atomic<long> live_bytes;

}  // namespace test_allocations
