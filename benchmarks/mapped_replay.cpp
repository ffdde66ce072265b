// What a checkpoint of a large replay costs, in memory and in a file: seconds and bytes written, the memory
// of the process, and the speed of training between two, where DQN sees 32 numbers a step and learns from a
// sample for each that comes in. Medians of 15 checkpoints, a hundredth of the replay between two. size=MIB
// sets the size of the replay (1024), folder=PATH where it is written (a folder in the system's for temporary
// files).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <polis/polis.hpp>

#include "figure.hpp"

namespace polis {

/// Sees 32 random numbers; every step is like the others.
struct Stream {
  static constexpr int agents = 1;
  using Observation = Box<32>;
  using Action = Discrete<4>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  Array<float, 32> seen{};
  int at = 0;

  void reset(auto& ctx) { at = 0, draw(ctx.random); }
  void step(const auto& actions, auto& ctx) {
    ctx.reward(0) = seen[actions[0]];
    draw(ctx.random);
    if (++at == 100) ctx.truncate();
  }
  void observe(int, Row out) const {
    for (int i = 0; i < 32; ++i) out[i] = seen[i];
  }

 private:
  void draw(Random& random) {
    for (int i = 0; i < 32; ++i) seen[i] = random.uniform();
  }
};

/// A number of /proc/self/FILE, in its unit.
double figure_of_process(const std::string& file, const std::string& key) {
  std::ifstream lines("/proc/self/" + file);
  for (std::string word; lines >> word;) {
    if (double value = 0; word == key + ':' && lines >> value) return value;
  }
  return 0;
}

double seconds_of(auto&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class Buffer>
void measure(FigureLog& log, const std::string& name, double mebibytes, const std::filesystem::path& folder) {
  using Trainer = polis::Trainer<DQN::With<Mlp<64>, Buffer>, MultiAgentEnv<Stream>>;
  constexpr int lanes = 64;
  constexpr double transition = 4. * (2 * 32 + 3);  // bytes
  const double mega = 1024 * 1024, kept = std::floor(mebibytes * mega / transition);
  typename Trainer::Config config{.lanes = lanes, .threads = log.threads()};
  config.algorithm.buffer.capacity = static_cast<int>(kept);
  config.algorithm.learning_starts = static_cast<int>(kept);
  config.algorithm.update_every = 1024, config.algorithm.batch = 1024;
  const std::string path = folder / "checkpoint";
  if constexpr (requires { config.algorithm.buffer.file; }) config.algorithm.buffer.file = folder / "replay";
  const std::string sizes = std::to_string(static_cast<int>(kept)) + " transitions";
  const auto add = [&](const std::string& what, double value, const std::string& unit) {
    log.add(
        {.name = name + '/' + what, .value = value, .unit = unit, .threads = log.threads(), .sizes = sizes});
  };
  {
    Trainer trainer(config);
    // The replay fills, with a checkpoint a quarter; then a hundredth of it comes in between two.
    for (int quarter = 1; quarter <= 5; ++quarter) {
      while (static_cast<double>(trainer.clock().steps) < quarter * kept / 4) trainer.iterate();
      trainer.save(path);
    }
    std::vector<double> seconds, bytes, learning;
    for (int i = 0; i < 15; ++i) {
      const auto from = static_cast<double>(trainer.clock().steps), until = from + kept / 100;
      const double took = seconds_of([&] {
        while (static_cast<double>(trainer.clock().steps) < until) trainer.iterate();
      });
      learning.push_back((static_cast<double>(trainer.clock().steps) - from) / took);
      const double before = figure_of_process("io", "wchar");
      seconds.push_back(seconds_of([&] { trainer.save(path); }));
      bytes.push_back(figure_of_process("io", "wchar") - before);
    }
    std::sort(seconds.begin(), seconds.end()), std::sort(learning.begin(), learning.end());
    add("checkpoint", seconds[7], "s");
    add("written", bytes.back() / mega, "MiB");
    add("training", learning[7], "steps/s");
    add("own_memory", figure_of_process("status", "RssAnon") / 1024, "MiB");
  }
  Trainer trainer(config);
  add("resume", seconds_of([&] { trainer.resume(path); }), "s");
  add("own_memory_resumed", figure_of_process("status", "RssAnon") / 1024, "MiB");
  std::filesystem::remove(path);
  std::filesystem::remove(folder / "replay");
}

}  // namespace polis

int main(int argc, char** argv) {
  using namespace polis;
  FigureLog log(argc, argv);
  double mebibytes = 1024;
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "polis-mapped-replay";
  for (const std::string& argument : log.rest()) {
    const auto equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    if (equals != argument.npos && key == "size") {
      mebibytes = std::atof(argument.c_str() + equals + 1);
    } else if (equals != argument.npos && key == "folder") {
      folder = argument.substr(equals + 1);
    } else {
      std::cerr << "no such argument: " << argument << "; there are size=MIB and folder=PATH\n";
      return 2;
    }
  }
  std::filesystem::create_directories(folder);
  measure<Mapped<Replay>>(log, "mapped", mebibytes, folder);
  measure<Replay>(log, "in_memory", mebibytes, folder);
  std::filesystem::remove(folder);
}
