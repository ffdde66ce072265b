// A job of several ranks of which the last one fails while it trains, and one that goes on from its
// checkpoint.
//   failing throw|kill|late CHECKPOINT    resume CHECKPOINT STEPS
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <polis/mpi.hpp>
#include <polis/polis.hpp>

namespace {

using namespace polis;

enum class Failure { none, by_exception, by_signal };
Failure failure = Failure::none;
int steps_left = 0;

/// CartPole that fails after some steps of this process.
struct Fragile : CartPole {
  void step(const auto& actions, auto& ctx) {
    if (failure != Failure::none && --steps_left < 0) {
      if (failure == Failure::by_signal) std::raise(SIGKILL);
      throw Error("a wheel came off", "Fragile::step");
    }
    CartPole::step(actions, ctx);
  }
};
using Ranks = Trainer<PPO, MultiAgentEnv<Fragile>, Collective<Mpi>>;

}  // namespace

int main(int argc, char** argv) {
  const MpiSession session(argc, argv);
  if (argc < 3) return 2;
  const std::string mode = argv[1];
  constexpr int steps = 16, lanes = 12;
  Ranks::Config config{.seed = 3, .lanes = lanes, .threads = 1};
  config.algorithm.steps = steps;
  config.checkpoint = {.path = argv[2], .seconds = 0};
  Ranks trainer(config);
  if (mode == "resume") {
    trainer.resume(argv[2]);
    const auto from = trainer.clock().steps;
    trainer.train(from + 4 * lanes * steps);
    if (session.first())
      std::printf("went on from step %d to step %d on %d ranks\n", static_cast<int>(from),
                  static_cast<int>(trainer.clock().steps), trainer.ranks().ranks());
    return 0;
  }
  if (trainer.ranks().rank() == trainer.ranks().ranks() - 1) {
    failure = mode == "kill" ? Failure::by_signal : Failure::by_exception;
    steps_left = 3 * steps * trainer.lanes().lanes() + 5;  // in the fourth collection
  }
  if (mode == "late") {  // outside of `train`, which would see to it
    while (true) trainer.iterate();
  }
  trainer.train(1'000'000);
}
