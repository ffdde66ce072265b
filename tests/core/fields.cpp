// Settings by path, their text forms and the check that no member is left out of `fields`.
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <polis/core/fields.hpp>

namespace test_fields {

enum class Fill { Open, Close, Midpoint };
constexpr auto enum_names(Fill) { return std::array{"open", "close", "midpoint"}; }

struct Objective {
  float clip = .2f;
  bool normalize = true;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("clip", self.clip);
    visit("normalize", self.normalize);
  }
};

struct Algorithm {
  Objective objective;
  int epochs = 4;
  double learning_rate = 3e-4;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("objective", self.objective);
    visit("epochs", self.epochs);
    visit("learning_rate", self.learning_rate);
  }
};

struct Settings {
  std::uint64_t seed = 0;
  std::int8_t small = 0;
  Fill fill = Fill::Open;
  std::string name = "run";
  std::vector<int> sizes = {64, 64};
  std::vector<std::string> symbols;
  polis::Array<float, 3> weights = {{1, 2, 3}};
  std::array<double, 2> bounds = {-1, 1};
  std::optional<float> threshold;
  Algorithm algorithm;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("seed", self.seed);
    visit("small", self.small);
    visit("fill", self.fill);
    visit("name", self.name);
    visit("sizes", self.sizes);
    visit("symbols", self.symbols);
    visit("weights", self.weights);
    visit("bounds", self.bounds);
    visit("threshold", self.threshold);
    visit("algorithm", self.algorithm);
  }
};

struct Forgetful {
  int seen = 0;
  int unseen = 0;
  static constexpr void fields(auto& self, auto&& visit) { visit("seen", self.seen); }
};

struct HoldsForgetful {
  Forgetful part;
  static constexpr void fields(auto& self, auto&& visit) { visit("part", self.part); }
};

struct Nothing {
  static constexpr void fields(auto&, auto&&) {}
};

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

static_assert(polis::HasFields<Settings> && polis::HasFields<const Settings> && !polis::HasFields<int>);
static_assert(!polis::FieldLeaf<int*> && !polis::FieldLeaf<Settings>);
static_assert(polis::member_count<Settings> == 10 && polis::member_count<Nothing> == 0);
static_assert(polis::fields_complete<Algorithm>() && polis::fields_complete<Nothing>());
static_assert(!polis::fields_complete<Forgetful>() && !polis::fields_complete<HoldsForgetful>());

}  // namespace test_fields

using namespace test_fields;

TEST_CASE("core/fields: every leaf is reached by its dotted path, in the order listed") {
  CHECK(polis::fields_complete<Settings>());
  Settings settings;
  std::vector<std::string> paths;
  polis::for_each_field(settings, [&](const std::string& path, auto&) { paths.push_back(path); });
  REQUIRE(paths.size() == 13);
  CHECK(paths[0] == "seed");
  CHECK(paths[9] == "algorithm.objective.clip");
  CHECK(paths[12] == "algorithm.learning_rate");
}

TEST_CASE("core/fields: texts of every type are read") {
  Settings s;
  const std::vector<std::string> assignments = {"seed=18446744073709551615",
                                                "small=-128",
                                                "fill=midpoint",
                                                "name=a b = c",
                                                "sizes=[1, 2,3]",
                                                "weights=4,5,6e-1",
                                                "bounds=[0,1]",
                                                "symbols=DAX, \"a,b\"",
                                                "threshold=.65",
                                                "algorithm.objective.clip = .1",
                                                "algorithm.objective.normalize=off"};
  polis::apply_assignments(s, assignments);
  CHECK(s.seed == std::numeric_limits<std::uint64_t>::max());
  CHECK(s.small == -128);
  CHECK(s.fill == Fill::Midpoint);
  CHECK(s.name == "a b = c");
  CHECK(s.sizes == std::vector{1, 2, 3});
  CHECK(s.weights == polis::Array<float, 3>{{4, 5, .6f}});
  CHECK(s.symbols == std::vector<std::string>{"DAX", "a,b"});
  CHECK(s.threshold == .65f);
  CHECK(s.algorithm.objective.clip == .1f);
  CHECK(!s.algorithm.objective.normalize);
  polis::set_field(s, "threshold", "auto");
  CHECK(!s.threshold);
  polis::set_field(s, "sizes", "[]");
  CHECK(s.sizes.empty());
}

