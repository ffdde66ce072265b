// The main() of the tests that run as several ranks: every rank runs every case, and one failure is a failure
// of all.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <polis/mpi.hpp>

int main(int argc, char** argv) {
  const polis::MpiSession session(argc, argv);
  doctest::Context context(argc, argv);
  if (!session.first()) context.setOption("minimal", true);  // says nothing unless a check fails
  return context.run();
}
