// Flags and key=value words.
#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include <polis/io/command_line.hpp>

namespace test_command_line {

struct Inner {
  float clip = .2f;
  static constexpr void fields(auto& self, auto&& visit) { visit("clip", self.clip); }
};
struct Settings {
  int epochs = 4;
  Inner objective;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("epochs", self.epochs);
    visit("objective", self.objective);
  }
};

polis::CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "./trading");
  return {static_cast<int>(words.size()),
          words.data(),
          {{"--csv FILE", "prices of your own"}, {"--resume", "go on"}, "--seed N"}};
}

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

std::string refusal(const std::vector<const char*>& words) {
  return error_of([&] { parse(words); });
}

}  // namespace test_command_line

using namespace test_command_line;

TEST_CASE("io/command_line: flags and settings in any order") {
  const auto cli =
      parse({"epochs=10", "--csv", "my prices.csv", "--resume", "objective.clip=.1", "--seed=7"});
  CHECK(cli.has("--resume"));
  CHECK(!cli.wants_help());
  CHECK(cli.value("--csv") == "my prices.csv");
  CHECK(cli.value("--seed", 1) == 7);
  CHECK(cli.assignments().size() == 2);
  Settings settings;
  cli.apply(settings);
  CHECK(settings.epochs == 10);
  CHECK(settings.objective.clip == .1f);

  const auto none = parse({});
  CHECK(!none.has("--csv"));
  CHECK(!none.value("--csv"));
  CHECK(none.value("--seed", 1) == 1);
}

TEST_CASE("io/command_line: help shows flags and every key with its default") {
  for (const char* word : {"--help", "-h"}) {
    const auto cli = parse({word});
    CHECK(cli.wants_help());
    CHECK(cli.help("Trades.", Settings{}) ==
          "Trades.\n\nusage: ./trading [FLAG...] [KEY=VALUE...]\n\nflags\n"
          "  --csv FILE  prices of your own\n  --resume    go on\n  --seed N\n  --help      show this\n\n"
          "keys and their defaults\n  epochs=4\n  objective.clip=0.2\n");
  }
}

TEST_CASE("io/command_line: what is not understood is an error that lists what is") {
  CHECK(refusal({"--sed", "3"}) ==
        "command line: unknown flag '--sed', did you mean '--seed'?; expected one of --seed, --csv, --help, "
        "--resume");
  CHECK(refusal({"train"}) ==
        "command line: found 'train'; expected key=value or one of --csv FILE, --resume, --seed N, --help");
  CHECK(refusal({"--csv"}) == "command line: --csv has no value; expected --csv FILE");
  CHECK(refusal({"--csv", "--resume"}) == refusal({"--csv"}));
  CHECK(refusal({"--resume=1"}) == "command line: found '--resume=1'; expected --resume");
  CHECK(refusal({"--resume", "--resume"}) ==
        "command line: --resume is given twice; expected each flag once");
  CHECK(error_of([] {
          static_cast<void>(parse({"--seed", "x"}).value("--seed", 1));
        }).find("--seed: cannot read 'x'") == 0);
  Settings settings;
  const auto message = error_of([&] { parse({"epoch=3"}).apply(settings); });
  CHECK(message == "unknown key 'epoch', did you mean 'epochs'?; expected one of epochs, objective.clip");
}
