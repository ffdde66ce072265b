// A peer: another program that does the same work, timed in turn with ours, so that both meet the same clocks
// and the same neighbours. `--peer NAME=COMMAND` names it, e.g.
//     benchmarks/run.sh ppo_pendulum -- --peer "ppo_pendulum=OPENBLAS_NUM_THREADS=1 /path/to/rl_tools/ppo"
#pragma once

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

namespace polis {

class Peer {
 public:
  /// `command` is a line of the shell; empty makes a peer that is not there.
  explicit Peer(std::string command) : command_(std::move(command)) {}

  [[nodiscard]] bool there() const { return !command_.empty(); }

  /// Seconds of one run: what it prints last after "Time:", or else the wall time of its process. Ends the
  /// program with a message where it fails.
  [[nodiscard]] double seconds() const {
    const auto start = std::chrono::steady_clock::now();
    std::FILE* const pipe = popen(command_.c_str(), "r");
    if (!pipe) fail("cannot be started");
    std::string output;
    char part[4096];
    while (std::fgets(part, sizeof part, pipe)) output += part;
    if (pclose(pipe) != 0) fail("failed");
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const std::size_t said = output.rfind("Time:");
    if (said == std::string::npos) return wall.count();
    const double time = std::strtod(output.c_str() + said + 5, nullptr);
    if (!(time > 0 && std::isfinite(time))) fail("prints no positive number after \"Time:\"");
    return time;
  }

 private:
  [[noreturn]] void fail(const char* problem) const {
    std::cerr << "the peer " << command_ << " " << problem << "\n";
    std::exit(1);
  }
  std::string command_;
};

}  // namespace polis
