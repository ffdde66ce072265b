// Teams on simple_spread, the original physics, at EPyMARL's budgets (Papoudakis et al. 2021, "Benchmarking
// multi-agent deep reinforcement learning algorithms in cooperative tasks"): the best of 41 evaluations of
// 100 episodes, on the scale of the sum of the three agents' rewards, a third of EPyMARL's team total. Its
// table says on that scale: IQL -132.6, VDN -131.0, QMIX -126.6, MADDPG -141.7 (2 million steps), IPPO
// -133.9, MAPPO -133.5 (20 million). All networks are feed-forward.
//
//     learning_spread [iql] [vdn] [qmix] [maddpg] [ippo] [mappo] [KEY=VALUE...]    all six where none is
//     named
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <polis/envs/particle/simple_spread.hpp>
#include <polis/polis.hpp>

#include "learning.hpp"

namespace {

using namespace polis;
using Spread = MultiAgentEnv<SimpleSpread<particle::Original>>;

template <class Algorithm>
void learn(std::vector<char*> words, const std::vector<std::string>& chosen, const std::string& name) {
  if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), name) == chosen.end()) return;
  const auto here = std::filesystem::path(__FILE__).parent_path();
  if (run_learning<Trainer<Algorithm, Spread>>(static_cast<int>(words.size()), words.data(),
                                               "learning_spread/" + name,
                                               here / "settings" / ("spread_" + name + ".yaml"))) {
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words;
  std::vector<std::string> chosen;
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    const bool name = word == "iql" || word == "vdn" || word == "qmix" || word == "maddpg" ||
                      word == "ippo" || word == "mappo";
    if (name) {
      chosen.push_back(word);
    } else {
      words.push_back(argv[i]);
    }
  }
  learn<IQL::With<Episodes, Adam, SoftTarget>>(words, chosen, "iql");
  learn<VDN::With<Episodes, Adam>>(words, chosen, "vdn");
  learn<QMIX::With<Episodes, Adam, SoftTarget>>(words, chosen, "qmix");
  learn<MADDPG::With<GumbelSoftmax, SampledActions>>(words, chosen, "maddpg");
  learn<IPPO::With<Relu>>(words, chosen, "ippo");
  learn<MAPPO::With<Relu>>(words, chosen, "mappo");
  return 0;
}
