// What a mean return does not tell: a policy under noise, delay and harder tasks, on days it has not seen,
// beside references and among strangers. docs/evaluation.md explains the tables that this prints.
//
//     evaluation           # a minute
//     evaluation 20000     # trains for fewer steps
//
// ctest: 20000
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include <polis/io/prices.hpp>
#include <polis/polis.hpp>
#include <polis/train/suites.hpp>

using namespace polis;

void print(const ResultTable& table) {
  table.print();
  std::printf("\n");
}

/// One agent: how soon it was good, what disturbs it, and how a rule of thumb does.
void cart_pole(std::uint64_t steps) {
  using Agent = Trainer<PPO, MultiAgentEnv<CartPole>>;
  Agent::Config config{.seed = 1, .lanes = 16};
  config.evaluation = {.every = 10'000, .episodes = 20};
  Agent agent(config);
  EvaluationHistory history;
  agent.add_sink(history);
  agent.train(steps);

  const auto lean = [](const float* seen, int) { return seen[2] + .5f * seen[3] > 0 ? 1 : 0; };
  print(sample_efficiency({&history}, {195, 475}));
  print(agent.evaluate(Robustness{.noise = {.05f, .2f}, .delays = {1, 2}}, 200));
  print(
      agent.evaluate(Comparison<CartPole>{.references = {{"lean", observing_policy<CartPole>(lean)}}}, 200));
}

/// Two agents, two equally good conventions: which one a run finds is a matter of chance.
void strangers(std::uint64_t steps) {
  using Pair = Trainer<PPO::With<SeparateParameters>, MultiAgentEnv<PenaltyGame<-1>>>;
  const auto config = [](std::uint64_t seed) { return Pair::Config{.seed = seed, .lanes = 16}; };
  Pair a(config(1)), b(config(5)), c(config(7));
  for (Pair* pair : {&a, &b, &c}) pair->train(steps / 3);
  print(a.evaluate(CrossPlay(b, c), 100));
}

/// Four traders: harder markets, days that were held out, and a market whose costs rise.
void traders(std::uint64_t steps) {
  const PriceTable prices =
      read_prices((std::filesystem::path(__FILE__).parent_path() / "data/eu_indices.csv").string());
  const MarketHistory history(
      {.symbols = static_cast<int>(prices.symbols.size()), .close = prices.close, .open = prices.open});
  Trainer<PPO::With<SeparateParameters>, MultiAgentEnv<Trading>, Curriculum<Adaptive>> agents(
      {.seed = 1}, history.training());
  agents.train(steps);

  using Task = Trading::Task;
  const Stress<Trading> stress{.changes = {{"costs x 5", [](Task& task) { task.cost_scale = 5; }},
                                           {"impact x 5", [](Task& task) { task.impact_scale = 5; }},
                                           {"synthetic", [](Task& task) { task.synthetic = true; }}}};
  print(agents.evaluate(stress, 200));
  const Generalization<Trading> unseen{
      .periods = {{"held-out days", history.held_out()},
                  {"all of them at once", history.held_out(), Task::whole_range(history.held_out())}}};
  agents.evaluate(unseen, 200).print(stdout, {"sharpe", "max_drawdown"});
  std::printf("\n");
  print(agents.evaluate(Robustness{.noise = {.3f}, .delays = {5}, .dropped = {1, 4}}, 200));
  TradingConfig expensive;
  expensive.cost = .01f;
  const Adaptation<Trading> adaptation{
      .env = expensive, .recovery = .5, .steps = 2 * steps, .every = steps / 3};
  print(agents.evaluate(adaptation, 200));
}

int main(int argc, char** argv) {
  const std::uint64_t steps = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300'000;
  try {
    cart_pole(steps);
    strangers(steps);
    traders(steps);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluation: %s\n", error.what());
    return 1;
  }
}
