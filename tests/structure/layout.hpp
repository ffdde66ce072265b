// Checks headers against the table of docs/floors.md: who may include whom, and the marks of a well-kept
// header.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace polis::structure {

/// One row of the table: what the headers of a floor may include.
struct Floor {
  std::set<std::string> floors, libraries;
};

/// Floors by name; a header that stands at the root (polis.hpp) is a floor of its own.
using Floors = std::map<std::string, Floor>;

inline std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// The words of a table's cell that stand in `backticks`.
inline std::vector<std::string> quoted_words(const std::string& cell) {
  static const std::regex quoted("`([^`]+)`");
  std::vector<std::string> words;
  for (std::sregex_iterator word(cell.begin(), cell.end(), quoted), end; word != end; ++word)
    words.push_back((*word)[1]);
  return words;
}

/// Reads the rows "| `floor` | `floor` ... | `library` ... |". Throws where a row names a floor that is not
/// in a row above it: so the table itself cannot hold a cycle.
inline Floors read_floors(const std::filesystem::path& table) {
  static const std::regex row(R"(^\| (`[^`|]+`) \|([^|]*)\|([^|]*)\|$)");
  Floors floors;
  std::set<std::string> above;
  for (const std::string& line : read_lines(table)) {
    std::smatch cells;
    if (!std::regex_match(line, cells, row)) continue;
    const std::string name = quoted_words(cells[1]).front();
    Floor& floor = floors[name];
    for (const std::string& other : quoted_words(cells[2])) {
      if (!above.contains(other))
        throw std::runtime_error(name + " includes " + other + ", not a floor above");
      floor.floors.insert(other);
    }
    if (cells[2].str().find("everything above") != std::string::npos) floor.floors = above;
    for (const std::string& library : quoted_words(cells[3])) floor.libraries.insert(library);
    if (!name.ends_with(".hpp")) above.insert(name);
  }
  if (floors.empty()) throw std::runtime_error("no rows in " + table.string());
  return floors;
}

/// The floor of a header named from the include directory: "polis/core/error.hpp" is on "core".
inline std::string floor_of(const std::string& header) {
  const std::string inner = header.substr(header.find('/') + 1);
  return inner.substr(0, inner.find('/'));
}

/// What is wrong with one `#include`, or nothing.
inline std::string include_problem(const Floors& floors, const std::string& from, const std::string& target,
                                   bool angled) {
  if (!angled) return "includes \"" + target + "\"; expected <polis/...>";
  const std::string folder = target.substr(0, target.find('/'));
  if (folder == target || folder == "sys" || folder == "netinet")
    return {};  // the standard library's and the system's
  const Floor& floor = floors.at(from);
  if (folder != "polis")
    return floor.libraries.contains(folder) ? "" : "includes <" + target + ">, no library of this floor";
  const std::string to = floor_of(target);
  if (to == from || floor.floors.contains(to)) return {};
  return "includes <" + target + ">; " + from + " may not include " + to;
}

/// Columns of a line of UTF-8.
inline std::ptrdiff_t columns(const std::string& line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; });
}

inline constexpr int most_columns = 110;
inline constexpr int most_lines = 400;

/// Everything wrong with one header, a line each: "polis/core/error.hpp:3: ...".
inline std::vector<std::string> header_problems(const Floors& floors, const std::string& header,
                                                const std::vector<std::string>& lines) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
  const std::string from = floor_of(header);
  std::vector<std::string> problems;
  const auto report = [&](std::size_t line, const std::string& problem) {
    if (!problem.empty()) problems.push_back(header + ":" + std::to_string(line) + ": " + problem);
  };

  if (!floors.contains(from)) return {header + ":1: no floor of docs/floors.md is called " + from};
  if (header.find("/detail/") != std::string::npos) report(1, "in a detail/ folder");
  if (lines.empty() || !lines[0].starts_with("// "))
    report(1, "does not open with a comment on what it is for");
  const auto code = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
    return !line.empty() && !line.starts_with("//");
  });
  if (code == lines.end() || *code != "#pragma once") report(1, "no #pragma once after the opening comment");
  if (lines.size() > most_lines) report(lines.size(), "longer than " + std::to_string(most_lines) + " lines");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (columns(lines[i]) > most_columns)
      report(i + 1, "wider than " + std::to_string(most_columns) + " columns");
    if (std::regex_match(lines[i], match, include))
      report(i + 1, include_problem(floors, from, match[2], match[1] == "<"));
  }
  return problems;
}

/// Everything wrong with the headers below `include_directory`/polis, in the order of their names.
inline std::vector<std::string> layout_problems(const Floors& floors,
                                                const std::filesystem::path& include_directory) {
  std::vector<std::string> problems;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(include_directory / "polis")) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(include_directory).generic_string();
    const auto extension = entry.path().extension();
    if (extension != ".hpp" && extension != ".cuh") {  // the latter for nvcc alone
      problems.push_back(name + ":1: not a header");
      continue;
    }
    for (std::string& problem : header_problems(floors, name, read_lines(entry.path())))
      problems.push_back(std::move(problem));
  }
  std::sort(problems.begin(), problems.end());
  return problems;
}

}  // namespace polis::structure
