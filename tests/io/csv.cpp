// The CSV reader: what RFC 4180 allows, and where an error points.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <polis/io/csv.hpp>

namespace test_csv {

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

std::string parse_error(std::string_view text) {
  return error_of([&] { polis::parse_csv(text, "f.csv"); });
}

std::vector<std::string> texts(const std::vector<polis::CsvField>& row) {
  std::vector<std::string> list;
  for (const auto& field : row) list.push_back(field.text);
  return list;
}

using Texts = std::vector<std::string>;

}  // namespace test_csv

using namespace test_csv;

TEST_CASE("io/csv: quotes, delimiters, line ends and the byte order mark") {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    for (const std::string mark : {"", "\xef\xbb\xbf"}) {
      for (const std::string d : {",", ";", "\t"}) {
        const auto text = mark + "a" + d + "\"b" + d + "\"\"q\"\"\"" + end + "1" + d + " 2 " + end + end;
        const auto table = polis::parse_csv(text, "f.csv");
        CHECK(table.delimiter == d[0]);
        CHECK(texts(table.header) == Texts{"a", "b" + d + "\"q\""});
        REQUIRE(table.rows.size() == 1);
        CHECK(texts(table.rows[0]) == Texts{"1", "2"});
        CHECK(table.rows[0][1].line == 2);
        CHECK(table.rows[0][1].column == 3);
      }
    }
  }
  const auto table = polis::parse_csv("a,b\n\"two\nlines\",x\n3,4", "f.csv");
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][0].text == "two\nlines");
  CHECK(table.rows[1][0].line == 4);
  CHECK(texts(table.rows[1]) == Texts{"3", "4"});
}

TEST_CASE("io/csv: blank lines are no rows, but a gap in a single column is") {
  CHECK(polis::parse_csv("a,b\n\n1,2\n\n3,4\n\n", "f.csv").rows.size() == 2);
  CHECK(polis::parse_csv("a\n1\n\n3\n\n\n", "f.csv").rows.size() == 3);
}

TEST_CASE("io/csv: errors point at file, line and column") {
  CHECK(parse_error("") == "f.csv: the file is empty; expected a line of column names and rows of values");
  CHECK(parse_error("\r\n\r\n") == parse_error(""));
  CHECK(parse_error("a,b\n1\n") == "f.csv:2:1: this row has 1 fields; expected 2 fields, as in the header");
  CHECK(parse_error("a,b\n1,2\n1,2,3\n").find("f.csv:3:5: this row has 3 fields") == 0);
  CHECK(parse_error("a,b\n1,\"2\n3,4\n") ==
        "f.csv:2:3: a quote is opened and never closed; expected a closing quote");
  CHECK(parse_error("a,b\n1,\"2\"x\n").find("f.csv:2:6: found 'x' after a closing quote") == 0);
  CHECK(parse_error("a,b\n1,2\"3\"\n").find("f.csv:2:4: found a quote inside a field") == 0);
  CHECK(parse_error(std::string_view("a,b\n1,\0\n", 8)).find("f.csv:2:3: found a zero byte") == 0);
  CHECK(parse_error("\xff\xfe"
                    "a")
            .find("f.csv:1:1: the file is UTF-16") == 0);
  CHECK(error_of([] { polis::read_csv("/nowhere/f.csv"); }) ==
        "/nowhere/f.csv: cannot be read: No such file or directory");
  CHECK(error_of([] { polis::read_csv("/tmp"); }) == "/tmp: cannot be read: Is a directory");
}

TEST_CASE("io/csv: a number is a finite number, whole") {
  const auto table = polis::parse_csv("a\n1.5e2\n-3\nx\n\n1.5x\nnan\ninf\n1e999\n", "f.csv");
  const auto number = [&](std::size_t row) { return table.number(table.rows[row][0], "a"); };
  CHECK(number(0) == 150);
  CHECK(number(1) == -3);
  CHECK(error_of([&] { number(2); }) ==
        "f.csv:4:1: found 'x' in column 'a'; expected a number, with a point for decimals");
  CHECK(error_of([&] { number(3); }) == "f.csv:5:1: the field in column 'a' is empty; expected a number");
  CHECK(error_of([&] { number(4); }).find("f.csv:6:1: found '1.5x'") == 0);
  for (const std::size_t row : {5u, 6u})
    CHECK(error_of([&] { number(row); }).find("a finite number") != std::string::npos);
  CHECK(error_of([&] { number(7); }).find("f.csv:9:1: found '1e999'") == 0);
}
