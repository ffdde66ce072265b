// What is read from a file of prices, and how it is to be read.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/text.hpp>

namespace polis {

/// Prices by day and symbol: entry [day * symbols.size() + symbol]; a column the file lacks is empty.
/// With an adjusted close, open, high, low and close are all scaled by adjusted / close of their day, so that
/// splits and dividends are no jumps.
struct PriceTable {
  std::vector<std::string> symbols;
  std::vector<std::string> dates;  ///< as the file writes them; empty where it has none
  int days = 0;
  std::vector<float> open, high, low, close, volume, sentiment;
  std::vector<std::string> notes;  ///< what the file holds and the table does not
};

/// What becomes of days on which some symbols have a row and others have none.
enum class PriceCalendar {
  intersection,  ///< they are left out
  forward_fill   ///< who has none is taken to stand at its last close, with no volume and the last sentiment
};
constexpr auto enum_names(PriceCalendar) { return std::array{"intersection", "forward_fill"}; }

/// How a file is read.
struct PriceOptions {
  int least_days = 2;                   ///< fewer are an Error
  std::string sentiment = "sentiment";  ///< the column read as such, if there is one
  PriceCalendar calendar = PriceCalendar::intersection;
  int longest_gap = 5;  ///< of days filled in one after the other; more are an Error

  static constexpr void fields(auto& self, auto&& visit) {
    visit("least_days", self.least_days);
    visit("sentiment", self.sentiment);
    visit("calendar", self.calendar);
    visit("longest_gap", self.longest_gap);
  }
};

namespace internal {

/// Prices that change by so much from one day to the next that they may be those before and after a split.
inline void note_jumps(PriceTable& table) {
  const std::size_t symbols = table.symbols.size();
  for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
    std::size_t jumps = 0, first = 0;
    for (std::size_t i = symbol + symbols; i < table.close.size(); i += symbols) {
      const float change = table.close[i] / table.close[i - symbols];
      if (change < 1.8f && change > 1 / 1.8f) continue;
      if (jumps++ == 0) first = i;
    }
    if (jumps == 0) continue;
    const std::size_t day = first / symbols;
    const std::string when = table.dates.empty() ? "row " + std::to_string(day + 1) : table.dates[day];
    table.notes.push_back(concat({table.symbols[symbol], " goes from ", table.close[first - symbols], " to ",
                                  table.close[first], " on ", when,
                                  jumps > 1 ? concat({" and jumps ", jumps - 1, " times more"}) : "",
                                  ": a split? A column 'adj close' takes it out"}));
  }
}

}  // namespace internal

}  // namespace polis
