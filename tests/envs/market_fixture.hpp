// What the tests of the market environments share: the example prices, and paths made of a formula.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <polis/envs/market/market_data.hpp>

namespace polis_test {

/// The closes of examples/data/eu_indices.csv: 1860 days of four indices.
inline polis::MarketPrices index_prices() {
  std::ifstream file(std::string(POLIS_SOURCE_DIR) + "/examples/data/eu_indices.csv");
  polis::MarketPrices prices{4, {}, {}};
  std::string line, cell;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::getline(cells, cell, ',');
    while (std::getline(cells, cell, ',')) prices.close.push_back(std::stof(cell));
  }
  return prices;
}

/// Prices that wave and rise, with opens between the closes: no two bars or symbols alike.
inline polis::MarketPrices waving_prices(int days, int symbols, bool with_open) {
  polis::MarketPrices prices{symbols, {}, {}};
  auto price = [](double day, int symbol) {
    return 50 * (symbol + 1) + .05 * day + (3 + symbol) * std::sin(.7 * day + symbol) + std::sin(2.9 * day);
  };
  for (int day = 0; day < days; ++day) {
    for (int s = 0; s < symbols; ++s) {
      prices.close.push_back(static_cast<float>(price(day, s)));
      if (with_open) prices.open.push_back(static_cast<float>(price(day - .6, s)));
    }
  }
  return prices;
}

/// The same with highs and lows about a percent beyond opens and closes.
inline polis::MarketPrices waving_ranges(int days, int symbols) {
  polis::MarketPrices prices = waving_prices(days, symbols, true);
  for (std::size_t i = 0; i < prices.close.size(); ++i) {
    const float beyond = 1.01f + .01f * std::sin(static_cast<float>(i));
    prices.high.push_back(std::max(prices.open[i], prices.close[i]) * beyond);
    prices.low.push_back(std::min(prices.open[i], prices.close[i]) / beyond);
  }
  return prices;
}

}  // namespace polis_test
