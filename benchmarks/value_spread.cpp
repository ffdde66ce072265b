// Teams on simple_spread: the speed of learning from values (IQL, VDN, QMIX) beside MAPPO, in agent steps per
// second on the original physics, by its three parts: environment, rollout, and end to end.
//
// Values learn from 32 episodes, by one update for ten episodes that come in (`/10`), or for each (`/1`), as
// EPyMARL's settings have it; MAPPO by 4 epochs over what came in. All networks are 64 wide.
#include <string>
#include <vector>

#include <polis/envs/particle/simple_spread.hpp>
#include <polis/polis.hpp>

#include "whole_training.hpp"

namespace {

using namespace polis;
using Spread = SimpleSpread<particle::Original>;
constexpr int agents = Spread::agents, batch = 32, episode = 25;

/// The products of a model's layers: of a forward pass, and of those of them whose inputs need a gradient.
struct Products {
  double forward = 0, inner = 0;

  [[nodiscard]] double learning() const { return 3 * forward + inner; }  // target, value, weights, inputs
  Products& operator+=(const Products& other) {
    forward += other.forward, inner += other.inner;
    return *this;
  }
};

/// Of layers by their widths, input and output included.
Products layers(const std::vector<int>& widths) {
  Products sum;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const double products = 2. * widths[i] * widths[i + 1];
    sum += {products, i > 0 ? products : 0};
  }
  return sum;
}
Products gru(int in, int width, int out) {
  Products sum = layers({in, 3 * width});
  const double inner = 2. * width * (3 * width + out);
  return sum += {inner, inner};
}
/// Of QMIX's hypernetworks.
Products qmix(int state, int embed, int hyper) {
  Products sum = layers({state, hyper, agents * embed});
  sum += layers({state, embed});
  sum += layers({state, hyper, embed});
  return sum += layers({state, embed, 1});
}

/// Operations of an environment step: a forward pass of the agents to act, and `updates` an episode of all
/// decisions of `batch` episodes.
struct ValueOperations {
  double rollout = 0, learning = 0;
  ValueOperations(const Products& agent, const Products& mixer, double updates)
      : rollout(agents * agent.forward),
        learning(updates * batch * (agents * agent.learning() + mixer.learning())) {}
  [[nodiscard]] double total() const { return rollout + learning; }
};

/// Operations of an environment step of all agents.
struct TeamOperations {
  double rollout, all;
  explicit TeamOperations(const OperationsPerStep& one)
      : rollout(agents * one.rollout), all(agents * one.total()) {}
  [[nodiscard]] double total() const { return all; }
};

/// Figures in agent steps.
void add(FigureLog& log, const std::string& name, const polis::internal::Rates& rates,
         const std::string& sizes) {
  Figure figure = median_figure(name, rates, log.threads(), sizes);
  figure.value *= agents, figure.unit = "agent steps/s";
  log.add(figure);
}

constexpr int features = Spread::Observation::features + agents, state = Spread::State::features;

template <class Algorithm>
void measure_values(FigureLog& log, const std::string& name, const Products& agent, const Products& mixer) {
  using Trainer = polis::Trainer<typename Algorithm::template With<Episodes>, MultiAgentEnv<Spread>>;
  for (const int every : {10, 1}) {
    typename Trainer::Config config{.seed = 1, .lanes = 10, .threads = log.threads()};
    // Of a team, or of each agent where none is joined: then as many more.
    const int each = std::is_same_v<typename Algorithm::Mixer, Independent> ? agents : 1;
    config.algorithm.buffer = {.capacity = 5000 * each, .longest = episode};
    config.algorithm.batch = batch * each, config.algorithm.update_every = every * each;
    config.algorithm.exploration = {.start = 1, .end = .05f, .share = 0};
    const ValueOperations operations(agent, mixer, 1. / every);
    WholeTraining<Trainer> work(config, 9, .2);
    const std::string sizes = "10 lanes, 32 episodes an update, 1 update for " + std::to_string(every) +
                              (every > 1 ? " episodes" : " episode");
    if (every > 1) add(log, "value_spread/" + name + "/rollout", work.rollout(operations), sizes);
    add(log, "value_spread/" + name + "/training/" + std::to_string(every),
        work.training(operations, episode * 2000), sizes);
  }
}

void measure_environment(FigureLog& log) {
  using Trainer = polis::Trainer<VDN::With<Episodes>, MultiAgentEnv<Spread>>;
  WholeTraining<Trainer> work({.seed = 1, .lanes = 10, .threads = log.threads()}, 9, .2);
  add(log, "value_spread/environment", work.environment(), "10 lanes");
}

void measure_mappo(FigureLog& log) {
  using Trainer = polis::Trainer<MAPPO::With<Relu>, MultiAgentEnv<Spread>>;
  typename Trainer::Config config{.seed = 1, .lanes = 10, .threads = log.threads()};
  config.algorithm.steps = episode, config.algorithm.epochs = 4;
  const TeamOperations operations(
      OperationsPerStep({features, 64, 64, Spread::Action::size}, {state + agents, 64, 64, 1}, 4));
  WholeTraining<Trainer> work(config, 9, .2);
  const char* sizes = "10 lanes x 25 steps, 4 epochs of all";
  add(log, "value_spread/mappo/rollout", work.rollout(operations), sizes);
  add(log, "value_spread/mappo/training", work.training(operations), sizes);
}

}  // namespace

int main(int argc, char** argv) {
  FigureLog log(argc, argv);
  const Products mlp = layers({features, 64, 64, Spread::Action::size});
  const Products recurrent = gru(features, 64, Spread::Action::size), mixer = qmix(state, 32, 64);
  measure_environment(log);
  measure_values<IQL>(log, "iql", mlp, {});
  measure_values<VDN>(log, "vdn", mlp, {});
  measure_values<QMIX>(log, "qmix", mlp, mixer);
  measure_values<VDN::With<Gru<64>>>(log, "vdn_gru", recurrent, {});
  measure_values<QMIX::With<Gru<64>>>(log, "qmix_gru", recurrent, mixer);
  measure_mappo(log);
  return 0;
}
