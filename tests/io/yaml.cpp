// Settings in YAML.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include <polis/io/yaml.hpp>

namespace test_yaml {

enum class Fill { Open, Close };
constexpr auto enum_names(Fill) { return std::array{"open", "close"}; }

struct Objective {
  float clip = .2f;
  bool normalize = true;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("clip", self.clip);
    visit("normalize", self.normalize);
  }
};
struct Nothing {
  static constexpr void fields(auto&, auto&&) {}
};
struct Settings {
  int epochs = 4;
  Objective objective;
  Nothing nothing;
  std::string name = "run";
  std::vector<std::string> symbols;
  std::array<double, 2> bounds{};
  std::optional<float> threshold;
  Fill fill = Fill::Open;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("epochs", self.epochs);
    visit("objective", self.objective);
    visit("nothing", self.nothing);
    visit("name", self.name);
    visit("symbols", self.symbols);
    visit("bounds", self.bounds);
    visit("threshold", self.threshold);
    visit("fill", self.fill);
  }
};

Settings parse(const std::string& text) {
  Settings settings;
  polis::parse_yaml(text, settings, "s.yaml");
  return settings;
}

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

std::string refusal(const std::string& text) {
  return error_of([&] { parse(text); });
}

}  // namespace test_yaml

using namespace test_yaml;

TEST_CASE("io/yaml: nested keys, dotted paths, lists and no value") {
  const auto s = parse(
      "# settings\nepochs: 10\nobjective:\n  clip: .1\nobjective.normalize: no\nsymbols: [DAX, 'a,b', \"\"]\n"
      "bounds:\n  - -1\n  - 1.5\nname: \"two\\nlines\"\nfill: close\nthreshold: 0.5\n");
  CHECK(s.epochs == 10);
  CHECK(s.objective.clip == .1f);
  CHECK(!s.objective.normalize);
  CHECK(s.symbols == std::vector<std::string>{"DAX", "a,b", ""});
  CHECK(s.bounds == std::array{-1., 1.5});
  CHECK(s.name == "two\nlines");
  CHECK(s.fill == Fill::Close);
  CHECK(s.threshold == .5f);
  CHECK(!parse("threshold: ~").threshold);
  CHECK(parse("").epochs == 4);
}

TEST_CASE("io/yaml: writing and reading gives the same settings") {
  Settings s;
  s.objective.clip = .1f;
  s.bounds = {1. / 3, std::numeric_limits<double>::infinity()};
  s.symbols = {"", "a, b", "yes", "#", "\"", "back\\slash"};
  for (const std::string name : {"yes", "a: b", "# c", "", "~", "line\nline\r", "\"q\" \\", " blanks "}) {
    s.name = name;
    s.threshold = name.empty() ? std::optional<float>() : .25f;
    const auto path = "/tmp/polis-yaml-" + std::to_string(::getpid());
    polis::write_yaml(path, s);
    Settings read;
    polis::read_yaml(path, read);
    std::remove(path.c_str());
    CHECK(polis::to_text(read) == polis::to_text(s));
    CHECK(read.name == name);
    CHECK(read.symbols == s.symbols);
  }
}

TEST_CASE("io/yaml: errors give the line and column, and nothing is changed") {
  const auto unknown = refusal("epochs: 3\nobjective:\n  cilp: 1\n");
  CHECK(unknown.find(
            "s.yaml:3:3: unknown key 'objective.cilp', did you mean 'objective.clip'?; expected one of "
            "objective.clip, ") == 0);
  CHECK(unknown.find("threshold") != std::string::npos);
  CHECK(refusal("objective:\n  clip: high\n") ==
        "s.yaml:2:9: objective.clip: cannot read 'high'; expected a number");
  CHECK(refusal("epochs: 99999999999\n").find("s.yaml:1:9: epochs: '99999999999' is out of range") == 0);
  CHECK(refusal("objective: 3\n").find("s.yaml:1:1: unknown key 'objective' (it is a group") == 0);
  CHECK(refusal("epochs: {a: 1}\n").find("s.yaml:1:10: unknown key 'epochs.a'") == 0);
  CHECK(refusal("epochs: [1, 2]\n").find("s.yaml:1:9: epochs: cannot read '[1, 2]'") == 0);
  CHECK(refusal("symbols: [[a]]\n").find("s.yaml:1:11: found a list inside a list") == 0);
  CHECK(refusal("epochs: 1\nepochs: 2\n") ==
        "s.yaml:2:1: the key 'epochs' is given twice; expected each key once");
  CHECK(refusal("epochs: 1\n objective: [\n").find("s.yaml:") == 0);
  CHECK(refusal("- 1\n") == "s.yaml:1:1: found no keys; expected a map of keys and values");
  Settings s;
  CHECK(error_of([&] { polis::parse_yaml("epochs: 9\nfill: never\n", s, "s.yaml"); }) ==
        "s.yaml:2:7: fill: cannot read 'never'; expected one of open, close");
  CHECK(s.epochs == 4);
  CHECK(error_of([&] { polis::read_yaml("/nowhere/s.yaml", s); }) ==
        "/nowhere/s.yaml: cannot be read: No such file or directory");
  CHECK(error_of([&] { polis::write_yaml("/dev/full", s); }) ==
        "/dev/full: cannot be written: No space left on device");
  CHECK(error_of([&] { polis::write_yaml("/nowhere/s.yaml", s); }) ==
        "/nowhere/s.yaml: cannot be written: No such file or directory");
}
