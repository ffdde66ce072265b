// One lane of Trading set up by hand, and what tests do with it.
#pragma once

#include <vector>

#include <polis/envs/market/trading.hpp>

#include "../env/lane.hpp"
#include "market_fixture.hpp"

namespace polis_test {

using namespace polis;

/// A config in which orders go all of the way at no cost; the tests add what they are about.
inline TradingConfig frictionless() {
  TradingConfig config;
  config.adjustment = 1;
  config.cost = config.temporary_impact = config.permanent_impact = 0;
  config.rewards = {.profit = 1, .risk = 0, .cost = 1, .impact = 1, .cooperation = 0, .exploration = 0};
  return config;
}

template <class E>
Lane<E> start(const MarketData& data, const TradingConfig& config, int first = 0) {
  Lane<E> lane;
  lane.data = data;
  lane.config = config;
  lane.task.start = first;
  lane.task.assets = E::assets;
  lane.reset();
  return lane;
}

template <class E>
Actions<E> random_actions(Random& random) {
  Actions<E> actions{};
  for (int i = 0; i < E::agents; ++i) {
    for (int a = 0; a < E::assets; ++a) actions[i][a] = random.uniform(-1.f, 1.f);
  }
  return actions;
}

template <class E>
std::vector<float> observation(const Lane<E>& lane, int agent) {
  std::vector<float> words(E::Observation::words, -99.f);
  lane.env.observe(agent, Row{words.data(), 1}, lane.view());
  return words;
}

}  // namespace polis_test
