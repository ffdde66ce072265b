// Steps a second against lanes, agents, width and threads: PPO with two networks of two hidden layers, tanh,
// rollouts of 8192 samples, minibatches of 1024, 4 epochs.
//
//     scaling [--threads N] [--json FILE] [--svg FILE] [lanes|agents|width ...]
//
// Each is measured on one thread and on N (2 where none is named); FILE gets the figures drawn, four panels.
#include <cstddef>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <polis/polis.hpp>
#include <polis/report/svg.hpp>

#include "whole_training.hpp"

namespace {

using namespace polis;

constexpr int samples = 8192, rounds = 7;
constexpr double seconds = .1;

/// Operations of a step of the environment, of all its agents.
struct Operations {
  double rollout, all;
  [[nodiscard]] double total() const { return all; }
};

/// One panel: a line for each number of threads.
struct Panel {
  std::string title, x_name;
  std::vector<std::string> names = {};          // along x
  std::vector<std::vector<double>> lines = {};  // [threads][x]
};

/// One figure to be: what measures it once, and what it has measured.
struct Point {
  Figure figure;
  int agents = 1;
  std::function<internal::Rates()> measure;
  internal::Rates rates = {};
};

class Sweep {
 public:
  Sweep(FigureLog& log, std::vector<int> threads) : log_(log), threads_(std::move(threads)) {}

  void open(const std::string& title, const std::string& x_name) { panels_.push_back({title, x_name}); }

  /// Puts Trainer's rollout or training, in steps of agents, at the end of the panel opened last.
  template <class Learning>
  void add(const std::string& name, const std::string& x, int lanes, int width, bool training) {
    using E = typename Learning::Environment;
    constexpr int agents = agent_count<E>;
    constexpr int in = RoleOf<E, 0>::Observation::features;
    constexpr int out = RoleOf<E, 0>::Action::features;
    typename Learning::Config config{.seed = 7, .lanes = lanes};
    config.algorithm.steps = samples / (lanes * agents);
    config.algorithm.minibatch = 1024;
    config.algorithm.epochs = 4;
    const OperationsPerStep one({in, width, width, out}, {in, width, width, 1}, config.algorithm.epochs);
    const Operations operations{one.rollout * agents, one.total() * agents};
    const std::string sizes = std::to_string(lanes) + " lanes x " + std::to_string(config.algorithm.steps) +
                              " steps x " + std::to_string(agents) + " agents, 2 x " + std::to_string(width) +
                              "-" + std::to_string(width);
    panels_.back().names.push_back(x);
    for (const int threads : threads_) {
      config.threads = threads;
      points_.push_back(
          {{.name = name + "/" + x, .unit = "agent steps/s", .threads = threads, .sizes = sizes},
           agents,
           [config, operations, training] {
             WholeTraining<Learning> work(config, 1, seconds);
             return training ? work.training(operations) : work.rollout(operations);
           }});
    }
  }

  /// Measures all in several rounds, so that what disturbs the machine for a while disturbs one round.
  void measure() {
    for (int round = 0; round < rounds; ++round) {
      for (Point& point : points_) {
        const internal::Rates once = point.measure();
        point.rates.per_second.push_back(once.per_second[0]);
        point.rates.peaks.push_back(once.peaks[0]);
        point.rates.shares.push_back(once.shares[0]);
      }
    }
    std::size_t at = 0;
    for (Panel& panel : panels_) {
      panel.lines.resize(threads_.size());
      for (std::size_t x = 0; x < panel.names.size(); ++x) {
        for (auto& line : panel.lines) {
          const Point& point = points_[at++];
          Figure figure =
              median_figure(point.figure.name, point.rates, point.figure.threads, point.figure.sizes);
          figure.value *= point.agents, figure.unit = point.figure.unit;
          log_.add(figure);
          line.push_back(figure.value);
        }
      }
    }
  }

