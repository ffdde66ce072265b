// The main job: four agents learn to trade daily prices, on four fifths of the days, with a curriculum of
// costs, market impact and synthetic crises; then they trade the held-out fifth beside buy-and-hold, equal
// weights, cash and random weights. docs/main_job.md says what it prints.
//
//     trading                                    # four European indices, 1991-1998
//     trading --csv prices.csv --seed 3          # prices of your own
//     trading --resume --steps 4000000           # goes on with the last run
//     trading algorithm.epochs=8 env.cost=.0005  # any setting; --help lists them
//
// ctest: --steps 40000
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polis/envs/market/backtest.hpp>
#include <polis/io/command_line.hpp>
#include <polis/io/prices.hpp>
#include <polis/io/yaml.hpp>
#include <polis/polis.hpp>
#include <polis/train/run_directory.hpp>

using namespace polis;

/// Room for eight assets; how many are traded is a matter of the data and the stage.
using Market = BasicTrading<TradingSpec{.assets = 8, .traders = 4}>;
/// Each agent has weights of its own: four agents with the same weights would trade as one.
using Agents = Trainer<PPO::With<SeparateParameters>, MultiAgentEnv<Market>, Curriculum<Adaptive>>;

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

MarketHistory read_history(const std::string& csv, const Settings& settings) {
  const PriceTable table = read_prices(csv, settings.prices);
  const int symbols = static_cast<int>(table.symbols.size());
  if (symbols > Market::assets) {
    throw Error("found " + std::to_string(symbols) + " symbols", csv,
                "at most " + std::to_string(Market::assets) + ", the room that examples/trading.cpp makes");
  }
  std::printf("%s: %d days of", csv.c_str(), table.days);
  for (const std::string& symbol : table.symbols) std::printf(" %s", symbol.c_str());
  std::printf("\n");
  for (const std::string& note : table.notes) std::printf("note: %s\n", note.c_str());
  MarketPrices prices{.symbols = symbols,
                      .close = table.close,
                      .open = table.open,
                      .high = {},
                      .low = {},
                      .volume = table.volume,
                      .sentiment = table.sentiment};
  if (!table.open.empty() && !table.high.empty() && !table.low.empty()) {
    prices.high = table.high, prices.low = table.low;
  }
  return MarketHistory(std::move(prices), settings.market);
}

/// One pass of the greedy agents over all held-out days.
std::vector<TradingReport> trade(const Agents& agents, const MarketData& held_out) {
  MultiAgentEnv<Market> env(1, agents.config().seed, agents.config().env, held_out);
  const Market& market = env.lane(0);
  EquityRecorder<Market> recorder;
  auto act = [&, play = agents.player(1)](LaneTile<Market>& tile) mutable {
    if (market.bar() > 0) recorder.add(market);
    play(tile);
  };
  auto whole_range = [&](Random&) { return Assignment<Market>{.task = Market::Task::whole_range(held_out)}; };
  std::vector<TradingReport> reports;
  run_episodes(env, 1, act, whole_range, [&](int) {
    recorder.add(market);
    reports = recorder.reports(market);
  });
  return reports;
}

/// Prints the agents' figures beside those of the reference policies, and returns them all.
std::vector<NamedReport> print_comparison(const Agents& agents, const MarketData& held_out) {
  std::vector<NamedReport> rows;
  const std::vector<TradingReport> traders = trade(agents, held_out);
  for (const TradingReport& trader : traders)
    rows.push_back({"agent " + std::to_string(rows.size() + 1), trader});
  const TradingReport mean = mean_report(traders);
  rows.push_back({"agents' mean", mean});
  const auto references =
      reference_reports<Market>(held_out, Market::Task::whole_range(held_out), agents.config().env);
  rows.insert(rows.end(), references.begin(), references.end());
  const TradingReport& market = references[0].report;

  std::printf("\nThe last %d days, which no training saw, after costs and impact:\n\n",
              held_out.end_day - held_out.first_day);
  print_reports(rows);
  const double advantage = mean.sharpe - market.sharpe;
  std::printf(
      "\nThe agents %s buy-and-hold: a return of %.1f%% against %.1f%%. Their Sharpe ratio is %s: %.2f "
      "against "
      "%.2f.\nThis is one period of one market; other seeds and periods may say otherwise.\n",
      mean.total_return > market.total_return ? "beat" : "did not beat", 100 * mean.total_return,
      100 * market.total_return,
      advantage > .1    ? "higher"
      : advantage < -.1 ? "lower"
                        : "about the same",
      mean.sharpe, market.sharpe);
  return rows;
}

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
  const MarketHistory history =
      read_history(earlier ? earlier->path() + "/prices.csv" : settings.csv, settings);
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
  const std::vector<std::string> dates = read_prices(folder.path() + "/prices.csv", settings.prices).dates;
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
