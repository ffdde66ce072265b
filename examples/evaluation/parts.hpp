// The parts of examples/evaluation.cpp, each with a trainer of its own and in a file of its own.
#pragma once

#include <cstdint>
#include <cstdio>

#include <polis/train/suites/table.hpp>

inline void print(const polis::ResultTable& table) {
  table.print();
  std::printf("\n");
}

/// One agent: how soon it was good, what disturbs it, and how a rule of thumb does.
void cart_pole(std::uint64_t steps);

/// Two agents, two equally good conventions: which one a run finds is a matter of chance.
void strangers(std::uint64_t steps);

/// Four traders: harder markets, days that were held out, and a market whose costs rise.
void traders(std::uint64_t steps);