  /// Draws the panels in two columns.
  void draw(const std::string& path) const {
    const std::size_t rows = (panels_.size() + 1) / 2;
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1640 " +
                      std::to_string(420 * rows) + "\">\n";
    for (std::size_t i = 0; i < panels_.size(); ++i) {
      std::string panel = drawn(panels_[i]);
      const std::string place = "<svg x=\"" + std::to_string(820 * (i % 2)) + "\" y=\"" +
                                std::to_string(420 * (i / 2)) + "\" width=\"820\" height=\"420\"";
      svg += place + panel.substr(std::strlen("<svg"));
    }
    std::ofstream file(path);
    file << svg << "</svg>\n";
    file.flush();
    if (!file) throw Error("cannot be written", path);
  }

 private:
  [[nodiscard]] std::string drawn(const Panel& panel) const {
    internal::Plot plot;
    plot.title = panel.title;
    plot.x_name = panel.x_name;
    plot.moments = panel.names;
    plot.y_style = internal::NumberStyle::count;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      internal::PlotLine line;
      line.label = std::to_string(threads_[i]) + (threads_[i] == 1 ? " thread" : " threads");
      line.group = static_cast<int>(i);
      line.style = "filled";  // the axis begins at zero
      line.y = panel.lines[i];
      for (std::size_t k = 0; k < line.y.size(); ++k) line.x.push_back(static_cast<double>(k));
      plot.lines.push_back(std::move(line));
    }
    return internal::SvgDrawing(plot).svg();
  }

  FigureLog& log_;
  std::vector<int> threads_;
  std::vector<Panel> panels_;
  std::vector<Point> points_;  // [panel][x][threads]
};

template <int Width>
using Square = Trainer<PPO::With<Mlp<Width, Width>>, MultiAgentEnv<CartPole>>;

template <int Agents>
using Sharing = Trainer<PPO, MultiAgentEnv<BasicResourceAllocation<AllocationSpec{.agents = Agents}>>>;

void run(FigureLog& log) {
  std::string svg;
  bool lanes = false, agents = false, width = false;
  for (std::size_t i = 0; i < log.rest().size(); ++i) {
    const std::string& argument = log.rest()[i];
    if (argument == "--svg" && i + 1 < log.rest().size()) {
      svg = log.rest()[++i];
    } else if (argument == "lanes" || argument == "agents" || argument == "width") {
      (argument == "lanes" ? lanes : argument == "agents" ? agents : width) = true;
    } else {
      throw Error(concat({"found ", argument}), "scaling", "--svg FILE, lanes, agents or width");
    }
  }
  if (!lanes && !agents && !width) lanes = agents = width = true;
  Sweep sweep(log, {1, log.threads() > 1 ? log.threads() : 2});
  if (lanes) {
    constexpr int counts[] = {4, 16, 64, 256, 1024, 4096};
    sweep.open("Rollout by lanes: CartPole, 64-64, steps a second", "lanes");
    for (const int count : counts) {
      sweep.add<Square<64>>("scaling/lanes/rollout", std::to_string(count), count, 64, false);
    }
    sweep.open("Training by lanes: CartPole, 64-64, steps a second", "lanes");
    for (const int count : counts) {
      sweep.add<Square<64>>("scaling/lanes/training", std::to_string(count), count, 64, true);
    }
  }
  if (agents) {
    sweep.open("Training by agents: shared resources, 64-64, agent steps a second",
               "agents of each of 64 lanes");
    sweep.add<Sharing<2>>("scaling/agents/training", "2", 64, 64, true);
    sweep.add<Sharing<8>>("scaling/agents/training", "8", 64, 64, true);
    sweep.add<Sharing<32>>("scaling/agents/training", "32", 64, 64, true);
    sweep.add<Sharing<128>>("scaling/agents/training", "128", 64, 64, true);
  }
  if (width) {
    sweep.open("Training by width: CartPole, 256 lanes, steps a second",
               "units of each of two hidden layers");
    sweep.add<Square<32>>("scaling/width/training", "32", 256, 32, true);
    sweep.add<Square<64>>("scaling/width/training", "64", 256, 64, true);
    sweep.add<Square<128>>("scaling/width/training", "128", 256, 128, true);
    sweep.add<Square<256>>("scaling/width/training", "256", 256, 256, true);
  }
  sweep.measure();
  if (!svg.empty()) sweep.draw(svg);
}

}  // namespace

int main(int argc, char** argv) {
  FigureLog log(argc, argv);
  try {
    run(log);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
