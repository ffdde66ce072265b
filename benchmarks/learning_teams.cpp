// Teams of two in games whose optima are known: the coordination game [[2, 0], [0, 1]] (optimum 2) and the
// cue game, where credit needs the state (envs/games/cue_game.hpp): each algorithm at the end of training,
// and MAPPO beside IPPO early on.
#include <cstdio>
#include <string>
#include <vector>

#include <polis/polis.hpp>
#include <polis/stats/comparison.hpp>

#include "learning.hpp"

namespace {

using namespace polis;

template <class Game>
void learn_all(const LearningArguments& arguments, const std::string& game, const char* settings,
               const Score& score) {
  const auto name = [&game](const char* algorithm) { return game + "/" + algorithm; };
  learn<MAPPO, Game>(arguments, name("mappo"), settings, score);
  learn<IPPO, Game>(arguments, name("ippo"), settings, score);
  learn<A2C, Game>(arguments, name("a2c"), settings, score);
  learn<MAA2C, Game>(arguments, name("maa2c"), settings, score);
  learn<COMA, Game>(arguments, name("coma"), "teams_coma.yaml", score);
}

}  // namespace

int main(int argc, char** argv) {
  const LearningArguments arguments{"learning_teams", argc, argv};
  learn_all<CoordinationGame>(arguments, "coordination", "teams.yaml", mean_return);
  learn_all<CueGame>(arguments, "cue", "teams.yaml", mean_success);

  const auto central = learn<MAPPO, CueGame>(arguments, "early/mappo", "teams_early.yaml", mean_success);
  const auto local = learn<IPPO, CueGame>(arguments, "early/ippo", "teams_early.yaml", mean_success);
  const stats::Scores ours({central}), theirs({local});
  const stats::Estimate ahead =
      stats::bootstrap(ours, theirs, [](const stats::Scores& x, const stats::Scores& y) {
        return stats::iqm(x.all()) - stats::iqm(y.all());
      });
  const stats::Estimate improvement = stats::bootstrap_improvement(ours, theirs);
  std::printf(
      "early in the cue game: MAPPO's IQM less IPPO's %.3f, 95%% interval [%.3f, %.3f]; probability of "
      "improvement %.2f [%.2f, %.2f]\n",
      ahead.value, ahead.low, ahead.high, improvement.value, improvement.low, improvement.high);
  return 0;
}
