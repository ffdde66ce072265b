// Reads a table of comma-separated values (RFC 4180) and remembers where each field stood, so that whoever
// uses the table can point at the field that is wrong.
//
// Accepted: fields in double quotes ("" is a quote in them), line ends LF, CRLF or CR, a UTF-8 byte order
// mark, and comma, semicolon or tab as the delimiter (the one most frequent in the first line). The first
// line names the columns. There are no comments.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/io/text_file.hpp>

namespace polis {

/// One field: its text without quotes, and the line and column (in bytes) it begins at, both from 1.
struct CsvField {
  std::string text;
  int line = 0;
  int column = 0;
};

/// A table whose rows all have as many fields as the header.
struct CsvTable {
  std::string file;
  char delimiter = ',';
  std::vector<CsvField> header;
  std::vector<std::vector<CsvField>> rows;

  /// "file:line:column", where a field begins.
  [[nodiscard]] std::string where(const CsvField& field) const {
    return file + ':' + std::to_string(field.line) + ':' + std::to_string(field.column);
  }

  /// The field as a finite number. Error: it is empty, text, or not finite.
  [[nodiscard, gnu::cold]] double number(const CsvField& field, std::string_view column_name) const {
    const std::string of = " in column '" + std::string(column_name) + '\'';
    if (field.text.empty()) throw Error(concat({"the field", of, " is empty"}), where(field), "a number");
    double value = 0;
    const char* end = field.text.data() + field.text.size();
    const auto [stop, error] = std::from_chars(field.text.data(), end, value);
    if (error != std::errc() || stop != end) {
      throw Error(concat({"found '", field.text, '\'', of}), where(field),
                  "a number, with a point for decimals");
    }
    if (!std::isfinite(value))
      throw Error(concat({"found '", field.text, '\'', of}), where(field), "a finite number");
    return value;
  }
};

namespace internal {

/// Divides the text of a CSV file into rows of fields.
class CsvScanner {
 public:
  CsvScanner(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") text_.remove_prefix(3);
    if (text_.substr(0, 2) == "\xff\xfe" || text_.substr(0, 2) == "\xfe\xff") {
      throw Error("the file is UTF-16", concat({file_, ":1:1"}), "UTF-8 or plain ASCII");
    }
    delimiter_ = guess_delimiter();
  }

  [[nodiscard]] char delimiter() const { return delimiter_; }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }

  /// The next line's fields, or more lines' where quotes span them.
  [[gnu::cold]] std::vector<CsvField> row() {
    std::vector<CsvField> fields;
    do fields.push_back(field());
    while (skip(delimiter_));
    const bool carriage_return = skip('\r');
    if (!skip('\n') && !carriage_return && !at_end()) {
      fail("found '" + std::string(1, text_[at_]) + "' after a closing quote",
           "the delimiter or the line's end");
    }
    ++line_;
    line_start_ = at_;
    return fields;
  }

 private:
  [[nodiscard, gnu::cold]] char guess_delimiter() const {
    std::array<std::pair<int, char>, 3> counts = {{{0, ','}, {0, ';'}, {0, '\t'}}};
    bool quoted = false;
    for (const char c : text_) {
      if (!quoted && (c == '\n' || c == '\r')) break;
      if (c == '"') quoted = !quoted;
      for (auto& [count, delimiter] : counts) count += !quoted && c == delimiter;
    }
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.first < b.first; })
        ->second;
  }

  bool skip(char wanted) {
    if (at_end() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void fail(const std::string& what, const std::string& expected) const {
    throw Error(what, concat({file_, ':', line_, ':', at_ - line_start_ + 1}), expected);
  }

  [[gnu::cold]] CsvField field() {
    CsvField field{{}, line_, static_cast<int>(at_ - line_start_ + 1)};
    if (skip('"')) {
      quoted_text(field);
      return field;
    }
    const std::size_t begin = at_;
    while (!at_end() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '"') fail("found a quote inside a field", "a quote around the whole field, or none");
      if (text_[at_] == '\0') fail("found a zero byte", "text");
      ++at_;
    }
    field.text = trimmed(text_.substr(begin, at_ - begin));
    return field;
  }

  [[gnu::cold]] void quoted_text(CsvField& field) {
    while (true) {
      if (at_end()) {
        throw Error("a quote is opened and never closed", concat({file_, ':', field.line, ':', field.column}),
                    "a closing quote");
      }
      const char c = text_[at_++];
      if (c == '"' && !skip('"')) return;
      if (c == '\n') ++line_, line_start_ = at_;
      field.text += c;
    }
  }

  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  }

  std::string_view text_;
  std::string file_;
  char delimiter_ = ',';
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

inline bool is_blank(const std::vector<CsvField>& row) { return row.size() == 1 && row[0].text.empty(); }

}  // namespace internal

/// Reads a table from text; `file` names it in errors. Blank lines are passed over, except in a table of one
/// column, where only those at the end are. Error: a bad quote, a row of another length than the header's.
[[gnu::cold]] inline CsvTable parse_csv(std::string_view text, std::string file) {
  internal::CsvScanner scanner(text, file);
  CsvTable table{std::move(file), scanner.delimiter(), {}, {}};
  while (!scanner.at_end() && (table.header.empty() || internal::is_blank(table.header)))
    table.header = scanner.row();
  if (table.header.empty() || internal::is_blank(table.header)) {
    throw Error("the file is empty", table.file, "a line of column names and rows of values");
  }
  while (!scanner.at_end()) {
    auto row = scanner.row();
    if (internal::is_blank(row) && table.header.size() > 1) continue;
    if (row.size() != table.header.size()) {
      throw Error(concat({"this row has ", row.size(), " fields"}), table.where(row.back()),
                  concat({table.header.size(), " fields, as in the header"}));
    }
    table.rows.push_back(std::move(row));
  }
  while (!table.rows.empty() && internal::is_blank(table.rows.back())) table.rows.pop_back();
  return table;
}

/// Reads a table from a file. Error: as parse_csv, or the file cannot be read.
inline CsvTable read_csv(const std::string& path) { return parse_csv(read_text_file(path), path); }

}  // namespace polis
