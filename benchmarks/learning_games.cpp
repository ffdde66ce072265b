// Teams that learn values from uniformly random play, in games whose outcome is known for each algorithm: the
// two-step game (Rashid et al. 2018), where VDN comes to the safe 7 and QMIX to 8, and the climbing and the
// penalty game (Claus and Boutilier 1998; penalty -25), where IQL and VDN settle on 5 and 2, and QMIX on 5 or
// 6 and 2.
//
//     learning_games [KEY=VALUE...]        settings/games_two_step.yaml and games_stateless.yaml
#include <string>

#include <polis/envs/games/matrix_game.hpp>
#include <polis/envs/games/two_step_game.hpp>
#include <polis/polis.hpp>

#include "learning.hpp"

namespace {

using namespace polis;

template <class Game>
void learn_all(const LearningArguments& arguments, const std::string& game) {
  learn<IQL, Game>(arguments, game + "/iql", "games_stateless.yaml");
  learn<VDN, Game>(arguments, game + "/vdn", "games_stateless.yaml");
  learn<QMIX, Game>(arguments, game + "/qmix", "games_stateless.yaml");
}

}  // namespace

int main(int argc, char** argv) {
  const LearningArguments arguments{"learning_games", argc, argv};
  learn<VDN, TwoStepGame>(arguments, "two_step/vdn", "games_two_step.yaml");
  learn<QMIX, TwoStepGame>(arguments, "two_step/qmix", "games_two_step.yaml");
  learn_all<ClimbingGame>(arguments, "climbing");
  learn_all<PenaltyGame<-25>>(arguments, "penalty");
  return 0;
}
