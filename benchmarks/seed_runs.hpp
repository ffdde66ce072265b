// Trainings of one composition by several seeds, looked at by a measure of their own: what such benchmarks
// share. (Those whose measure is the return or the success go by learning.hpp.)
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <polis/io/command_line.hpp>
#include <polis/io/yaml.hpp>
#include <polis/polis.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/iqm.hpp>

#include "figure.hpp"

namespace polis {

/// Trainings that differ in nothing but their seeds, which count up from trainer.seed.
template <class Trainer>
struct SeedRuns {
  typename Trainer::Config trainer{};
  std::uint64_t steps = 1'000'000;
  int seeds = 5;
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
  }

  /// look(trainer) gives the value of a trained seed and prints what else it has to say; all values.
  template <class Look>
  [[nodiscard]] std::vector<double> train(Look&& look) const {
    std::vector<double> values;
    for (int i = 0; i < seeds; ++i) {
      auto config = trainer;
      config.seed += static_cast<std::uint64_t>(i);
      Trainer learning(config);
      learning.train(steps);
      values.push_back(look(learning));
      std::fflush(stdout);
    }
    return values;
  }
  /// Adds figures, each a part's name and its value.
  void add(FigureLog& log, const std::string& name, const char* unit,
           std::initializer_list<std::pair<const char*, double>> parts) const {
    for (const auto& [part, value] : parts) {
      log.add({.name = name + "/" + part,
               .value = value,
               .unit = unit,
               .threads = log.threads(),
               .sizes = std::to_string(seeds) + " seeds x " + std::to_string(steps) + " steps"});
    }
  }
};

/// The main() of such a benchmark: body(log, runs) with the settings of a file beside this one, and words of
/// the command line.
template <class Trainer, class Body>
int run_seeds(int argc, char** argv, const char* settings, Body&& body) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(), {});
    SeedRuns<Trainer> runs;
    read_yaml((std::filesystem::path(__FILE__).parent_path() / "settings" / settings).string(), runs);
    runs.trainer.threads = log.threads();
    cli.apply(runs);
    std::cout << Trainer::name() << "\n" << to_yaml(runs);
    body(log, runs);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}

}  // namespace polis
