// What an algorithm learns: the return (or the success) of its greedy policy at the end of training, over
// several seeds, as the interquartile mean with a stratified bootstrap interval (stats/iqm.hpp,
// stats/bootstrap.hpp).
//
// All settings stand in a YAML file whose keys are the fields of LearningRun; words on the command line
// change them:
//     learning_cartpole [--threads N] [--json FILE] [--settings FILE] [--runs DIR] [seeds=20 trainer.lanes=8
//     ...]
//
// DIR gets a folder for each seed of a run that is evaluated as it goes (`best: true`), which examples/report
// draws curves of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <polis/io/command_line.hpp>
#include <polis/io/yaml.hpp>
#include <polis/polis.hpp>
#include <polis/stats/bootstrap.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/stats/iqm.hpp>
#include <polis/train/run_directory.hpp>

#include "figure.hpp"

namespace polis {

/// Trainings of one composition that differ in nothing but their seeds.
template <class Trainer>
struct LearningRun {
  typename Trainer::Config trainer{};
  std::uint64_t steps = 100'000;  ///< environment steps of one training
  int seeds = 10;                 ///< trainings; their seeds count up from trainer.seed
  int episodes = 100;             ///< played after each training
  bool sampled = false;           ///< by the policy as it explores, rather than by its greedy actions
  bool best = false;              ///< the best of all evaluations, before, during and after, not the last
  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("steps", self.steps);
    visit("seeds", self.seeds);
    visit("episodes", self.episodes);
    visit("sampled", self.sampled);
    visit("best", self.best);
  }
};

/// What is asked of a policy's episodes.
struct Score {
  const char* unit;
  double (*of)(const EvaluationResult&);
};
inline constexpr Score mean_return{"return", [](const EvaluationResult& result) { return result.mean; }};
inline constexpr Score mean_success{"success", [](const EvaluationResult& result) { return result.success; }};

/// Episodes of actions drawn uniformly from the action space: what learning is to be told from.
template <class E>
EvaluationResult play_at_random(const ConfigOf<E>& config, int episodes, std::uint64_t seed) {
  MultiAgentEnv<E> env(std::clamp(episodes, 1, 64), seed, config);
  using Action = typename RoleOf<E, 0>::Action;
  return run_episodes(env, episodes, [seed](LaneTile<E>& tile) {
    for (int lane = 0; lane < tile.lanes; ++lane) {
      Random random(seed, tile.step, tile.env->global_lane(lane), 0, Purpose::exploration);
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if constexpr (Action::kind == SpaceKind::discrete) {
          tile.actions[lane][agent] = random.integer(Action::size);
        } else {
          static_assert(BoundedSpace<Action>);
          for (int i = 0; i < Action::words; ++i) {
            tile.actions[lane][agent][i] = random.uniform(Action::low, Action::high);
          }
        }
      }
    }
  });
}

