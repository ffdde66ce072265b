// What is read from a file of prices, and how it is to be read.
#pragma once

#include <array>
#include <string>
#include <vector>

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

}  // namespace polis
