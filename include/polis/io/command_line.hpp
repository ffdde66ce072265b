// The command line of a program: settings as key=value words, and the few flags that the program states.
//
//   CommandLine cli(argc, argv, {{"--csv FILE", "prices of your own"}, {"--resume", "go on from the
//   checkpoint"}}); if (cli.wants_help()) return std::puts(cli.help("Trains agents to trade.",
//   config).c_str()), 0; cli.apply(config);                              // algorithm.objective.clip=.1
//   env.costs=0 const auto seed = cli.value("--seed", config.seed);
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// A flag as the help shows it: "--resume" is a switch, "--csv FILE" takes a value.
struct Flag {
  Flag(const char* usage, const char* what_it_does = "")  // NOLINT(google-explicit-constructor): {"--resume"}
      : text(usage), help(what_it_does) {}

  [[nodiscard]] std::string_view name() const { return std::string_view(text).substr(0, text.find(' ')); }
  [[nodiscard]] bool takes_value() const { return text.find(' ') != text.npos; }

  std::string text, help;
};

class CommandLine {
 public:
  /// Sorts the words into flags and key=value settings; --help and -h are always known.
  /// Error: an unknown flag (it lists those there are); a flag without its value, or with one it does not
  /// take, or given twice; a word that is neither.
  CommandLine(int argc, const char* const* argv, std::initializer_list<Flag> flags = {}) : flags_(flags) {
    if (argc > 0) program_ = argv[0];
    flags_.emplace_back("--help", "show this");
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      if (word == "-h")
        given_.emplace_back("--help", "");
      else if (word.substr(0, 2) == "--")
        i += read_flag(word, i + 1 < argc ? argv[i + 1] : nullptr);
      else if (word.find('=') != word.npos)
        assignments_.emplace_back(word);
      else
        throw Error(concat({"found '", word, '\''}), "command line",
                    concat({"key=value or one of ", list_flags()}));
    }
  }

  [[nodiscard]] bool wants_help() const { return has("--help"); }

  /// Whether the flag was given.
  [[nodiscard]] bool has(std::string_view flag) const { return find(flag) != nullptr; }

  /// The flag's value, if it was given.
  [[nodiscard]] std::optional<std::string> value(std::string_view flag) const {
    const std::string* text = find(flag);
    return text ? std::optional(*text) : std::nullopt;
  }

  /// The flag's value, or `otherwise`. Error: the value is not of that type.
  template <FieldLeaf T>
  [[nodiscard]] T value(std::string_view flag, T otherwise) const {
    if (const std::string* text = find(flag)) Field(std::string(flag), otherwise).set(*text);
    return otherwise;
  }

  /// The key=value words, in order.
  [[nodiscard]] const std::vector<std::string>& assignments() const { return assignments_; }

  /// Applies the key=value words to a settings aggregate. Error: as apply_assignments.
  template <HasFields T>
  void apply(T& settings) const {
    apply_assignments(settings, assignments_);
  }

  /// What --help prints: usage, flags, and every key with its default.
  template <HasFields T>
  [[nodiscard]] std::string help(std::string_view what_it_does, const T& defaults) const {
    std::string text =
        std::string(what_it_does) + "\n\nusage: " + program_ + " [FLAG...] [KEY=VALUE...]\n\nflags\n";
    std::size_t width = 0;
    for (const Flag& flag : flags_) width = std::max(width, flag.text.size());
    for (const Flag& flag : flags_) {
      text += "  " + flag.text;
      if (!flag.help.empty()) text += std::string(width + 2 - flag.text.size(), ' ') + flag.help;
      text += '\n';
    }
    text += "\nkeys and their defaults\n";
    for (const Field& field : list_fields(const_cast<T&>(defaults))) {  // only read
      text += "  " + field.path() + '=' + field.text() + '\n';
    }
    return text;
  }

 private:
  [[nodiscard]] std::string list_flags() const {
    std::string list;
    for (const Flag& flag : flags_) list += (list.empty() ? "" : ", ") + flag.text;
    return list;
  }

  [[nodiscard]] const Flag& known(std::string_view name) const {
    std::vector<std::string> names;
    for (const Flag& flag : flags_) {
      if (flag.name() == name) return flag;
      names.emplace_back(flag.name());
    }
    throw internal::unknown_name("flag", name, names, "command line");
  }

  [[nodiscard]] const std::string* find(std::string_view name) const {
    const std::string_view asked = known(name).name();
    for (const auto& [flag, text] : given_) {
      if (flag == asked) return &text;
    }
    return nullptr;
  }

  /// Takes one "--flag", "--flag=value" or "--flag value"; returns how many further words it used.
  int read_flag(std::string_view word, const char* next) {
    const auto equals = word.find('=');
    const Flag& flag = known(word.substr(0, equals));
    const std::string name(flag.name());
    if (has(name)) throw Error(concat({name, " is given twice"}), "command line", "each flag once");
    if (!flag.takes_value()) {
      if (equals != word.npos) throw Error(concat({"found '", word, '\''}), "command line", flag.text);
      given_.emplace_back(name, "");
      return 0;
    }
    if (equals != word.npos) {
      given_.emplace_back(name, word.substr(equals + 1));
      return 0;
    }
    if (next == nullptr || std::string_view(next).substr(0, 2) == "--") {
      throw Error(concat({name, " has no value"}), "command line", flag.text);
    }
    given_.emplace_back(name, next);
    return 1;
  }

  std::string program_ = "program";
  std::vector<Flag> flags_;
  std::vector<std::pair<std::string, std::string>> given_;
  std::vector<std::string> assignments_;
};

}  // namespace polis
