// What noise, delays and agents that act at random do to four traders.
#include "traders.hpp"

using namespace polis;

ResultTable disturb(const Traders& agents) {
  return agents.evaluate(Robustness{.noise = {.3f}, .delays = {5}, .dropped = {1, 4}}, 200);
}
