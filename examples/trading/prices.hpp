// The prices of examples/trading.cpp.
#pragma once

#include <string>
#include <vector>

#include <polis/envs/market/market_data.hpp>
#include <polis/io/price_table.hpp>

/// The market of a file's days, of which it prints what there is. Error: the file cannot be read, or there
/// are more than `most` symbols.
polis::MarketHistory read_history(const std::string& csv, const polis::PriceOptions& options,
                                  const polis::MarketSettings& settings, int most);

/// The days of a file as it writes them; empty where it has none. Errors: as of read_history.
std::vector<std::string> read_dates(const std::string& csv, const polis::PriceOptions& options);
