// What the columns of a file of prices mean, and its dates: the parts of prices.hpp that know no table.
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/io/csv.hpp>

namespace polis::internal {

enum class PriceRole { Date, Symbol, Open, High, Low, Close, AdjustedClose, Volume, Sentiment, Other };

/// A column's name without case, blanks and dashes.
[[gnu::cold]] inline std::string plain_name(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c != ' ' && c != '_' && c != '-')
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

[[gnu::cold]] inline PriceRole price_role(std::string_view name) {
  const std::string key = plain_name(name);
  struct Names {
    PriceRole role;
    std::vector<std::string_view> names;
  };
  static const std::vector<Names> known = {
      {PriceRole::Date, {"", "date", "day", "time", "datetime", "timestamp", "index", "unnamed:0"}},
      {PriceRole::Symbol, {"symbol", "ticker", "asset", "instrument", "name"}},
      {PriceRole::Open, {"open"}},
      {PriceRole::High, {"high"}},
      {PriceRole::Low, {"low"}},
      {PriceRole::Close, {"close", "price", "last", "close/last"}},
      {PriceRole::AdjustedClose, {"adjclose", "adjustedclose", "closeadj"}},
      {PriceRole::Volume, {"volume", "vol"}}};
  for (const auto& [role, names] : known) {
    if (std::find(names.begin(), names.end(), key) != names.end()) return role;
  }
  return PriceRole::Other;
}

/// A date made comparable: a number (a day count, or yyyymmdd of an ISO date) and the rest of the text (a
/// time).
struct DateKey {
  bool is_iso = false;
  long long number = 0;
  std::string rest;

  friend auto operator<=>(const DateKey& a, const DateKey& b) = default;
};

inline std::optional<long long> parse_whole_number(std::string_view digits) {
  long long value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

inline DateKey parse_date(const CsvTable& table, const CsvField& field) {
  const std::string& text = field.text;
  const auto refuse = [&](const std::string& what) {
    return Error(what, table.where(field), "a whole number or a date like 2024-01-31");
  };
  if (text.empty()) throw refuse("the date is empty");
  if (const auto count = parse_whole_number(text)) return {false, *count, {}};
  const bool divided = text.size() >= 10 && (text[4] == '-' || text[4] == '/') && text[7] == text[4];
  const std::string_view whole = text;
  const auto year = divided ? parse_whole_number(whole.substr(0, 4)) : std::nullopt;
  const auto month = divided ? parse_whole_number(whole.substr(5, 2)) : std::nullopt;
  const auto day = divided ? parse_whole_number(whole.substr(8, 2)) : std::nullopt;
  const bool valid = year && month && day && *month >= 1 && *month <= 12 && *day >= 1 && *day <= 31 &&
                     (text.size() == 10 || text[10] == ' ' || text[10] == 'T');
  if (!valid) throw refuse("found the date '" + text + '\'');
  return {true, *year * 10000 + *month * 100 + *day, text.substr(10)};
}

}  // namespace polis::internal
