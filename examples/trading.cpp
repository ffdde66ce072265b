// The main job: four agents learn to trade daily prices, on four fifths of the days, with a curriculum of
// costs, market impact and synthetic crises; then they trade the held-out fifth beside buy-and-hold, equal
// weights, cash and random weights. docs/main_job.md says what it prints.
//
//     trading                                    # four European indices, 1991-1998
//     trading --csv prices.csv --seed 3          # prices of your own
//     trading --resume --steps 4000000           # goes on with the last run
//     trading algorithm.epochs=8 env.cost=.0005  # any setting; --help lists them
//
// Its parts are files in trading/, each of which compiles as fast as a small program: the agents, the prices.
//
// ctest: --steps 40000
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <polis/envs/market/backtest.hpp>
#include <polis/io/command_line.hpp>
#include <polis/io/text_file.hpp>
#include <polis/io/yaml.hpp>
#include <polis/polis.hpp>
#include <polis/train/run_directory.hpp>

#include "trading/agents.hpp"
#include "trading/prices.hpp"

using namespace polis;

/// PPO's defaults, and weight decay: a thousand days are few, and without it the agents learn them by heart.
/// Its value was chosen on the last fifth of the training days (market.training=.64 market.end=.8), not on
/// those held out.
Agents::Config chosen_settings() {
  Agents::Config config;
  config.algorithm.optimizer.weight_decay = .01f;
  return config;
}

struct Settings {
  std::string csv = (std::filesystem::path(__FILE__).parent_path() / "data/eu_indices.csv").string();
  std::uint64_t steps = 1'500'000;
  PriceOptions prices{};
  MarketSettings market{};
  Agents::Config trainer = chosen_settings();

  static void fields(auto& self, auto&& visit) {
    visit("csv", self.csv);
    visit("steps", self.steps);
    visit("prices", self.prices);
    visit("market", self.market);
    Agents::Config::fields(self.trainer, visit);  // its keys stand beside these
  }
};

/// The defaults, those of the run that goes on, a file's, the command line's: the later count for more.
Settings read_settings(const CommandLine& line, const std::string& resumed) {
  Settings settings;
  if (!resumed.empty()) read_yaml(resumed, settings);
  const std::string begun_with = settings.csv;
  if (const auto file = line.value("--settings")) read_yaml(*file, settings);
  line.apply(settings);
  settings.csv = line.value("--csv", settings.csv);
  settings.steps = line.value("--steps", settings.steps);
  settings.trainer.seed = line.value("--seed", settings.trainer.seed);
  if (!resumed.empty() && settings.csv != begun_with) {
    throw Error("found " + settings.csv, "csv", begun_with + ": a run goes on with the prices it began with");
  }
  if (!settings.trainer.checkpoint.path.empty()) {
    throw Error("found a path", "checkpoint.path", "--out DIR, where everything of the run goes");
  }
  return settings;
}

/// What a run needs to go on, whatever becomes of the user's file. Settings are written aside, so that a full
/// disk leaves the old ones.
void keep(const Settings& settings, const RunDirectory& folder, bool resumed) {
  if (!resumed) write_text_file(folder.path() + "/prices.csv", read_text_file(settings.csv));
  write_yaml(folder.settings() + ".tmp", settings);
  std::filesystem::rename(folder.settings() + ".tmp", folder.settings());
}

int run(const CommandLine& line) {
  if (line.wants_help()) {
    std::printf("%s", line.help("Four agents learn to trade daily prices.", Settings{}).c_str());
    return 0;
  }
  const std::string out = line.value("--out").value_or("");
  std::optional<RunDirectory> earlier;
  if (line.has("--resume")) earlier = RunDirectory::existing(out);
  const Settings settings = read_settings(line, earlier ? earlier->settings() : "");
  const MarketHistory history = read_history(earlier ? earlier->path() + "/prices.csv" : settings.csv,
                                             settings.prices, settings.market, Market::assets);
  const MarketData held_out = history.held_out();

  const RunDirectory folder = earlier ? *earlier : RunDirectory::create(out);
  Agents::Config config = settings.trainer;
  config.checkpoint.path = folder.checkpoint();
  Agents agents(config, history.training());
  if (earlier) agents.resume(folder.checkpoint());
  keep(settings, folder, earlier.has_value());
  if (!earlier) agents.save(folder.checkpoint());  // from now on the run can be resumed at any moment

  ProgressBar bar;
  CsvLog csv(folder.csv_prefix());
  JsonLines json(folder.json_lines());
  agents.add_sink(bar), agents.add_sink(csv), agents.add_sink(json);
  const StopOnInterrupt stop;
  if (agents.train(settings.steps) == TrainingEnd::interrupted) {
    std::printf("Stopped after %llu steps; all is saved. To go on: trading --resume --out %s\n",
                static_cast<unsigned long long>(agents.clock().steps), folder.path().c_str());
    return 130;
  }
  const std::vector<NamedReport> reports = print_comparison(agents, held_out);
  const std::vector<std::string> dates = read_dates(folder.path() + "/prices.csv", settings.prices);
  write_reports(reports, folder.csv_prefix(), dates, held_out.first_day);
  std::printf(
      "\nIn %s: checkpoint, settings.yaml, prices.csv, train.csv, log.jsonl, equity.csv, backtest.csv.\n",
      folder.path().c_str());
  return 0;
}

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // in step with the progress, where both go to a file
  try {
    return run(CommandLine(argc, argv,
                           {{"--csv FILE", "prices: a column a symbol, or OHLCV, or a row a day and symbol"},
                            {"--seed N", "other random numbers"},
                            {"--steps N", "environment steps in all, those before a resume included"},
                            {"--out DIR", "the run's folder; without it runs/1, runs/2, ..."},
                            {"--resume", "go on with the run in --out, or with the last one in runs/"},
                            {"--settings FILE", "settings in YAML; key=value words count for more"}}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "trading: %s\n", error.what());
    return 1;
  }
}