namespace internal {

/// The best mean return of a training's evaluations, and these in a log, where one is wanted.
struct BestEvaluation : Sink {
  double best;
  int evaluations = 1;
  std::optional<JsonLines> log;
  explicit BestEvaluation(double first) : best(first) {}
  void open(const RunInfo& info) override {
    if (log) log->open(info);
  }
  void row(const MetricsRow& row) override {
    if (row.kind != MetricsRow::Kind::evaluation) return;
    best = std::max(best, row["return"]);
    ++evaluations;
    if (log) log->row(row);
  }
  void close() override {
    if (log) log->close();
  }
};

/// The settings of a file, and what `key=value` words of the command line change in them. Ends the program
/// with a message where they cannot be read.
template <class Run>
void read_settings(const FigureLog& log, const std::filesystem::path& file, Run& run) try {
  std::vector<const char*> words{"benchmark"};
  for (const std::string& word : log.rest()) words.push_back(word.c_str());
  const CommandLine cli(static_cast<int>(words.size()), words.data(),
                        {{"--settings FILE", "a YAML file of the keys below"}});
  if (cli.wants_help()) {
    std::cout << cli.help("Measures with these settings.", run);
    std::exit(0);
  }
  read_yaml(cli.value("--settings", file.string()), run);
  run.trainer.threads = log.threads();
  cli.apply(run);
} catch (const Error& error) {
  std::cerr << error.what() << "\n";
  std::exit(2);
}

/// Trains one seed; returns the best mean return of its greedy policies: the first, those of the evaluation
/// plan, and the last, where that is not one of them.
template <class Trainer>
double best_once(const LearningRun<Trainer>& run, typename Trainer::Config config,
                 const std::filesystem::path& runs) {
  config.evaluation.every = config.evaluation.every > 0 ? config.evaluation.every : run.steps;
  config.evaluation.episodes = run.episodes;
  Trainer trainer(config);
  BestEvaluation sink(trainer.evaluate(run.episodes).mean);
  if (!runs.empty()) {
    const RunDirectory directory = RunDirectory::create((runs / std::to_string(config.seed)).string());
    sink.log.emplace(directory.json_lines());
  }
  trainer.add_sink(sink);
  trainer.train(run.steps);
  const EvaluationResult last = trainer.evaluate(run.episodes);
  std::printf("seed %-4llu best %9.2f of %d  last %9.2f  %.2f s of training, %.0f steps/s\n",
              static_cast<unsigned long long>(config.seed), std::max(sink.best, last.mean), sink.evaluations,
              last.mean, trainer.seconds(), static_cast<double>(trainer.clock().steps) / trainer.seconds());
  std::fflush(stdout);
  return std::max(sink.best, last.mean);
}

/// Trains and evaluates one seed; returns the score of its policy.
template <class Trainer>
double learn_once(const LearningRun<Trainer>& run, typename Trainer::Config config, const Score& score,
                  const std::filesystem::path& runs) {
  if (run.best) return best_once(run, config, runs);
  Trainer trainer(config);
  trainer.train(run.steps);
  const EvaluationResult result = trainer.evaluate(run.episodes, run.sampled ? Play::sampled : Play::greedy);
  std::printf("seed %-4llu return %9.2f  sd %7.2f  length %6.1f  ",
              static_cast<unsigned long long>(config.seed), result.mean, result.deviation, result.length);
  if (!std::isnan(result.success)) std::printf("success %.3f  ", result.success);
  std::printf("%.2f s of training, %.0f steps/s\n", trainer.seconds(),
              static_cast<double>(trainer.clock().steps) / trainer.seconds());
  std::fflush(stdout);
  return score.of(result);
}

template <class Trainer>
int run_learning(int argc, char** argv, const std::string& name, const std::filesystem::path& settings,
                 const Score& score, std::vector<double>& scores) {
  FigureLog log(argc, argv);
  std::vector<const char*> words{argv[0]};
  for (const std::string& word : log.rest()) words.push_back(word.c_str());
  const CommandLine cli(static_cast<int>(words.size()), words.data(),
                        {{"--settings FILE", "a YAML file of the keys below"},
                         {"--runs DIR", "where the evaluations of runs that make them are logged"}});
  LearningRun<Trainer> run;
  if (cli.wants_help()) {
    std::cout << cli.help("Trains " + Trainer::name() + " by several seeds and says what it learnt.", run);
    return 0;
  }
  read_yaml(cli.value("--settings", settings.string()), run);
  run.trainer.threads = log.threads();
  cli.apply(run);

  using E = typename Trainer::Environment;
  std::cout << Trainer::name() << "\n" << to_yaml(run);
  scores.clear();
  for (int i = 0; i < run.seeds; ++i) {
    typename Trainer::Config config = run.trainer;
    config.seed += static_cast<std::uint64_t>(i);
    const std::string runs = cli.value("--runs", std::string());
    const std::filesystem::path folder = runs.empty() ? "" : runs + "/" + name;
    scores.push_back(learn_once<Trainer>(run, config, score, folder));
  }
  const stats::Estimate iqm = stats::bootstrap({scores}, stats::iqm);
  const double random = score.of(play_at_random<E>(run.trainer.env, 1000, run.trainer.seed));
  const auto [worst, best] = std::minmax_element(scores.begin(), scores.end());
  std::printf("%s: IQM %.2f, 95%% interval [%.2f, %.2f]; mean %.2f, worst %.2f, best %.2f; at random %.2f\n",
              score.unit, iqm.value, iqm.low, iqm.high, stats::mean(scores), *worst, *best, random);
  const std::string sizes = std::to_string(run.seeds) + " seeds x " + std::to_string(run.steps) + " steps, " +
                            std::to_string(run.episodes) + (run.sampled ? " sampled" : " greedy") +
                            " episodes each";
  const auto add = [&](const char* part, double value) {
    log.add(
        {.name = name + part, .value = value, .unit = score.unit, .threads = log.threads(), .sizes = sizes});
  };
  add("/iqm", iqm.value), add("/iqm_low", iqm.low), add("/iqm_high", iqm.high);
  add("/worst", *worst), add("/random", random);
  return 0;
}

}  // namespace internal

/// The main() of a learning benchmark. `settings` is the file that is read unless `--settings` names another;
/// `scores` gets that of each seed.
template <class Trainer>
int run_learning(int argc, char** argv, const std::string& name, const std::filesystem::path& settings,
                 const Score& score, std::vector<double>& scores) {
  try {
    return internal::run_learning<Trainer>(argc, argv, name, settings, score, scores);
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
template <class Trainer>
int run_learning(int argc, char** argv, const std::string& name, const std::filesystem::path& settings,
                 const Score& score = mean_return) {
  std::vector<double> scores;
  return run_learning<Trainer>(argc, argv, name, settings, score, scores);
}

/// A benchmark in which several compositions learn, and its command line.
struct LearningArguments {
  std::string benchmark;
  int count;
  char** words;
};

/// The score of each seed of `Algorithm` in E, with settings from the benchmarks' folder of them. Ends the
/// program where it cannot learn.
template <class Algorithm, class E>
std::vector<double> learn(const LearningArguments& arguments, const std::string& name, const char* settings,
                          const Score& score = mean_return) {
  const auto here = std::filesystem::path(__FILE__).parent_path();
  std::vector<double> scores;
  if (run_learning<Trainer<Algorithm, MultiAgentEnv<E>>>(arguments.count, arguments.words,
                                                         arguments.benchmark + "/" + name,
                                                         here / "settings" / settings, score, scores)) {
    std::exit(1);
  }
  return scores;
}

}  // namespace polis
