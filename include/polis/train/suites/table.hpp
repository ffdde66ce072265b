// What an evaluation suite found: figures by row and column, to print, to look up, and to write as CSV or
// JSON.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/train/evaluation.hpp>

namespace polis {

/// Rows and columns have names and come into being when first written. A cell that was never written is NaN:
/// a dash in print, empty in CSV, null in JSON.
class ResultTable {
 public:
  explicit ResultTable(std::string title) : title_(std::move(title)) {}

  /// Whether a column is printed without being asked for.
  enum class Shown { always, on_request };

  /// Writes a cell. A column is shown as its first cell says.
  [[gnu::cold]] void set(std::string_view row, std::string_view column, double value,
                         Shown shown = Shown::always) {
    const std::size_t r = find_or_add(rows_, row), c = find_or_add(columns_, column);
    if (c == shown_.size()) shown_.push_back(shown);
    if (r == cells_.size()) cells_.emplace_back();
    if (cells_[r].size() <= c) cells_[r].resize(c + 1, std::numeric_limits<double>::quiet_NaN());
    cells_[r][c] = value;
  }
  /// A line printed below the table.
  void note(std::string text) { notes_.push_back(std::move(text)); }

  /// Error: no such row or column.
  [[nodiscard]] double at(std::string_view row, std::string_view column) const {
    return cell(index(rows_, row), index(columns_, column));
  }
  [[nodiscard]] const std::string& title() const { return title_; }
  [[nodiscard]] const std::vector<std::string>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

  /// Prints aligned text: the general columns that hold any number, and the `more` that are asked for by
  /// name. Error: there is no such column.
  [[gnu::cold]] void print(std::FILE* to = stdout, const std::vector<std::string>& more = {}) const {
    for (const std::string& name : more) static_cast<void>(index(columns_, name));
    std::size_t width = title_.size();
    for (const std::string& row : rows_) width = std::max(width, row.size());
    std::vector<std::string> lines(rows_.size() + 1);
    lines[0] = padded(title_, width, false);
    for (std::size_t r = 0; r < rows_.size(); ++r) lines[r + 1] = padded(rows_[r], width, false);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const bool asked = std::find(more.begin(), more.end(), columns_[c]) != more.end();
      if (!asked && (shown_[c] == Shown::on_request || empty(c))) continue;
      std::vector<std::string> texts = {columns_[c]};
      const int decimals = decimals_of(c);
      for (std::size_t r = 0; r < rows_.size(); ++r) texts.push_back(text_of(cell(r, c), decimals));
      std::size_t widest = 0;
      for (const std::string& text : texts) widest = std::max(widest, text.size());
      for (std::size_t i = 0; i < texts.size(); ++i) lines[i] += "  " + padded(texts[i], widest, true);
    }
    for (const std::string& line : lines) std::fprintf(to, "%s\n", line.c_str());
    for (const std::string& text : notes_) std::fprintf(to, "%s\n", text.c_str());
  }

