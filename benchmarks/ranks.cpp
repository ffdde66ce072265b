// PPO on CartPole at the sizes of ppo_cartpole.cpp, 256 lanes: two ranks of 128 lanes against one rank with
// all of them, each rank a process of one thread, in turn; and what a sum over the two ranks costs.
//
// The program starts itself: `one` in a process that knows nothing of MPI, `two` and `sum` under mpiexec.
// Started so by hand it also says how long the quickest twentieth of all collections and updates took.
#include <polis/mpi.hpp>
#include <polis/polis.hpp>
#include <polis/stats/descriptive.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "figure.hpp"
#include "peer.hpp"

namespace {

using namespace polis;

constexpr int warm = 20, iterations = 80, pairs = 5, sums = 20000;
constexpr double steps = 256. * 32 * iterations;
constexpr std::size_t weights = 2 * (64 * 64 + 64) + 2 * (4 * 64 + 64) + (64 * 2 + 2) + (64 + 1);

template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Times {
  double all;    // seconds of all collections with their updates
  double quick;  // milliseconds of the quickest twentieth of them: what no other program disturbed
};

template <class Trainer>
Times training() {
  Trainer trainer(
      {.seed = 7, .lanes = 256, .threads = 1, .algorithm = {.steps = 32, .epochs = 4, .minibatch = 1024}});
  for (int i = 0; i < warm; ++i) trainer.iterate();
  std::vector<double> each;
  each.reserve(iterations);
  const double all = seconds_of([&] {
    for (int i = 0; i < iterations; ++i) each.push_back(1e3 * seconds_of([&] { trainer.iterate(); }));
  });
  std::sort(each.begin(), each.end());
  return {all, each[each.size() / 20]};
}
void print(const Times& times) { std::printf("Time: %.9g\nQuick: %.4g ms\n", times.all, times.quick); }

double sum_of_gradients() {
  Mpi ranks;
  std::vector<float> gradient(weights);
  return seconds_of([&] {
    for (int i = 0; i < sums; ++i) ranks.sum(std::span<float>(gradient));
  });
}

int work(const std::string& what, int argc, char** argv) {
  if (what == "one") {
    print(training<Trainer<PPO, MultiAgentEnv<CartPole>>>());
    return 0;
  }
  const MpiSession session(argc, argv);
  const Times times = what == "two" ? training<Trainer<PPO, MultiAgentEnv<CartPole>, Collective<Mpi>>>()
                                    : Times{sum_of_gradients(), 0};
  if (session.first()) print(times);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  FigureLog log(argc, argv);
  if (!log.rest().empty()) return work(log.rest().front(), argc, argv);
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  const std::string self = argv[0], two = std::string(POLIS_MPIEXEC " 2 ") + self;
  const Peer of_one(self + " one"), of_two(two + " two"), of_sum(two + " sum");
  std::vector<double> ones, twos, ratios, latencies;
  for (int i = 0; i < pairs; ++i) {
    ones.push_back(steps / of_one.seconds()), twos.push_back(steps / of_two.seconds());
    ratios.push_back(twos.back() / ones.back());
    latencies.push_back(of_sum.seconds() / sums * 1e6);
  }
  const std::string sizes = "256 lanes x 32 steps, minibatch 1024, 4 epochs, 2 x 64-64 tanh";
  log.add({.name = "ranks/one", .value = stats::median(ones), .unit = "steps/s", .sizes = sizes});
  log.add(
      {.name = "ranks/two", .value = stats::median(twos), .unit = "steps/s", .threads = 2, .sizes = sizes});
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  std::ostringstream range;
  range << pairs << " pairs in turn, from " << std::setprecision(3) << *least << " to " << *most;
  log.add({.name = "ranks/times_as_fast",
           .value = stats::median(ratios),
           .unit = "x",
           .threads = 2,
           .sizes = range.str()});
  log.add({.name = "ranks/sum",
           .value = stats::median(latencies),
           .unit = "us",
           .threads = 2,
           .sizes = std::to_string(weights * sizeof(float)) + " bytes"});
}
