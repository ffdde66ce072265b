// Trains, saves, resumes and evaluates without compiling any of it: the same as a Trainer, bit by bit.
#include <cstdio>
#include <string>

#include <polis/core/error.hpp>

#include "agents.hpp"

namespace {

struct Rows final : polis::Sink {
  int count = 0;
  void row(const polis::MetricsRow&) override { ++count; }
};

int fail(const char* what) {
  std::fprintf(stderr, "a separate trainer %s\n", what);
  return 1;
}

}  // namespace

int main(int, char** argv) {
  const std::string checkpoint = std::string(argv[0]) + ".polis";
  Agents::Config config{.seed = 3, .lanes = 16};
  Agents::set(config, {"algorithm.steps=32", "algorithm.minibatch=256"});
  if (config.algorithm.steps != 32) return fail("does not set settings");
  if (Agents::text(config).find("algorithm.minibatch=256") == std::string::npos)
    return fail("prints no settings");

  Rows rows;
  Agents first(config);
  first.add_sink(rows);
  first.train(5'000);
  first.save(checkpoint);
  if (rows.count == 0) return fail("tells its sinks nothing");

  Agents second(config);
  second.resume(checkpoint);
  std::remove(checkpoint.c_str());
  if (second.clock().steps != first.clock().steps) return fail("does not resume where it was saved");
  second.train(10'000);
  const double mean = second.evaluate(20).mean;
  if (mean != return_of_trainer(config, 10'000, 20)) return fail("learns something else than a Trainer");
  int figures = 0;
  second.episodes().metrics([&](const char*, double) { ++figures; });
  if (second.seconds() <= 0 || figures == 0) return fail("does not say what it did");
  second.restart();

  try {
    Agents::set(config, {"algorithm.step=1"});
    return fail("takes a key that there is none of");
  } catch (const polis::Error&) {
  }
  std::printf("%s: %g\n", Agents::name().c_str(), mean);
  return 0;
}
