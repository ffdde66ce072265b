// Market prices from a CSV file, in any of three forms, told apart by the column names:
//
//   wide   day,DAX,SMI,CAC,FTSE                       a column of closes per symbol
//   OHLCV  Date,Open,High,Low,Close,Adj Close,Volume  one symbol, named after the file
//   long   date,symbol,close (or OHLCV)               a row per day and symbol
//
// The last two may have a column of sentiment (or of another name, PriceOptions): any figure of a day and
// symbol that is known at its close.
// Names of columns may have any case and order. The column of dates (date, day, time, index, or nameless) may
// be left out; dates are whole numbers or ISO dates (2024-01-31, with or without a time), oldest first.
// Nothing is repaired in silence: a gap, a text, a price that is not positive or days out of order are Errors
// with line and column, and what was left out (an unused column, days that a symbol lacks) is listed in
// `notes`.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/io/csv.hpp>
#include <polis/io/text_file.hpp>

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

/// How a file is read.
struct PriceOptions {
  int least_days = 2;                   ///< fewer are an Error
  std::string sentiment = "sentiment";  ///< the column read as such, if there is one
};

namespace internal {

enum class PriceRole { Date, Symbol, Open, High, Low, Close, AdjustedClose, Volume, Sentiment, Other };

/// A column's name without case, blanks and dashes.
inline std::string plain_name(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c != ' ' && c != '_' && c != '-')
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

inline PriceRole price_role(std::string_view name) {
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

/// Reads the columns of one table; made for one call of parse_prices.
class PriceReader {
 public:
  PriceReader(const CsvTable& csv, const PriceOptions& options) : csv_(csv), options_(options) {
    columns_.fill(-1);
    bool named_prices = false;
    for (std::size_t i = 0; i < csv.header.size(); ++i) {
      const CsvField& name = csv.header[i];
      const bool felt = !name.text.empty() && plain_name(name.text) == plain_name(options.sentiment);
      const PriceRole role = felt ? PriceRole::Sentiment : price_role(name.text);
      if (name.text.empty() && i > 0) {
        throw Error("this column has no name", csv.where(name), "a symbol or a price");
      }
      if (parse_whole_number(name.text.substr(0, name.text.find('.')))) {
        throw Error(concat({"the first line holds a number, '", name.text, '\''}), csv.where(name),
                    "the names of the columns");
      }
      roles_.push_back(role);
      named_prices = named_prices || role == PriceRole::Symbol || role == PriceRole::Close ||
                     role == PriceRole::AdjustedClose;
    }
    // Without a column of closes the names of columns are those of symbols, whatever else they might mean.
    is_wide_ = !named_prices;
    for (std::size_t i = 0; i < roles_.size(); ++i) place_column(i);
    for (const auto& row : csv.rows) {
      dates_.push_back(has(PriceRole::Date) ? parse_date(csv_, at(row, PriceRole::Date)) : DateKey{});
    }
  }

  PriceTable read() {
    if (is_wide_)
      read_wide();
    else if (has(PriceRole::Symbol))
      read_long();
    else
      read_single();
    if (table_.days < options_.least_days) {
      const std::string found = table_.days == 1 ? "one row" : std::to_string(table_.days) + " rows";
      throw Error(concat({"found ", found, " of prices"}), csv_.file,
                  concat({"at least ", options_.least_days}));
    }
    return std::move(table_);
  }

 private:
  using Row = std::vector<CsvField>;

  [[nodiscard]] int column(PriceRole role) const { return columns_[static_cast<std::size_t>(role)]; }
  [[nodiscard]] bool has(PriceRole role) const { return column(role) >= 0; }
  [[nodiscard]] const CsvField& at(const Row& row, PriceRole role) const {
    return row[static_cast<std::size_t>(column(role))];
  }

  void place_column(std::size_t i) {
    const CsvField& name = csv_.header[i];
    PriceRole role = roles_[i];
    if (is_wide_ && role != PriceRole::Date) {
      if (std::find(table_.symbols.begin(), table_.symbols.end(), name.text) != table_.symbols.end()) {
        throw Error(concat({"the symbol '", name.text, "' is named twice"}), csv_.where(name),
                    "one column per symbol");
      }
      table_.symbols.push_back(name.text);
      symbol_columns_.push_back(i);
      return;
    }
    if (role == PriceRole::Other) {
      table_.notes.push_back("column '" + name.text + "' is not used");
      return;
    }
    int& place = columns_[static_cast<std::size_t>(role)];
    if (place >= 0) {
      throw Error(
          concat({"found '", csv_.header[static_cast<std::size_t>(place)].text, "' and '", name.text, '\''}),
          csv_.where(name), "one column of that meaning");
    }
    place = static_cast<int>(i);
  }

  [[nodiscard]] float price(const CsvField& field, std::string_view name) const {
    const auto value = static_cast<float>(csv_.number(field, name));
    if (!(value > 0) || !(value < 1e30f)) {
      throw Error(concat({"found '", field.text, "' in column '", name, '\''}), csv_.where(field),
                  "a price above zero");
    }
    return value;
  }

  /// Days must follow one another, `before` being the row of the day before of the same symbol.
  void check_order(std::size_t before, std::size_t row) const {
    if (!has(PriceRole::Date) || dates_[before] < dates_[row]) return;
    const CsvField& field = at(csv_.rows[row], PriceRole::Date);
    const CsvField& previous = at(csv_.rows[before], PriceRole::Date);
    const bool same = dates_[before] == dates_[row];
    throw Error("found " + field.text + (same ? " again" : " after " + previous.text) + " (of line " +
                    std::to_string(previous.line) + ')',
                csv_.where(field), "each day once, the oldest first");
  }

  void read_wide() {
    if (table_.symbols.empty()) {
      throw Error("found no column of prices", csv_.where(csv_.header.back()),
                  "a column of closes per symbol");
    }
    for (std::size_t row = 0; row < csv_.rows.size(); ++row) {
      if (row > 0) check_order(row - 1, row);
      for (const std::size_t i : symbol_columns_) {
        table_.close.push_back(price(csv_.rows[row][i], csv_.header[i].text));
      }
      add_day(row);
    }
  }

  void read_single() {
    const auto slash = csv_.file.rfind('/');
    const std::string name = slash == std::string::npos ? csv_.file : csv_.file.substr(slash + 1);
    table_.symbols = {name.substr(0, name.rfind('.'))};
    for (std::size_t row = 0; row < csv_.rows.size(); ++row) {
      if (row > 0) check_order(row - 1, row);
      add_bar(csv_.rows[row]);
      add_day(row);
    }
  }

  void read_long() {
    std::vector<std::vector<std::size_t>> rows_of;  // by symbol, the rows in the order of their days
    for (std::size_t row = 0; row < csv_.rows.size(); ++row) {
      const CsvField& name = at(csv_.rows[row], PriceRole::Symbol);
      if (name.text.empty()) throw Error("the symbol is empty", csv_.where(name), "a symbol");
      const auto found = std::find(table_.symbols.begin(), table_.symbols.end(), name.text);
      const auto symbol = static_cast<std::size_t>(found - table_.symbols.begin());
      if (found == table_.symbols.end()) {
        table_.symbols.push_back(name.text);
        rows_of.emplace_back();
      } else {
        check_order(rows_of[symbol].back(), row);
      }
      rows_of[symbol].push_back(row);
    }
    if (!has(PriceRole::Date)) check_equal_counts(rows_of);
    align(rows_of);
  }

  void check_equal_counts(const std::vector<std::vector<std::size_t>>& rows_of) const {
    for (std::size_t symbol = 1; symbol < rows_of.size(); ++symbol) {
      if (rows_of[symbol].size() == rows_of[0].size()) continue;
      throw Error(concat({table_.symbols[symbol], " has ", rows_of[symbol].size(), " rows and ",
                          table_.symbols[0], " has ", rows_of[0].size()}),
                  csv_.file, "as many of each, or a column of dates to align them by");
    }
  }

  /// Keeps the days that every symbol has; without dates a symbol's nth row is its nth day.
  void align(const std::vector<std::vector<std::size_t>>& rows_of) {
    std::vector<std::pair<DateKey, int>> days;  // every date of the file, and how many symbols have it
    const auto key = [&](std::size_t symbol, std::size_t i) {
      return has(PriceRole::Date) ? dates_[rows_of[symbol][i]]
                                  : DateKey{false, static_cast<long long>(i), {}};
    };
    for (std::size_t symbol = 0; symbol < rows_of.size(); ++symbol) {
      for (std::size_t i = 0; i < rows_of[symbol].size(); ++i) days.emplace_back(key(symbol, i), 1);
    }
    std::sort(days.begin(), days.end());
    std::size_t unique = 0;
    for (std::size_t i = 0; i < days.size(); ++i) {
      if (unique > 0 && days[unique - 1].first == days[i].first)
        ++days[unique - 1].second;
      else if (unique != i)
        days[unique++] = std::move(days[i]);
      else
        ++unique;
    }
    days.resize(unique);

    const auto symbols = rows_of.size();
    std::vector<std::size_t> next(symbols, 0), lacking(symbols, 0);
    for (const auto& [date, count] : days) {
      for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
        const bool present = next[symbol] < rows_of[symbol].size() && key(symbol, next[symbol]) == date;
        if (!present) {
          ++lacking[symbol];
          continue;
        }
        const std::size_t row = rows_of[symbol][next[symbol]++];
        if (count < static_cast<int>(symbols)) continue;
        add_bar(csv_.rows[row]);
        if (symbol == symbols - 1) add_day(row);
      }
    }
    for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
      if (lacking[symbol] == 0) continue;
      table_.notes.push_back(table_.symbols[symbol] + " lacks " + std::to_string(lacking[symbol]) + " of " +
                             std::to_string(days.size()) + " days; they are left out");
    }
  }

