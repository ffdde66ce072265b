// What a mean return does not tell: a policy under noise, delay and harder tasks, on days it has not seen,
// beside references and among strangers. docs/evaluation.md explains the tables that this prints.
//
// Its parts are files in evaluation/, one a trainer.
//
//     evaluation           # a minute
//     evaluation 20000     # trains for fewer steps
//
// ctest: 20000
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "evaluation/parts.hpp"

int main(int argc, char** argv) {
  const std::uint64_t steps = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300'000;
  try {
    cart_pole(steps);
    strangers(steps);
    traders(steps);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluation: %s\n", error.what());
    return 1;
  }
}
