// Prices from CSV files: the three forms, and everything that is refused with its place.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <polis/io/prices.hpp>

namespace test_prices {

using Floats = std::vector<float>;
using Texts = std::vector<std::string>;

polis::PriceTable parse(std::string_view text, int least_days = 2) {
  return polis::parse_prices(text, "data/prices.csv", {.least_days = least_days});
}

std::string refusal(std::string_view text, int least_days = 2) {
  try {
    parse(text, least_days);
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

}  // namespace test_prices

using namespace test_prices;

TEST_CASE("io/prices: wide form, with and without dates, LF or CRLF, with a byte order mark") {
  for (const std::string end : {"\n", "\r\n"}) {
    const auto table = parse(
        "\xef\xbb\xbf"
        "day,DAX,SMI" +
        end + "0,1628.75,1678.1" + end + "1,1613.63,1688.5" + end);
    CHECK(table.symbols == Texts{"DAX", "SMI"});
    CHECK(table.dates == Texts{"0", "1"});
    CHECK(table.days == 2);
    CHECK(table.close == Floats{1628.75f, 1678.1f, 1613.63f, 1688.5f});
    CHECK(table.open.empty());
    CHECK(table.volume.empty());
    CHECK(table.notes.empty());
  }
  const auto table = parse("DAX;SMI\n1;2\n3;4\n5;6\n");
  CHECK(table.dates.empty());
  CHECK(table.days == 3);
  CHECK(table.close == Floats{1, 2, 3, 4, 5, 6});
  CHECK(parse(",DAX\n2024-01-30,1\n2024-01-31T09:30,2\n2024-01-31T09:31,3\n").days == 3);
}

TEST_CASE("io/prices: OHLCV of one symbol, columns in any case and order") {
  const auto table =
      parse("VOLUME,low,High,open,Date,Close,Splits\n0,1,4,2,2024-01-02,3,0\n7,2,5,3,2024-01-03,4,0\n");
  CHECK(table.symbols == Texts{"prices"});
  CHECK(table.open == Floats{2, 3});
  CHECK(table.high == Floats{4, 5});
  CHECK(table.low == Floats{1, 2});
  CHECK(table.close == Floats{3, 4});
  CHECK(table.volume == Floats{0, 7});
  CHECK(table.dates == Texts{"2024-01-02", "2024-01-03"});
  CHECK(table.notes == Texts{"column 'Splits' is not used"});
}

TEST_CASE("io/prices: a column of sentiment, by its own name or another") {
  const std::string text =
      "date,symbol,close,Sentiment,mood\n1,A,10,-.5,3\n1,B,20,0,4\n2,A,11,.25,5\n2,B,21,1,6\n";
  CHECK(parse(text).sentiment == Floats{-.5f, 0, .25f, 1});
  CHECK(parse(text).notes == Texts{"column 'mood' is not used"});
  CHECK(polis::parse_prices(text, "p.csv", {.sentiment = "Mood"}).sentiment == Floats{3, 4, 5, 6});
  CHECK(parse("close\n1\n2\n").sentiment.empty());
  CHECK(refusal("close,sentiment\n1,.5\n2,\n") ==
        "data/prices.csv:3:3: the field in column 'sentiment' is empty; expected a number");
  // In a table of symbols it is the name of one.
  CHECK(parse("DAX,sentiment\n1,2\n3,4\n").symbols == Texts{"DAX", "sentiment"});
}

TEST_CASE("io/prices: an adjusted close scales the whole bar") {
  const auto table = parse("Date,Open,Close,Adj Close\n1,100,200,50\n2,60,50,50\n");
  CHECK(table.open == Floats{25, 60});
  CHECK(table.close == Floats{50, 50});
}

TEST_CASE("io/prices: what may be a split is noted, unless the closes are adjusted") {
  const std::string text =
      "date,symbol,close,adj close\n1,A,100,50\n1,B,10,10\n2,A,51,51\n2,B,17,17\n3,A,26,26\n3,B,16,16\n";
  CHECK(parse(text).notes == Texts{"A goes from 51 to 26 on 3: a split? A column 'adj close' takes it out"});
  CHECK(parse("A\n100\n51\n26\n26\n").notes == Texts{"A goes from 100 to 51 on row 2 and jumps 1 times more: "
                                                     "a split? A column 'adj close' takes it out"});
  CHECK(parse("A\n100\n60\n100\n").notes.empty());
}

TEST_CASE("io/prices: long form is aligned on the days that all symbols share") {
  const auto table = parse("date,symbol,close\n1,A,10\n2,A,11\n3,A,12\n1,B,20\n3,B,22\n4,B,23\n");
  CHECK(table.symbols == Texts{"A", "B"});
  CHECK(table.dates == Texts{"1", "3"});
  CHECK(table.close == Floats{10, 20, 12, 22});
  CHECK(table.notes ==
        Texts{"A lacks 1 of 4 days; they are left out", "B lacks 1 of 4 days; they are left out"});
  const auto by_day = parse("ticker,price,volume\nA,10,5\nB,20,6\nA,11,7\nB,21,8\n");
  CHECK(by_day.close == Floats{10, 20, 11, 21});
  CHECK(by_day.volume == Floats{5, 6, 7, 8});
  CHECK(by_day.notes.empty());
}

TEST_CASE("io/prices: long form may be filled instead, between the last beginning and the first end") {
  const std::string text =
      "date,symbol,open,high,low,close,volume,sentiment\n"
      "1,A,9,11,8,10,100,1\n2,A,10,12,9,11,200,2\n3,A,11,13,10,12,300,3\n5,A,12,14,11,13,400,4\n"
      "6,A,13,15,12,14,500,5\n7,A,14,16,13,15,600,6\n"
      "2,B,19,21,18,20,10,-1\n4,B,20,22,19,21,20,-2\n5,B,21,23,20,22,30,-3\n6,B,22,24,21,23,40,-4\n";
  const auto filled = polis::parse_prices(text, "p.csv", {.calendar = polis::PriceCalendar::forward_fill});
  CHECK(filled.dates == Texts{"2", "3", "4", "5", "6"});
  CHECK(filled.close == Floats{11, 20, 12, 20, 12, 21, 13, 22, 14, 23});
  CHECK(filled.open == Floats{10, 19, 11, 20, 12, 20, 12, 21, 13, 22});
  CHECK(filled.high == Floats{12, 21, 13, 20, 12, 22, 14, 23, 15, 24});
  CHECK(filled.low == Floats{9, 18, 10, 20, 12, 19, 11, 20, 12, 21});
  CHECK(filled.volume == Floats{200, 10, 300, 0, 0, 20, 400, 30, 500, 40});
  CHECK(filled.sentiment == Floats{2, -1, 3, -1, 3, -2, 4, -3, 5, -4});
  CHECK(filled.notes == Texts{"A lacks 1 of 5 days; they are filled with its close before",
                              "B lacks 1 of 5 days; they are filled with its close before",
                              "2 days before all symbols begin or after one ends are left out"});
  CHECK(parse(text).dates == Texts{"2", "5", "6"});
  // A symbol without a row on the first day that is kept stands at the close before.
  const auto early =
      polis::parse_prices("date,symbol,close\n1,A,10\n3,A,12\n4,A,13\n2,B,20\n3,B,21\n4,B,22\n", "p.csv",
                          {.calendar = polis::PriceCalendar::forward_fill});
  CHECK(early.dates == Texts{"2", "3", "4"});
  CHECK(early.close == Floats{10, 20, 12, 21, 13, 22});
}

TEST_CASE("io/prices: a gap longer than may be filled is refused where it ends") {
  std::string text = "date,symbol,close\n";
  for (int day = 1; day <= 9; ++day) text += std::to_string(day) + ",A,10\n";
  text += "1,B,20\n8,B,21\n9,B,22\n";
  const auto read = [&](int longest) {
    try {
      polis::parse_prices(text, "p.csv",
                          {.calendar = polis::PriceCalendar::forward_fill, .longest_gap = longest});
    } catch (const polis::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(read(5) ==
        "p.csv:12:1: B has no row on 6 days before this one; expected at most 5 (longest_gap), or calendar "
        "intersection");
  CHECK(read(6) == "no error");
}

TEST_CASE("io/prices: prices of a day that contradict each other are refused") {
  CHECK(refusal("date,open,high,low,close\n1,10,12,9,11\n2,13,12,9,11\n") ==
        "data/prices.csv:3:3: the open of 13 is above the high of 12; expected a price between the day's low "
        "and high");
  CHECK(starts_with(refusal("open,high,low,close\n10,12,9,11\n10,12,9,8\n"),
                    "data/prices.csv:3:9: the close of 8 is below the low of 9"));
  CHECK(starts_with(refusal("high,close\n12,11\n12,12.5\n"),
                    "data/prices.csv:3:4: the close of 12.5 is above the high of 12"));
  CHECK(parse("open,high,low,close\n10,12,9,11\n10,12,9,12.001\n").days == 2);  // rounded
  // Scaled by the adjusted close all of them, and so still in order.
  CHECK(parse("open,high,low,close,adj close\n10,12,9,11,5.5\n10,12,9,11,11\n").high == Floats{6, 12});
}

TEST_CASE("io/prices: a value that is no price is refused with its line and column") {
  const std::string before = "day,DAX,SMI\n0,1,2\n1,3,";
  CHECK(refusal(before + "n/a\n") ==
        "data/prices.csv:3:5: found 'n/a' in column 'SMI'; expected a number, with a point for decimals");
  CHECK(refusal(before + "\n") ==
        "data/prices.csv:3:5: the field in column 'SMI' is empty; expected a number");
  CHECK(refusal(before + "nan\n") ==
        "data/prices.csv:3:5: found 'nan' in column 'SMI'; expected a finite number");
  CHECK(starts_with(refusal(before + "-inf\n"), "data/prices.csv:3:5: found '-inf'"));
  CHECK(refusal(before + "-4\n") ==
        "data/prices.csv:3:5: found '-4' in column 'SMI'; expected a price above zero");
  CHECK(starts_with(refusal(before + "0\n"), "data/prices.csv:3:5: found '0'"));
  CHECK(starts_with(refusal(before + "1e-60\n"), "data/prices.csv:3:5: found '1e-60'"));
  CHECK(starts_with(refusal(before + "4,5\n"), "data/prices.csv:3:7: this row has 4 fields; expected 3"));
  CHECK(starts_with(refusal("day;DAX\n0;1,5\n1;2\n"), "data/prices.csv:2:3: found '1,5'"));
  CHECK(
      starts_with(refusal("high,low,close\n2,1,1\n1,2,1\n"), "data/prices.csv:3:1: the high of 1 is below"));
  CHECK(starts_with(refusal("close,volume\n2,1\n1,-2\n"),
                    "data/prices.csv:3:3: found '-2' in column 'volume'"));
}

TEST_CASE("io/prices: days must be dates, each once, the oldest first") {
  CHECK(refusal("date,A\n2024-01-02,1\n2024-01-02,2\n") ==
        "data/prices.csv:3:1: found 2024-01-02 again (of line 2); expected each day once, the oldest first");
  CHECK(starts_with(refusal("date,A\n2024-01-03,1\n2024-01-02,2\n"),
                    "data/prices.csv:3:1: found 2024-01-02 after 2024-01-03 (of line 2)"));
  CHECK(starts_with(refusal("day,A\n9,1\n10,2\n2,2\n"), "data/prices.csv:4:1: found 2 after 10 (of line 3)"));
  CHECK(
      starts_with(refusal("date,symbol,close\n1,A,1\n1,B,1\n1,A,1\n"), "data/prices.csv:4:1: found 1 again"));
  for (const std::string date : {"01/31/2024", "2024-13-01", "2024-01-32", "2024-01-02x", "soon"}) {
    CHECK(refusal("date,A\n" + date + ",1\n") == "data/prices.csv:2:1: found the date '" + date +
                                                     "'; expected a whole number or a date like 2024-01-31");
  }
  CHECK(starts_with(refusal("date,A\n,1\n"), "data/prices.csv:2:1: the date is empty"));
}

TEST_CASE("io/prices: a table without enough rows or columns is refused") {
  CHECK(refusal("day,A\n0,1\n") == "data/prices.csv: found one row of prices; expected at least 2");
  CHECK(refusal("day,A\n") == "data/prices.csv: found 0 rows of prices; expected at least 2");
  CHECK(refusal("A\n1\n2\n3\n", 100) == "data/prices.csv: found 3 rows of prices; expected at least 100");
  CHECK(starts_with(refusal("date,symbol,close\n1,A,1\n2,B,1\n"), "data/prices.csv: found 0 rows of prices"));
  CHECK(starts_with(refusal("symbol,close\nA,1\nB,1\nB,1\n"), "data/prices.csv: B has 2 rows and A has 1"));
  CHECK(starts_with(refusal("day\n1\n2\n"), "data/prices.csv:1:1: found no column of prices"));
  CHECK(starts_with(refusal("date,symbol,open\n1,A,1\n"),
                    "data/prices.csv:1:13: found no column of closing prices"));
  CHECK(starts_with(refusal("day,A,A\n1,2,3\n"), "data/prices.csv:1:7: the symbol 'A' is named twice"));
  CHECK(starts_with(refusal("day,A,\n1,2,3\n"), "data/prices.csv:1:7: this column has no name"));
  CHECK(starts_with(refusal("date,day,A\n1,2,3\n"), "data/prices.csv:1:6: found 'date' and 'day'"));
  CHECK(refusal("0,1628.75\n1,1613.63\n") ==
        "data/prices.csv:1:1: the first line holds a number, '0'; expected the names of the columns");
}
