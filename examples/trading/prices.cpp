// Reads the prices, and says what they are.
#include "prices.hpp"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <polis/io/prices.hpp>

using namespace polis;

MarketHistory read_history(const std::string& csv, const PriceOptions& options,
                           const MarketSettings& settings, int most) {
  const PriceTable table = read_prices(csv, options);
  const int symbols = static_cast<int>(table.symbols.size());
  if (symbols > most) {
    throw Error("found " + std::to_string(symbols) + " symbols", csv,
                "at most " + std::to_string(most) + ", the room that examples/trading.cpp makes");
  }
  std::printf("%s: %d days of", csv.c_str(), table.days);
  for (const std::string& symbol : table.symbols) std::printf(" %s", symbol.c_str());
  std::printf("\n");
  for (const std::string& note : table.notes) std::printf("note: %s\n", note.c_str());
  MarketPrices prices{.symbols = symbols,
                      .close = table.close,
                      .open = table.open,
                      .high = {},
                      .low = {},
                      .volume = table.volume,
                      .sentiment = table.sentiment};
  if (!table.open.empty() && !table.high.empty() && !table.low.empty()) {
    prices.high = table.high, prices.low = table.low;
  }
  return MarketHistory(std::move(prices), settings);
}

std::vector<std::string> read_dates(const std::string& csv, const PriceOptions& options) {
  return read_prices(csv, options).dates;
}
