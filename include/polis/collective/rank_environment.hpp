// Which rank of a job a process is, and where it finds the others, as a launcher's environment says it.
//
//     torchrun --no-python --nnodes=2 --nproc-per-node=8 --master-addr=HOST ./program
//
// torchrun sets RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT; anybody else
// may.
#pragma once

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// By default the only rank there is.
struct RankEnvironment {
  int rank = 0, ranks = 1;
  int local_rank = 0, neighbours = 1;  ///< among the ranks of this machine, and how many they are
  std::string address;                 ///< of the machine of rank 0, which the others look for
  int port = 0;                        ///< there
  double seconds = 120;                ///< until which all have to be there

  /// What the environment says; one rank, where it has none of the variables. `get(name)` is the value of a
  /// variable or null. Error: a variable that is missing or has no such value, by its name.
  [[gnu::cold]] static RankEnvironment read(const char* (*get)(const char* name) = of_process) {
    RankEnvironment found;
    bool job = false;
    for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"})
      job = job || get(name) != nullptr;
    if (!job) return found;
    found.ranks = number(get, "WORLD_SIZE", 1, 1 << 20, "a number of ranks");
    found.rank = number(get, "RANK", 0, found.ranks - 1, "a rank below WORLD_SIZE");
    found.local_rank = number(get, "LOCAL_RANK", 0, found.ranks - 1, "a rank of this machine");
    found.neighbours = found.ranks;
    if (get("LOCAL_WORLD_SIZE") != nullptr) {
      found.neighbours = number(get, "LOCAL_WORLD_SIZE", found.local_rank + 1, found.ranks,
                                "the number of ranks on this machine");
    }
    found.address = text(get, "MASTER_ADDR", "the name or address of the machine of rank 0");
    // torchrun listens at MASTER_PORT itself, for PyTorch's own rendezvous: this one has the next.
    const int of_launcher = number(get, "MASTER_PORT", 1, 65534, "a port");
    const bool own = get("POLIS_PORT") != nullptr;
    found.port = own ? number(get, "POLIS_PORT", 1, 65535, "a port") : of_launcher + 1;
    return found;
  }

 private:
  [[gnu::cold]] static const char* of_process(const char* name) { return std::getenv(name); }

  [[gnu::cold]] static std::string text(const char* (*get)(const char*), const char* name,
                                        const char* expected) {
    const char* const value = get(name);
    if (value == nullptr) throw Error(concat({name, " is not set"}), where, concat({expected, as_set_by}));
    if (*value == '\0') throw Error(concat({name, " is empty"}), where, concat({expected, as_set_by}));
    return value;
  }
  [[gnu::cold]] static int number(const char* (*get)(const char*), const char* name, int least, int most,
                                  const char* what) {
    const std::string expected = concat({what, ", from ", least, " to ", most});
    const std::string value = text(get, name, expected.c_str());
    int found = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), found);
    if (problem == std::errc() && end == value.data() + value.size() && found >= least && found <= most)
      return found;
    throw Error(concat({name, "=", value}), where, concat({expected, as_set_by}));
  }

  static constexpr const char* where = "the environment";
  static constexpr const char* as_set_by = " (torchrun sets it)";
};

}  // namespace polis