  /// One symbol's prices of one day.
  void add_bar(const Row& row) {
    const auto name = [&](PriceRole role) {
      return std::string_view(csv_.header[static_cast<std::size_t>(column(role))].text);
    };
    const auto read = [&](PriceRole role) { return price(at(row, role), name(role)); };
    const bool adjusted = has(PriceRole::AdjustedClose);
    const PriceRole close_role = has(PriceRole::Close) ? PriceRole::Close : PriceRole::AdjustedClose;
    if (!has(close_role)) {
      throw Error("found no column of closing prices", csv_.where(csv_.header.back()), "a column 'close'");
    }
    const float close = read(close_role);
    const float scale = adjusted ? read(PriceRole::AdjustedClose) / close : 1.f;
    table_.close.push_back(close * scale);
    if (has(PriceRole::Open)) table_.open.push_back(read(PriceRole::Open) * scale);
    if (has(PriceRole::High)) table_.high.push_back(read(PriceRole::High) * scale);
    if (has(PriceRole::Low)) table_.low.push_back(read(PriceRole::Low) * scale);
    if (has(PriceRole::High) && has(PriceRole::Low) && table_.high.back() < table_.low.back()) {
      throw Error(concat({"the high of ", at(row, PriceRole::High).text, " is below the low of ",
                          at(row, PriceRole::Low).text}),
                  csv_.where(at(row, PriceRole::High)), "a high above the low");
    }
    if (has(PriceRole::Volume)) {
      const CsvField& field = at(row, PriceRole::Volume);
      const double volume = csv_.number(field, name(PriceRole::Volume));
      if (volume < 0)
        throw Error(concat({"found '", field.text, "' in column 'volume'"}), csv_.where(field),
                    "no less than zero");
      table_.volume.push_back(static_cast<float>(volume));
    }
    if (has(PriceRole::Sentiment)) {
      const CsvField& field = at(row, PriceRole::Sentiment);
      table_.sentiment.push_back(static_cast<float>(csv_.number(field, name(PriceRole::Sentiment))));
    }
  }

  void add_day(std::size_t row) {
    if (has(PriceRole::Date)) table_.dates.push_back(at(csv_.rows[row], PriceRole::Date).text);
    ++table_.days;
  }

  const CsvTable& csv_;
  const PriceOptions& options_;
  bool is_wide_ = false;
  std::vector<PriceRole> roles_;
  std::array<int, static_cast<std::size_t>(PriceRole::Other)> columns_{};
  std::vector<std::size_t> symbol_columns_;
  std::vector<DateKey> dates_;
  PriceTable table_;
};

}  // namespace internal

/// Reads prices from the text of a CSV file; `file` names it in errors (and the symbol of an OHLCV file).
/// Error: as parse_csv; a gap, text, a price that is not positive and finite; days repeated or out of order;
/// fewer days than the options ask for.
inline PriceTable parse_prices(std::string_view text, std::string file, const PriceOptions& options = {}) {
  const CsvTable csv = parse_csv(text, std::move(file));
  return internal::PriceReader(csv, options).read();
}

/// Reads prices from a CSV file. Error: as parse_prices, or the file cannot be read.
inline PriceTable read_prices(const std::string& path, const PriceOptions& options = {}) {
  return parse_prices(read_text_file(path), path, options);
}

}  // namespace polis
