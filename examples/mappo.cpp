// MAPPO in the cue game: a team of two, whose critic sees what the agents cannot.
#include <polis/polis.hpp>
using namespace polis;

int main() {
  Trainer<MAPPO, MultiAgentEnv<CueGame>> trainer({
      .seed = 7,
      .lanes = 32,
      .algorithm = {.optimizer = {.learning_rate = 5e-3f}, .steps = 24},
  });
  trainer.train(40'000);
  trainer.evaluate(200).print();
}
