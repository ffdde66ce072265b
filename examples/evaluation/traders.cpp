// Harder markets, days that were not trained on, and a world that changes.
#include "traders.hpp"

#include <cstdio>

#include "parts.hpp"

using namespace polis;

void traders(std::uint64_t steps) {
  using Task = Trading::Task;
  const MarketHistory history = four_indices();
  Traders agents({.seed = 1}, history.training());
  agents.train(steps);

  const Stress<Trading> stress{.changes = {{"costs x 5", [](Task& task) { task.cost_scale = 5; }},
                                           {"impact x 5", [](Task& task) { task.impact_scale = 5; }},
                                           {"synthetic", [](Task& task) { task.synthetic = true; }}}};
  print(agents.evaluate(stress, 200));
  const Generalization<Trading> unseen{
      .periods = {{"held-out days", history.held_out()},
                  {"all of them at once", history.held_out(), Task::whole_range(history.held_out())}}};
  agents.evaluate(unseen, 200).print(stdout, {"sharpe", "max_drawdown"});
  std::printf("\n");
  print(disturb(agents));
  TradingConfig expensive;
  expensive.cost = .01f;
  const Adaptation<Trading> adaptation{
      .env = expensive, .recovery = .5, .steps = 2 * steps, .every = steps / 3};
  print(agents.evaluate(adaptation, 200));
}
