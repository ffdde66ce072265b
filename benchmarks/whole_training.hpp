// The speed of a whole training by its three parts: environment alone, rollout (environment, policy, storage)
// and end to end (rollout and learning), in environment steps per second.
//
// Every figure is the median of several repetitions, and every repetition measures the peak of multiply-adds
// just before it: clocks move with the load of the machine. A share counts the networks' products alone, as
// OperationsPerStep says, so that all else is overhead.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <polis/polis.hpp>
#include <polis/stats/descriptive.hpp>

#include "figure.hpp"
#include "peak.hpp"
#include "peer.hpp"

namespace polis {

/// Floating-point operations that actor and critic need for one environment step of one agent: 2 per
/// multiply-add of a layer, nothing for biases, activations, losses and the optimizer. With F the products of
/// a forward pass over all layers and G those over all but the first (its inputs need no gradient),
///     rollout = F(actor),   values = F(critic),   learning = epochs (2 F + G)(actor and critic):
/// a pass over the samples is a forward pass, the weights' gradient and the hidden units' gradient.
struct OperationsPerStep {
  double rollout = 0, values = 0, learning = 0;

  /// Layers by their widths, input and output included.
  OperationsPerStep(const std::vector<int>& actor, const std::vector<int>& critic, int epochs)
      : rollout(products(actor, 0)), values(products(critic, 0)) {
    learning = epochs * (2 * (rollout + values) + products(actor, 1) + products(critic, 1));
  }
  [[nodiscard]] double total() const { return rollout + values + learning; }

 private:
  static double products(const std::vector<int>& widths, std::size_t first) {
    double sum = 0;
    for (std::size_t i = first; i + 1 < widths.size(); ++i) sum += 2. * widths[i] * widths[i + 1];
    return sum;
  }
};

namespace internal {

/// A rate measured several times, with the peak of its moment.
struct Rates {
  std::vector<double> per_second, peaks, shares;

  /// Measures work() once: it does `steps` steps (which may be known only then) of `operations` each on
  /// `threads` threads.
  template <class Work>
  void measure(const double& steps, double operations, int threads, Work&& work) {
    const double peak = measure_fma_peak();
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    per_second.push_back(steps / time.count());
    peaks.push_back(peak);
    shares.push_back(per_second.back() * operations * 1e-9 / (peak * threads));
  }
};

}  // namespace internal

/// Measures the parts of `Trainer`'s work, each in `repetitions` of about `seconds`. Operations are those of
/// an environment step: `rollout`, and `total()` with what is learnt from it.
template <class Trainer>
class WholeTraining {
  using E = typename Trainer::Environment;
  using Lanes = typename Trainer::Batch;

 public:
  WholeTraining(typename Trainer::Config config, int repetitions, double seconds)
      : config_(std::move(config)),
        repetitions_(repetitions),
        seconds_(seconds),
        pool_(config_.threads),
        tile_lanes_(std::clamp(tile_rows / agent_count<E>, 1, config_.lanes)) {
    if constexpr (requires { config_.algorithm.steps; }) steps_ = config_.algorithm.steps;
  }

  /// Lanes that step and are renewed under actions drawn beforehand.
  internal::Rates environment() {
    constexpr int kept = 64;
    Lanes lanes(config_.lanes, config_.seed, config_.env);
    lanes.reset();
    std::vector<Actions<E>> actions(static_cast<std::size_t>(kept * config_.lanes));
    draw(actions);
    return repeat(0, [&] {
      each_tile([&](int first, int last, int) {
        for (int t = 0; t < steps_; ++t) {
          for (int lane = first; lane < last; ++lane) {
            lanes.advance(lane, actions[static_cast<std::size_t>(t % kept * config_.lanes + lane)]);
            if (lanes.over(lane)) lanes.renew(lane, lanes.default_tasks());
          }
        }
      });
    });
  }

  /// Collections by a fresh policy that never learns.
  template <class Operations>
  internal::Rates rollout(const Operations& operations) {
    Lanes lanes(config_.lanes, config_.seed, config_.env);
    lanes.reset();
    typename Trainer::Learner learner(config_.algorithm, config_.seed);
    learner.prepare(lanes, config_.threads);
    std::vector<Actions<E>> actions(static_cast<std::size_t>(config_.lanes));
    return repeat(operations.rollout, [&] {
      each_tile([&](int first, int last, int worker) {
        LaneTile<E> tile{&lanes, first, last - first, 0, worker, actions.data() + first};
        for (int t = 0; t < steps_; ++t) {
          tile.step = static_cast<std::uint64_t>(t);
          learner.act(tile);
          for (int lane = first; lane < last; ++lane) {
            lanes.advance(lane, actions[static_cast<std::size_t>(lane)]);
          }
          learner.record(tile);
          for (int lane = first; lane < last; ++lane) lanes.renew(lane, lanes.default_tasks());
        }
      });
    });
  }

  /// Training as Trainer does it, when `warm` environment steps are behind it.
  template <class Operations>
  internal::Rates training(const Operations& operations, std::uint64_t warm = 0) {
    Trainer trainer(config_);
    while (trainer.clock().steps < warm) trainer.iterate();
    return repeat(operations.total(), [&] {
      const std::uint64_t before = trainer.clock().steps;
      trainer.iterate();
      return static_cast<double>(trainer.clock().steps - before);
    });
  }

