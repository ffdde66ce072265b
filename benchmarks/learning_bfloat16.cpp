// PPO with products of bfloat16 beside float32's, by the settings of learning_cartpole and learning_pendulum
// and from the same seeds: returns are to be no worse.
#include <cstdio>
#include <string>
#include <vector>

#include <polis/polis.hpp>
#include <polis/stats/comparison.hpp>

#include "learning.hpp"

namespace {

using namespace polis;

/// The same sentence twice, with networks of 64 and 64 units.
template <class Algorithm, class Game>
void compare(const LearningArguments& arguments, const std::string& name, const char* settings) {
  const auto in_float32 = learn<Algorithm, Game>(arguments, name + "/float32", settings);
  using Rounded = typename Algorithm::template With<Bfloat16<Mlp<64, 64>>>;
  const stats::Scores rounded({learn<Rounded, Game>(arguments, name + "/bfloat16", settings)});
  const stats::Estimate ahead = stats::bootstrap(rounded, stats::Scores({in_float32}),
                                                 [](const stats::Scores& x, const stats::Scores& y) {
                                                   return stats::iqm(x.all()) - stats::iqm(y.all());
                                                 });
  std::printf("%s: bfloat16's IQM less float32's %.2f, 95%% interval [%.2f, %.2f]\n", name.c_str(),
              ahead.value, ahead.low, ahead.high);
}

}  // namespace

int main(int argc, char** argv) {
  const LearningArguments arguments{"learning_bfloat16", argc, argv};
  compare<PPO, CartPole>(arguments, "cartpole", "cartpole_cleanrl.yaml");
  compare<PPO::With<Relu, Uniform, NormalizeObservations>, NormalizedPendulum>(arguments, "pendulum",
                                                                               "pendulum_rl_tools.yaml");
  return 0;
}
