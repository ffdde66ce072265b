// One environment with 1 to 100 agents: Trading with as many traders on the same four assets, PPO with one
// network for all, 64 lanes x 16 steps, minibatches of 1024, 4 epochs. Agent steps a second (steps times
// traders) of the environment alone and end to end, and what a trainer keeps in memory.
//
//     agents [--threads N] [--json FILE] [--svg FILE]        FILE: the figures drawn
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <polis/io/command_line.hpp>
#include <polis/polis.hpp>

#include "whole_training.hpp"

namespace {

using namespace polis;

/// Bytes of memory that the process has, by the kernel's account (0 where there is none).
double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

struct Sample {
  int agents;
  double environment, training;  // agent steps a second
  double lane, trainer;          // bytes: of one lane's environment, and of a trainer an agent and lane
};

template <int Traders>
Sample measure(FigureLog& log) {
  using E = BasicTrading<TradingSpec{.assets = 4, .traders = Traders}>;
  using Learning = Trainer<PPO, MultiAgentEnv<E>>;
  constexpr int lanes = 64;
  typename Learning::Config config{.seed = 7, .lanes = lanes, .threads = log.threads()};
  config.algorithm.steps = 16;
  const std::string name = "agents/" + std::to_string(Traders);
  const std::string sizes =
      std::to_string(Traders) + " traders, 64 lanes x 16 steps, minibatch 1024, 4 epochs";
  const OperationsPerStep one({E::Observation::features, 64, 64, E::Action::words},
                              {E::Observation::features, 64, 64, 1}, config.algorithm.epochs);
  struct {
    double rollout, all;
    [[nodiscard]] double total() const { return all; }
  } const operations{one.rollout * Traders, one.total() * Traders};

  const double before = resident_bytes();
  double kept = 0;
  {
    Learning trainer(config);
    trainer.iterate();
    kept = resident_bytes() - before;
  }
  WholeTraining<Learning> whole(config, 5, .15);
  const auto per_agent = [&](const char* part, const internal::Rates& rates) {
    Figure figure = median_figure(name + part, rates, log.threads(), sizes);
    figure.value *= Traders, figure.unit = "agent steps/s";
    log.add(figure);
    return figure.value;
  };
  Sample row{.agents = Traders,
             .environment = per_agent("/environment", whole.environment()),
             .training = per_agent("/training", whole.training(operations)),
             .lane = sizeof(E),
             .trainer = kept / (lanes * Traders)};
  log.add({.name = name + "/lane", .value = row.lane, .unit = "bytes", .sizes = sizes});
  log.add(
      {.name = name + "/memory_per_agent_and_lane", .value = row.trainer, .unit = "bytes", .sizes = sizes});
  return row;
}

/// Two charts side by side, both axes logarithmic: speeds, and bytes.
class Drawing {
 public:
  explicit Drawing(std::vector<Sample> rows) : rows_(std::move(rows)) {}

  void write(const std::string& path) {
    text_ =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 360\" font-family=\"sans-serif\" "
        "font-size=\"13\"><rect width=\"900\" height=\"360\" fill=\"#fff\"/>\n";
    chart(70, "agent steps a second", {&Sample::environment, &Sample::training},
          {"environment alone", "trained by PPO"});
    chart(520, "bytes", {&Sample::lane, &Sample::trainer},
          {"a lane's environment", "a trainer, an agent and lane"});
    std::ofstream file(path);
    file << text_ << "</svg>\n";
    file.flush();
    if (!file) throw Error("cannot be written", path);
  }

 private:
  static constexpr double top = 50, height = 250, width = 330;

  void line(double x1, double y1, double x2, double y2, const char* colour) {
    text_ += "<path d=\"M" + text(x1) + "," + text(y1) + "L" + text(x2) + "," + text(y2) + "\" stroke=\"" +
             colour + "\"/>\n";
  }
  void label(double x, double y, const std::string& what, const char* anchor, const char* colour = "#333") {
    text_ += "<text x=\"" + text(x) + "\" y=\"" + text(y) + "\" text-anchor=\"" + anchor + "\" fill=\"" +
             colour + "\">" + what + "</text>\n";
  }
  static std::string text(double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.1f", value);
    return buffer;
  }
  static std::string power(int exponent) {
    constexpr std::array units{"", "k", "M", "G"};
    const auto unit = static_cast<std::size_t>(exponent / 3);
    constexpr std::array digits{"1", "10", "100"};
    return std::string(digits[static_cast<std::size_t>(exponent % 3)]) +
           (unit < units.size() ? units[unit] : "?");
  }

  void chart(double left, const char* title, std::array<double Sample::*, 2> members,
             std::array<const char*, 2> names) {
    double low = 1e300, high = 0;
    for (const Sample& row : rows_) {
      for (const auto member : members) low = std::min(low, row.*member), high = std::max(high, row.*member);
    }
    const double first = std::floor(std::log10(low)), last = std::max(first + 1, std::ceil(std::log10(high)));
    const auto across = [&](double agents) { return left + width * std::log10(agents) / 2; };
    const auto down = [&](double value) {
      return top + height * (last - std::log10(value)) / (last - first);
    };
    label(left, top - 22, title, "start");
    for (int exponent = static_cast<int>(first); exponent <= static_cast<int>(last); ++exponent) {
      const double y = down(std::pow(10., exponent));
      line(left, y, left + width, y, "#ddd");
      label(left - 8, y + 4, power(exponent), "end", "#666");
    }
    for (const Sample& row : rows_) {
      label(across(row.agents), top + height + 20, std::to_string(row.agents), "middle", "#666");
    }
    label(left + width / 2, top + height + 42, "agents", "middle", "#666");
    constexpr std::array colours{"#2a6fbb", "#c2571a"};
    for (std::size_t k = 0; k < 2; ++k) {
      std::string path;
      for (const Sample& row : rows_) {
        path += (path.empty() ? "M" : "L") + text(across(row.agents)) + "," + text(down(row.*members[k]));
      }
      text_ += "<path d=\"" + path + "\" fill=\"none\" stroke-width=\"2\" stroke=\"" +
               std::string(colours[k]) + "\"/>\n";
      const Sample& end = rows_.back();
      label(across(end.agents), down(end.*members[k]) + (k == 0 ? -10 : 20), names[k], "end", colours[k]);
    }
  }

  std::vector<Sample> rows_;
  std::string text_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    FigureLog log(argc, argv);
    std::vector<const char*> words{argv[0]};
    for (const std::string& word : log.rest()) words.push_back(word.c_str());
    const CommandLine cli(static_cast<int>(words.size()), words.data(),
                          {{"--svg FILE", "the figures drawn"}});
    const std::vector<Sample> rows{measure<1>(log),  measure<2>(log),  measure<5>(log),  measure<10>(log),
                                   measure<20>(log), measure<50>(log), measure<100>(log)};
    const std::string svg = cli.value("--svg", std::string());
    if (!svg.empty()) Drawing(rows).write(svg);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