TEST_CASE("core/fields: text round trip keeps every bit") {
  Settings s;
  s.name = "\"quoted\"\n# second line\\n ";
  s.symbols = {"plain", "with, comma", "", " blanks ", "]", "\"", "back\\slash"};
  s.weights = {{.1f, std::numeric_limits<float>::denorm_min(), -std::numeric_limits<float>::infinity()}};
  s.bounds = {1. / 3, -0.};
  s.threshold = 1e-30f;
  Settings copy;
  polis::from_text(copy, "# settings\n\n" + polis::to_text(s));
  CHECK(polis::to_text(copy) == polis::to_text(s));
  CHECK(copy.name == s.name);
  CHECK(copy.symbols == s.symbols);
  CHECK(copy.weights == s.weights);
  CHECK(std::bit_cast<std::uint64_t>(copy.bounds[0]) == std::bit_cast<std::uint64_t>(s.bounds[0]));
  CHECK(std::bit_cast<std::uint64_t>(copy.bounds[1]) == std::bit_cast<std::uint64_t>(s.bounds[1]));
  for (const std::string name : {"", "\\", "a\\\"b", "\"", "\\n", "tab\t", "\r"}) {
    s.name = name;
    polis::from_text(copy, polis::to_text(s));
    CHECK(copy.name == name);
  }
}

TEST_CASE("core/fields: an unknown key is an error that names it, the closest and all known ones") {
  Settings s;
  auto message = error_of([&] { polis::set_field(s, "algorithm.objective.cilp", "1"); });
  CHECK(
      contains(message, "unknown key 'algorithm.objective.cilp', did you mean 'algorithm.objective.clip'?"));
  CHECK(contains(message, "one of algorithm.objective.clip, "));
  CHECK(contains(message, "seed"));
  message = error_of([&] { polis::set_field(s, "epoch", "1"); });
  CHECK(contains(message, "did you mean 'algorithm.epochs'?"));
  message = error_of([&] { polis::set_field(s, "qqqqqqqq", "1"); });
  CHECK(!contains(message, "did you mean"));
  message = error_of([&] { polis::set_field(s, "algorithm", "1"); });
  CHECK(contains(message, "group"));
  CHECK(contains(error_of([&] { polis::set_field(s, "", "1"); }), "unknown key ''"));
  Nothing nothing;
  CHECK(contains(error_of([&] { polis::set_field(nothing, "a", "1"); }), "no key at all"));
}

TEST_CASE("core/fields: a value of the wrong type is an error with key, text and what was expected") {
  Settings s;
  const auto message = [&](const char* key, const char* text) {
    return error_of([&] { polis::set_field(s, key, text); });
  };
  CHECK(message("algorithm.epochs", "four") ==
        "algorithm.epochs: cannot read 'four'; expected a whole number from -2147483648 to 2147483647");
  CHECK(contains(message("algorithm.epochs", "4.5"), "cannot read '4.5'"));
  CHECK(contains(message("algorithm.epochs", "4x"), "cannot read '4x'"));
  CHECK(contains(message("algorithm.epochs", ""), "cannot read ''"));
  CHECK(contains(message("algorithm.epochs", "99999999999"), "out of range"));
  CHECK(contains(message("small", "128"), "out of range; expected a whole number from -128 to 127"));
  CHECK(contains(message("seed", "-1"), "out of range"));
  CHECK(contains(message("seed", "-x"), "cannot read"));
  CHECK(contains(message("algorithm.objective.clip", "1e99"), "out of range; expected a number"));
  CHECK(contains(message("algorithm.objective.clip", ".2f"), "cannot read"));
  CHECK(contains(message("algorithm.objective.normalize", "maybe"), "true or false"));
  CHECK(contains(message("fill", "Open"), "one of open, close, midpoint"));
  CHECK(contains(message("weights", "1,2"), "exactly 3"));
  CHECK(contains(message("sizes", "1,,2"), "cannot read"));
  CHECK(contains(message("threshold", "high"), "a number, or auto"));
  CHECK(contains(message("name", "\"open"), "quotes closed"));
  CHECK(polis::to_text(s) == polis::to_text(Settings{}));
}

TEST_CASE("core/fields: assignments apply all or none") {
  Settings s;
  const std::vector<std::string> assignments = {"seed=7", "algorithm.epochs=many"};
  CHECK(contains(error_of([&] { polis::apply_assignments(s, assignments); }), "algorithm.epochs"));
  CHECK(s.seed == 0);
  const std::vector<std::string> no_equals = {"seed 7"};
  CHECK(contains(error_of([&] { polis::apply_assignments(s, no_equals); }),
                 "'seed 7' has no '='; expected key=value"));
}
