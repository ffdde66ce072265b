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
// Nothing is repaired in silence: a gap, a text, a price that is not positive, prices of a day that
// contradict each other or days out of order are Errors with line and column, and what was left out or filled
// in (an unused column, days that a symbol lacks) is listed in `notes`, and so are jumps that may be splits.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/io/csv.hpp>
#include <polis/io/price_columns.hpp>
#include <polis/io/price_table.hpp>
#include <polis/io/text_file.hpp>

namespace polis {

namespace internal {

/// Reads the columns of one table; made for one call of parse_prices.
class PriceReader {
 public:
  [[gnu::cold]] PriceReader(const CsvTable& csv, const PriceOptions& options) : csv_(csv), options_(options) {
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

  [[gnu::cold]] PriceTable read() {
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
    note_jumps(table_);
    return std::move(table_);
  }

 private:
  using Row = std::vector<CsvField>;
  using RowsOf = std::vector<std::vector<std::size_t>>;  ///< by symbol, its rows in the order of their days

  /// One symbol's day; 0 what the file lacks.
  struct Bar {
    float open = 0, high = 0, low = 0, close = 0, volume = 0, sentiment = 0;
  };
  /// A date of the file, and how many symbols have it.
  struct Day {
    DateKey date;
    std::size_t symbols = 0;
  };

  [[nodiscard]] int column(PriceRole role) const { return columns_[static_cast<std::size_t>(role)]; }
  [[nodiscard]] bool has(PriceRole role) const { return column(role) >= 0; }
  [[nodiscard]] const CsvField& at(const Row& row, PriceRole role) const {
    return row[static_cast<std::size_t>(column(role))];
  }

  [[gnu::cold]] void place_column(std::size_t i) {
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
  [[gnu::cold]] void check_order(std::size_t before, std::size_t row) const {
    if (!has(PriceRole::Date) || dates_[before] < dates_[row]) return;
    const CsvField& field = at(csv_.rows[row], PriceRole::Date);
    const CsvField& previous = at(csv_.rows[before], PriceRole::Date);
    const bool same = dates_[before] == dates_[row];
    throw Error("found " + field.text + (same ? " again" : " after " + previous.text) + " (of line " +
                    std::to_string(previous.line) + ')',
                csv_.where(field), "each day once, the oldest first");
  }

  [[gnu::cold]] void read_wide() {
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

  [[gnu::cold]] void read_single() {
    const auto slash = csv_.file.rfind('/');
    const std::string name = slash == std::string::npos ? csv_.file : csv_.file.substr(slash + 1);
    table_.symbols = {name.substr(0, name.rfind('.'))};
    for (std::size_t row = 0; row < csv_.rows.size(); ++row) {
      if (row > 0) check_order(row - 1, row);
      add_bar(read_bar(csv_.rows[row]));
      add_day(row);
    }
  }

  [[gnu::cold]] void read_long() {
    RowsOf rows_of;
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
    const std::vector<Day> days = all_days(rows_of);
    options_.calendar == PriceCalendar::forward_fill ? fill(rows_of, days) : intersect(rows_of, days);
  }

  [[gnu::cold]] void check_equal_counts(const RowsOf& rows_of) const {
    for (std::size_t symbol = 1; symbol < rows_of.size(); ++symbol) {
      if (rows_of[symbol].size() == rows_of[0].size()) continue;
      throw Error(concat({table_.symbols[symbol], " has ", rows_of[symbol].size(), " rows and ",
                          table_.symbols[0], " has ", rows_of[0].size()}),
                  csv_.file, "as many of each, or a column of dates to align them by");
    }
  }

  /// The date of a symbol's ith row; without dates its ith row is its ith day.
  [[nodiscard]] DateKey date_of(const RowsOf& rows_of, std::size_t symbol, std::size_t i) const {
    return has(PriceRole::Date) ? dates_[rows_of[symbol][i]] : DateKey{false, static_cast<long long>(i), {}};
  }

  [[nodiscard, gnu::cold]] std::vector<Day> all_days(const RowsOf& rows_of) const {
    std::vector<DateKey> dates;
    for (std::size_t symbol = 0; symbol < rows_of.size(); ++symbol) {
      for (std::size_t i = 0; i < rows_of[symbol].size(); ++i) dates.push_back(date_of(rows_of, symbol, i));
    }
    std::sort(dates.begin(), dates.end());
    std::vector<Day> days;
    for (DateKey& date : dates) {
      if (days.empty() || days.back().date != date) days.push_back({std::move(date), 0});
      ++days.back().symbols;
    }
    return days;
  }

  [[gnu::cold]] void note_lacking(const std::vector<std::size_t>& lacking, std::size_t days,
                                  const char* what) {
    for (std::size_t symbol = 0; symbol < lacking.size(); ++symbol) {
      if (lacking[symbol] == 0) continue;
      table_.notes.push_back(table_.symbols[symbol] + " lacks " + std::to_string(lacking[symbol]) + " of " +
                             std::to_string(days) + " days; " + what);
    }
  }

  /// Keeps the days that every symbol has.
  [[gnu::cold]] void intersect(const RowsOf& rows_of, const std::vector<Day>& days) {
    std::vector<std::size_t> next(rows_of.size(), 0), lacking(rows_of.size(), 0);
    for (const auto& [date, count] : days) {
      for (std::size_t symbol = 0; symbol < rows_of.size(); ++symbol) {
        if (next[symbol] == rows_of[symbol].size() || date_of(rows_of, symbol, next[symbol]) != date) {
          ++lacking[symbol];
          continue;
        }
        const std::size_t row = rows_of[symbol][next[symbol]++];
        if (count < rows_of.size()) continue;
        add_bar(read_bar(csv_.rows[row]));
        if (symbol == rows_of.size() - 1) add_day(row);
      }
    }
    note_lacking(lacking, days.size(), "they are left out");
  }

  /// Keeps every day from that on which the last symbol begins to that on which the first one ends.
  [[gnu::cold]] void fill(const RowsOf& rows_of, const std::vector<Day>& days) {
    DateKey begin = days.front().date, end = days.back().date;
    for (std::size_t symbol = 0; symbol < rows_of.size(); ++symbol) {
      begin = std::max(begin, date_of(rows_of, symbol, 0));
      end = std::min(end, date_of(rows_of, symbol, rows_of[symbol].size() - 1));
    }
    std::vector<std::size_t> next(rows_of.size(), 0), lacking(rows_of.size(), 0);
    std::vector<int> gap(rows_of.size(), 0);
    std::vector<Bar> bars(rows_of.size());
    std::size_t outside = 0;
    for (const auto& [date, count] : days) {
      const bool kept = begin <= date && date <= end;
      outside += kept ? 0 : 1;
      std::size_t row_of_day = 0;
      for (std::size_t symbol = 0; symbol < rows_of.size(); ++symbol) {
        Bar& bar = bars[symbol];
        if (next[symbol] < rows_of[symbol].size() && date_of(rows_of, symbol, next[symbol]) == date) {
          row_of_day = rows_of[symbol][next[symbol]++];
          check_gap(symbol, gap[symbol], row_of_day);
          gap[symbol] = 0;
          bar = read_bar(csv_.rows[row_of_day]);
        } else if (kept) {
          ++lacking[symbol], ++gap[symbol];
          bar = {bar.close, bar.close, bar.close, bar.close, 0, bar.sentiment};
        }
        if (kept) add_bar(bar);
      }
      if (kept) add_day(row_of_day);
    }
    note_lacking(lacking, days.size() - outside, "they are filled with its close before");
    if (outside > 0) {
      table_.notes.push_back(std::to_string(outside) +
                             " days before all symbols begin or after one ends are left out");
    }
  }

  [[gnu::cold]] void check_gap(std::size_t symbol, int gap, std::size_t row) const {
    if (gap <= options_.longest_gap) return;
    throw Error(concat({table_.symbols[symbol], " has no row on ", gap, " days before this one"}),
                csv_.where(at(csv_.rows[row], PriceRole::Date)),
                concat({"at most ", options_.longest_gap, " (longest_gap), or calendar intersection"}));
  }

  /// One symbol's prices of one day.
  [[nodiscard, gnu::cold]] Bar read_bar(const Row& row) const {
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
    Bar bar;
    bar.close = close * scale;
    if (has(PriceRole::Open)) bar.open = read(PriceRole::Open) * scale;
    if (has(PriceRole::High)) bar.high = read(PriceRole::High) * scale;
    if (has(PriceRole::Low)) bar.low = read(PriceRole::Low) * scale;
    check_range(row, bar, close_role);
    if (has(PriceRole::Volume)) {
      const CsvField& field = at(row, PriceRole::Volume);
      const double volume = csv_.number(field, name(PriceRole::Volume));
      if (volume < 0)
        throw Error(concat({"found '", field.text, "' in column 'volume'"}), csv_.where(field),
                    "no less than zero");
      bar.volume = static_cast<float>(volume);
    }
    if (has(PriceRole::Sentiment)) {
      const CsvField& field = at(row, PriceRole::Sentiment);
      bar.sentiment = static_cast<float>(csv_.number(field, name(PriceRole::Sentiment)));
    }
    return bar;
  }

  /// A day's low is its lowest price and its high the highest, but for a thousandth, which files round away.
  [[gnu::cold]] void check_range(const Row& row, const Bar& bar, PriceRole close_role) const {
    const auto refuse = [&](PriceRole role, const char* what, const char* side, PriceRole bound) {
      throw Error(concat({"the ", what, " of ", at(row, role).text, " is ", side, ' ', at(row, bound).text}),
                  csv_.where(at(row, role)), concat({"a price between the day's low and high"}));
    };
    constexpr float slack = 1.001f;
    const bool high = has(PriceRole::High), low = has(PriceRole::Low);
    if (high && low && bar.high < bar.low) {
      throw Error(concat({"the high of ", at(row, PriceRole::High).text, " is below the low of ",
                          at(row, PriceRole::Low).text}),
                  csv_.where(at(row, PriceRole::High)), "a high above the low");
    }
    const auto check = [&](PriceRole role, float price, const char* what) {
      if (high && price > bar.high * slack) refuse(role, what, "above the high of", PriceRole::High);
      if (low && price * slack < bar.low) refuse(role, what, "below the low of", PriceRole::Low);
    };
    if (has(PriceRole::Open)) check(PriceRole::Open, bar.open, "open");
    check(close_role, bar.close, "close");
  }

  [[gnu::cold]] void add_bar(const Bar& bar) {
    table_.close.push_back(bar.close);
    if (has(PriceRole::Open)) table_.open.push_back(bar.open);
    if (has(PriceRole::High)) table_.high.push_back(bar.high);
    if (has(PriceRole::Low)) table_.low.push_back(bar.low);
    if (has(PriceRole::Volume)) table_.volume.push_back(bar.volume);
    if (has(PriceRole::Sentiment)) table_.sentiment.push_back(bar.sentiment);
  }

  [[gnu::cold]] void add_day(std::size_t row) {
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
[[gnu::cold]] inline PriceTable parse_prices(std::string_view text, std::string file,
                                             const PriceOptions& options = {}) {
  const CsvTable csv = parse_csv(text, std::move(file));
  return internal::PriceReader(csv, options).read();
}

/// Reads prices from a CSV file. Error: as parse_prices, or the file cannot be read.
inline PriceTable read_prices(const std::string& path, const PriceOptions& options = {}) {
  return parse_prices(read_text_file(path), path, options);
}

}  // namespace polis