 private:
  void draw(std::vector<Actions<E>>& actions) const {
    using Action = typename RoleOf<E, 0>::Action;
    Random random(config_.seed, 0, 0, 0, Purpose::test);
    for (auto& joint : actions) {
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if constexpr (Action::kind == SpaceKind::discrete) {
          joint[agent] = random.integer(Action::size);
        } else {
          for (int i = 0; i < Action::words; ++i) joint[agent][i] = random.uniform(Action::low, Action::high);
        }
      }
    }
  }

  /// body(first lane, last lane, worker) for every tile of lanes, over the threads.
  template <class Body>
  void each_tile(Body&& body) {
    const int tiles = (config_.lanes + tile_lanes_ - 1) / tile_lanes_;
    pool_.region([&](Region& region) {
      region.parallel(tiles, 1e6, [&](int tile, int worker) {
        body(tile * tile_lanes_, std::min(config_.lanes, (tile + 1) * tile_lanes_), worker);
      });
    });
  }

  /// Repetitions of so many rollouts as fill the time. `iterate` may return the steps it has made.
  template <class Iterate>
  internal::Rates repeat(double operations, Iterate&& iterate) {
    using SteadyClock = std::chrono::steady_clock;
    const auto count = [&] {
      if constexpr (std::is_void_v<decltype(iterate())>) {
        iterate();
        return static_cast<double>(config_.lanes) * steps_;
      } else {
        return iterate();
      }
    };
    const auto start = SteadyClock::now();
    int iterations = 0;  // the first, which warms up, is not counted
    do {
      count();
      ++iterations;
    } while (std::chrono::duration<double>(SteadyClock::now() - start).count() < seconds_);
    internal::Rates rates;
    for (int i = 0; i < repetitions_; ++i) {
      double steps = 0;
      rates.measure(steps, operations, config_.threads, [&] {
        for (int k = 0; k < iterations; ++k) steps += count();
      });
    }
    return rates;
  }

  typename Trainer::Config config_;
  int repetitions_;
  double seconds_;
  ThreadPool pool_;
  int tile_lanes_;
  int steps_ = 64;  // of a rollout
};

/// A figure of the medians. Without operations the share and the peak are left out.
inline Figure median_figure(const std::string& name, const internal::Rates& rates, int threads,
                            const std::string& sizes) {
  Figure figure{.name = name,
                .value = stats::median(rates.per_second),
                .unit = "steps/s",
                .threads = threads,
                .sizes = sizes};
  if (stats::median(rates.shares) > 0) {
    figure.peak_gflops = stats::median(rates.peaks);
    figure.share_of_peak = stats::median(rates.shares);
  }
  return figure;
}

/// Nine trainings of `steps` environment steps from the start, each followed by the peer's where `--peer
/// NAME=COMMAND` names one: the median of their times, and how many times as fast ours is (the median of the
/// pairs' ratios). Operations are those of one step.
template <class Trainer>
void measure_trainings(FigureLog& log, const std::string& name, const typename Trainer::Config& config,
                       std::uint64_t steps, double operations, const std::string& sizes) {
  const Peer peer(log.peer(name));
  internal::Rates rates;
  std::vector<double> seconds, theirs, ratios;
  for (int i = 0; i < 9; ++i) {
    Trainer trainer(config);
    rates.measure(static_cast<double>(steps), operations, config.threads, [&] { trainer.train(steps); });
    seconds.push_back(static_cast<double>(steps) / rates.per_second.back());
    if (!peer.there()) continue;
    theirs.push_back(peer.seconds());
    ratios.push_back(theirs.back() / seconds.back());
  }
  Figure figure = median_figure(name + "/speed", rates, config.threads, sizes);
  log.add(figure);
  figure.name = name + "/time", figure.value = stats::median(seconds), figure.unit = "s";
  log.add(figure);
  if (!peer.there()) return;
  const Figure other{.name = name + "/peer_time",
                     .value = stats::median(theirs),
                     .unit = "s",
                     .threads = config.threads,
                     .sizes = sizes};
  log.add(other);
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  std::ostringstream range;
  range << "9 pairs in turn, from " << std::setprecision(3) << *least << " to " << *most;
  log.add({.name = name + "/times_as_fast",
           .value = stats::median(ratios),
           .unit = "x",
           .threads = config.threads,
           .sizes = range.str()});
}

/// Measures the three parts and writes a figure of each, and the operations behind the shares.
template <class Trainer>
void measure_whole_training(FigureLog& log, const std::string& name, typename Trainer::Config config,
                            const OperationsPerStep& operations, const std::string& sizes) {
  config.threads = log.threads();
  WholeTraining<Trainer> work(config, 9, .2);
  const auto add = [&](const char* part, const internal::Rates& rates) {
    log.add(median_figure(name + part, rates, log.threads(), sizes));
  };
  add("/environment", work.environment());
  add("/rollout", work.rollout(operations));
  add("/training", work.training(operations));
  log.add(
      {.name = name + "/operations",
       .value = operations.total() * 1e-9,
       .unit = "GFLOP/step",
       .threads = log.threads(),
       .sizes = "2 per multiply-add: F(actor) + F(critic) + epochs (2 F + G); G leaves out first layers"});
}

}  // namespace polis
