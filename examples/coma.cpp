// COMA in the cue game: each agent learns what its own action was worth, given what the other did.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<COMA, MultiAgentEnv<CueGame>> trainer({
      .seed = 7,
      .lanes = 32,
      .algorithm = {.optimizer = {.learning_rate = 2e-3f}, .steps = 24, .entropy_coefficient = .2f},
  });
  ProgressBar bar;
  trainer.add_sink(bar);
  trainer.train(100'000);
  trainer.evaluate(200).print();
}
