// Google Benchmark's runs as figures.
//
//     BENCHMARK(forward)->Args({64, 64});
//     int main(int argc, char** argv) {
//       return polis::run_google_benchmarks(argc, argv, [] { return polis::measure_fma_peak<>(); });
//     }
//
// What a run's figure is: GFLOP/s and the share of the peak where it has the counter "flops",
//     state.counters["flops"] = benchmark::Counter(per_iteration,
//     benchmark::Counter::kIsIterationInvariantRate);
// else items per second where it has SetItemsProcessed, else nanoseconds per iteration. SetLabel gives its
// sizes.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "figure.hpp"

namespace polis {

/// Writes every run that is not an aggregate of repetitions to a FigureLog. The peak is measured again beside
/// each report, so that a share compares what the machine could do at that moment.
class FigureReporter : public benchmark::BenchmarkReporter {
 public:
  /// `measure_peak` returns one core's GFLOP/s.
  FigureReporter(FigureLog& log, std::function<double()> measure_peak)
      : log_(log), measure_peak_(std::move(measure_peak)) {}

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        std::cerr << run.benchmark_name() << ": " << run.error_message << "\n";
        failed_ = true;
      } else if (run.run_type == Run::RT_Iteration) {
        log_.add(figure(run));
      }
    }
  }

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  [[nodiscard]] Figure figure(const Run& run) const {
    Figure figure{.name = run.benchmark_name(),
                  .value = run.real_accumulated_time / static_cast<double>(run.iterations) * 1e9,
                  .unit = "ns",
                  .threads = static_cast<int>(run.threads),
                  .sizes = run.report_label};
    if (const auto flops = run.counters.find("flops"); flops != run.counters.end()) {
      figure.value = flops->second.value * 1e-9;
      figure.unit = "GFLOP/s";
      figure.peak_gflops = measure_peak_();
      figure.share_of_peak = figure.value / (figure.peak_gflops * figure.threads);
    } else if (const auto items = run.counters.find("items_per_second"); items != run.counters.end()) {
      figure.value = items->second.value;
      figure.unit = "items/s";
    }
    return figure;
  }

  FigureLog& log_;
  std::function<double()> measure_peak_;
  bool failed_ = false;
};

/// The main() of a program of Google Benchmarks: runs the registered ones, with `--threads` and `--json` as
/// every benchmark takes them and Google Benchmark's own `--benchmark_...`. Returns the exit status.
inline int run_google_benchmarks(int argc, char** argv, std::function<double()> measure_peak) {
  FigureLog log(argc, argv);
  std::vector<std::string> arguments = log.rest();
  arguments.insert(arguments.begin(), argv[0]);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);

  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  FigureReporter reporter(log, std::move(measure_peak));
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return reporter.failed() ? 1 : 0;
}

}  // namespace polis
