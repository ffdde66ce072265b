// What a benchmark measures, in one form for all of them: a line to read, and a JSON object in a file of
// lines.
//
// A benchmark is one program, benchmarks/<name>.cpp, that accepts `--threads N`, `--json FILE` and
// `--peer NAME=COMMAND` (peer.hpp) and may take more arguments:
//     int main(int argc, char** argv) {
//       polis::FigureLog log(argc, argv);
//       log.add({.name = "cartpole/env", .value = steps_per_second, .unit = "steps/s", .threads =
//       log.threads()});
//     }
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <polis/core/simd.hpp>

namespace polis {

/// The instruction set that this translation unit's kernels are compiled for, e.g. "avx512bw".
inline std::string kernel_path() { return Simd::name(); }

/// One measured figure. The peak is of the same run, of one core; 0 where neither it nor a share is
/// meaningful.
struct Figure {
  std::string name;        ///< benchmark and part, e.g. "cartpole/rollout"
  double value = 0;        ///< in `unit`
  std::string unit;        ///< e.g. "steps/s", "GFLOP/s", "ns"
  int threads = 1;         ///< threads that worked
  std::string sizes = {};  ///< e.g. "256 lanes x 32 steps, 64x64"
  std::string kernel_path = polis::kernel_path();
  double peak_gflops = 0;    ///< measured multiply-add peak of one core, GFLOP/s
  double share_of_peak = 0;  ///< of all threads' peaks together, in [0, 1]
};

/// `text` as a JSON string, quotes included.
inline std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      quoted += code;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

/// `value` as a JSON number; null where it is not finite.
inline std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  std::ostringstream text;
  text << std::setprecision(9) << value;
  return text.str();
}

/// A figure as one JSON object on one line; the peak and the share are null where they were not measured.
inline std::string json(const Figure& figure) {
  const auto measured = [](double value) {
    return json_number(value > 0 ? value : std::numeric_limits<double>::quiet_NaN());
  };
  return "{\"name\": " + json_string(figure.name) + ", \"value\": " + json_number(figure.value) +
         ", \"unit\": " + json_string(figure.unit) + ", \"threads\": " + std::to_string(figure.threads) +
         ", \"sizes\": " + json_string(figure.sizes) +
         ", \"kernel_path\": " + json_string(figure.kernel_path) +
         ", \"peak_gflops\": " + measured(figure.peak_gflops) +
         ", \"share_of_peak\": " + measured(figure.share_of_peak) + "}";
}

/// A figure as a line to read.
inline std::string line(const Figure& figure) {
  std::ostringstream text;
  text << std::left << std::setw(40) << figure.name << std::right << std::setw(14) << std::setprecision(5)
       << figure.value << " " << std::left << std::setw(10) << figure.unit << " " << figure.threads
       << (figure.threads == 1 ? " thread " : " threads");
  if (figure.share_of_peak > 0) {
    text << "  " << std::fixed << std::setprecision(1) << 100 * figure.share_of_peak << "% of "
         << figure.threads << " x " << figure.peak_gflops << " GFLOP/s";
  }
  text << "  " << figure.kernel_path;
  if (!figure.sizes.empty()) text << "  (" << figure.sizes << ")";
  return text.str();
}

/// Where a benchmark's figures go: standard output, and the file of `--json FILE`, which is appended to.
class FigureLog {
 public:
  /// Reads `--threads N`, `--json FILE` and `--peer NAME=COMMAND`; all other arguments are in rest(). Ends
  /// the program with a message where an argument is wrong or the file cannot be written.
  FigureLog(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      if (argument != "--threads" && argument != "--json" && argument != "--peer") {
        rest_.push_back(argument);
        continue;
      }
      if (++i == argc) fail(argument + " expects a value");
      if (argument == "--threads") {
        threads_ = std::atoi(argv[i]);
        if (threads_ < 1) fail("--threads expects a positive number, got " + std::string(argv[i]));
      } else if (argument == "--peer") {
        const std::string peer = argv[i];
        const std::size_t equals = peer.find('=');
        if (equals == 0 || equals >= peer.size() - 1) fail("--peer expects NAME=COMMAND, got " + peer);
        peers_[peer.substr(0, equals)] = peer.substr(equals + 1);
      } else {
        json_.open(argv[i], std::ios::app);
        if (!json_) fail("cannot write " + std::string(argv[i]));
      }
    }
  }

  /// Threads asked for; 1 by default.
  [[nodiscard]] int threads() const { return threads_; }
  /// The command that does the same work as the part of the benchmark that has this name; empty without one.
  [[nodiscard]] std::string peer(const std::string& name) const {
    const auto found = peers_.find(name);
    return found == peers_.end() ? std::string() : found->second;
  }
  /// Arguments that are the benchmark's own.
  [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }

  void add(const Figure& figure) {
    std::cout << line(figure) << std::endl;
    if (json_.is_open()) json_ << json(figure) << std::endl;
  }

 private:
  [[noreturn]] static void fail(const std::string& problem) {
    std::cerr << problem << "\n";
    std::exit(2);
  }

  int threads_ = 1;
  std::ofstream json_;
  std::vector<std::string> rest_;
  std::map<std::string, std::string> peers_;
};

}  // namespace polis
