// The headers keep to the floors of docs/floors.md; and the checker sees what it is there to see.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "layout.hpp"

namespace {

namespace fs = std::filesystem;
using namespace polis::structure;

const fs::path root = POLIS_SOURCE_DIR;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// A directory that is empty at first and gone at the end.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("polis-structure-" + std::to_string(getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Scratch() { fs::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const Floors small_table = {{"core", {{}, {"xsimd"}}},
                            {"nn", {{"core"}, {}}},
                            {"env", {{"core"}, {}}},
                            {"polis.hpp", {{"core", "nn", "env"}, {}}}};

/// What the checker says of one header beside a core that is in order.
std::string verdict(const std::string& name, const std::string& body) {
  const Scratch scratch;
  scratch.write("polis/core/error.hpp", "// Errors.\n#pragma once\n#include <string>\n");
  scratch.write(name, body);
  return joined(layout_problems(small_table, scratch.path()));
}

const std::string head = "// For a test.\n#pragma once\n\n";

}  // namespace

TEST_CASE("structure/floors: every header keeps to the table of docs/floors.md") {
  CHECK(joined(layout_problems(read_floors(root / "docs/floors.md"), root / "include")) == "");
}

TEST_CASE("structure/floors: a header in order passes") {
  CHECK(verdict("polis/nn/a.hpp", head + "#include <sys/mman.h>\n#include <polis/core/error.hpp>\n") == "");
  CHECK(verdict("polis/core/a.hpp", head + "#include <xsimd/xsimd.hpp>\n#include <polis/core/b.hpp>\n") ==
        "");
  CHECK(verdict("polis/polis.hpp", head + "#include <polis/nn/a.hpp>\n#include <polis/env/a.hpp>\n") == "");
  CHECK(verdict("polis/core/a.hpp", head + "// " + std::string(107, 'x') + "\n") == "");
}

TEST_CASE("structure/floors: includes upward, sideways and of foreign libraries are found") {
  CHECK(verdict("polis/core/a.hpp", head + "#include <polis/nn/b.hpp>\n") ==
        "polis/core/a.hpp:4: includes <polis/nn/b.hpp>; core may not include nn\n");
  CHECK(verdict("polis/env/a.hpp", head + "#  include <polis/nn/b.hpp>  // sideways\n") ==
        "polis/env/a.hpp:4: includes <polis/nn/b.hpp>; env may not include nn\n");
  CHECK(verdict("polis/nn/a.hpp", head + "#include <polis/polis.hpp>\n") ==
        "polis/nn/a.hpp:4: includes <polis/polis.hpp>; nn may not include polis.hpp\n");
  CHECK(verdict("polis/nn/a.hpp", head + "#include <xsimd/xsimd.hpp>\n") ==
        "polis/nn/a.hpp:4: includes <xsimd/xsimd.hpp>, no library of this floor\n");
  CHECK(verdict("polis/nn/a.hpp", head + "#include \"b.hpp\"\n") ==
        "polis/nn/a.hpp:4: includes \"b.hpp\"; expected <polis/...>\n");
}

TEST_CASE("structure/floors: headers out of place or ill kept are found") {
  CHECK(verdict("polis/attic/a.hpp", head) ==
        "polis/attic/a.hpp:1: no floor of docs/floors.md is called attic\n");
  CHECK(verdict("polis/nn/detail/a.hpp", head) == "polis/nn/detail/a.hpp:1: in a detail/ folder\n");
  CHECK(verdict("polis/nn/a.cpp", head) == "polis/nn/a.cpp:1: not a header\n");
  CHECK(verdict("polis/nn/a.hpp", "#pragma once\n") ==
        "polis/nn/a.hpp:1: does not open with a comment on what it is for\n");
  CHECK(verdict("polis/nn/a.hpp", "// For a test.\n#include <string>\n#pragma once\n") ==
        "polis/nn/a.hpp:1: no #pragma once after the opening comment\n");
  CHECK(verdict("polis/nn/a.hpp", head + "// " + std::string(108, 'x') + "\n") ==
        "polis/nn/a.hpp:4: wider than 110 columns\n");
  CHECK(verdict("polis/nn/a.hpp", head + std::string(398, '\n')) ==
        "polis/nn/a.hpp:401: longer than 400 lines\n");
}

TEST_CASE("structure/floors: the table is read, and a row that points up or sideways is refused") {
  const Scratch scratch;
  const std::string rows = "| Floor | May include | Libraries |\n|---|---|---|\n| `core` | | `xsimd` |\n";
  const Floors read = read_floors(
      scratch.write("good.md", rows + "| `nn` | `core` | |\n| `a.hpp` | everything above | `b` `c` |\n"));
  CHECK(read.size() == 3);
  CHECK(read.at("core").floors.empty());
  CHECK(read.at("core").libraries == std::set<std::string>{"xsimd"});
  CHECK(read.at("nn").floors == std::set<std::string>{"core"});
  CHECK(read.at("a.hpp").floors == std::set<std::string>{"core", "nn"});
  CHECK(read.at("a.hpp").libraries == std::set<std::string>{"b", "c"});
  CHECK_THROWS_WITH_AS(read_floors(scratch.write("bad.md", rows + "| `nn` | `env` | |\n| `env` | | |\n")),
                       "nn includes env, not a floor above", std::runtime_error);
  CHECK_THROWS_AS(read_floors(scratch.write("empty.md", "No table.\n")), std::runtime_error);
}
