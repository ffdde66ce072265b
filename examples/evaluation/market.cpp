// The market of the four indices.
#include "traders.hpp"

#include <filesystem>

#include <polis/io/prices.hpp>

using namespace polis;

MarketHistory four_indices() {
  const PriceTable prices =
      read_prices((std::filesystem::path(__FILE__).parent_path() / "../data/eu_indices.csv").string());
  return MarketHistory(
      {.symbols = static_cast<int>(prices.symbols.size()), .close = prices.close, .open = prices.open});
}