  /// All cells as comma-separated values, shortest numbers that read back the same. Names are quoted where
  /// they need it.
  [[nodiscard, gnu::cold]] std::string csv() const {
    std::string text = csv_field(title_);
    for (const std::string& column : columns_) text.append(",").append(csv_field(column));
    text += '\n';
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      text += csv_field(rows_[r]);
      for (std::size_t c = 0; c < columns_.size(); ++c) text.append(",").append(number(cell(r, c), ""));
      text += '\n';
    }
    return text;
  }

  /// {"suite": title, "rows": [{"name": row, column: figure, ...}, ...]}
  [[nodiscard, gnu::cold]] std::string json() const {
    std::string text = "{\"suite\":" + json_string(title_) + ",\"rows\":[";
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      text.append(r > 0 ? "," : "").append("{\"name\":").append(json_string(rows_[r]));
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        text.append(",").append(json_string(columns_[c])).append(":").append(number(cell(r, c), "null"));
      }
      text += '}';
    }
    return text + "]}";
  }

 private:
  static std::size_t find(const std::vector<std::string>& names, std::string_view name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  }
  static std::size_t find_or_add(std::vector<std::string>& names, std::string_view name) {
    const std::size_t at = find(names, name);
    if (at == names.size()) names.emplace_back(name);
    return at;
  }
  [[nodiscard]] std::size_t index(const std::vector<std::string>& names, std::string_view name) const {
    const std::size_t at = find(names, name);
    if (at < names.size()) return at;
    std::string known;
    for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
    throw Error(concat({"no '", name, '\''}), title_, concat({"one of ", known}));
  }
  [[nodiscard]] double cell(std::size_t row, std::size_t column) const {
    return column < cells_[row].size() ? cells_[row][column] : std::numeric_limits<double>::quiet_NaN();
  }
  [[nodiscard]] bool empty(std::size_t column) const {
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (!std::isnan(cell(r, column))) return false;
    }
    return true;
  }

  /// Decimals with which the column's largest figure has four digits; none where all are whole.
  [[nodiscard]] int decimals_of(std::size_t column) const {
    double largest = 0;
    bool whole = true;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      const double value = cell(r, column);
      if (!std::isfinite(value)) continue;
      largest = std::max(largest, std::abs(value));
      whole = whole && value == std::nearbyint(value);
    }
    if (whole || largest == 0) return 0;
    return std::clamp(3 - static_cast<int>(std::floor(std::log10(largest))), 0, 9);
  }
  static std::string text_of(double value, int decimals) {
    if (std::isnan(value)) return "-";
    std::array<char, 400> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value == 0 ? 0. : value);
    return text.data();
  }
  static std::string padded(const std::string& text, std::size_t width, bool right) {
    const std::string space(width - std::min(width, text.size()), ' ');
    return right ? space + text : text + space;
  }

  static std::string number(double value, const char* none) {
    if (!std::isfinite(value)) return none;
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
  }
  static std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\n\r") == text.npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
  }
  static std::string json_string(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return quoted + '"';
  }

  std::string title_;
  std::vector<std::string> rows_, columns_;
  std::vector<Shown> shown_;                // [column]
  std::vector<std::vector<double>> cells_;  // [row][column], as far as written
  std::vector<std::string> notes_;
};

namespace internal {

/// Writes evaluations as rows of a table: return, its standard error, the difference to the first row with
/// its own, success, length; each agent's own return where rewards are not shared (printed by itself in a
/// zero-sum game, otherwise on request); on request the environment's own figures. The k-th episodes of two
/// rows are a pair, for which the difference is taken: where both had the same random numbers, it is surer
/// than the two returns are.
template <class E>
class EvaluationRows {
 public:
  explicit EvaluationRows(ResultTable& table) : table_(&table) {}

  [[gnu::cold]] void add(const std::string& row, const EvaluationResult& result) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    const bool several = result.returns.size() > 1, first = first_.empty();
    if (first) first_ = result.returns;
    const auto [difference, error] = paired(result.returns);
    table_->set(row, "return", result.mean);
    table_->set(row, "error", several ? result.standard_error() : none);
    table_->set(row, "difference", first ? none : difference);
    table_->set(row, "paired error", several && !first ? error : none);
    table_->set(row, "success", result.success);
    table_->set(row, "length", result.length);
    if constexpr (E::rewards != RewardStructure::shared && agent_count<E> > 1) {
      constexpr bool opposed = E::rewards == RewardStructure::zero_sum;  // the mean says nothing
      constexpr auto shown = opposed ? ResultTable::Shown::always : ResultTable::Shown::on_request;
      for (std::size_t i = 0; i < result.agents.size(); ++i) {
        table_->set(row, "agent " + std::to_string(i), result.agents[i], shown);
      }
    }
    for (const auto& [name, value] : result.metrics) {
      table_->set(row, name, value, ResultTable::Shown::on_request);
    }
  }

 private:
  /// Mean and standard error of the differences to the first row's returns.
  [[nodiscard]] std::pair<double, double> paired(const std::vector<double>& returns) const {
    const auto count = static_cast<double>(returns.size());
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < returns.size(); ++i) mean += returns[i] - first_[i];
    mean /= std::max(1., count);
    for (std::size_t i = 0; i < returns.size(); ++i) {
      squares += (returns[i] - first_[i] - mean) * (returns[i] - first_[i] - mean);
    }
    return {mean, std::sqrt(squares / std::max(1., count - 1) / std::max(1., count))};
  }

  ResultTable* table_;
  std::vector<double> first_;  // the first row's returns
};

/// 0.1 as "0.1".
inline std::string short_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

}  // namespace internal

}  // namespace polis
