// Settings in YAML files (yaml-cpp): the keys are the fields' names, nested or as dotted paths.
//
//   algorithm:
//     objective: {clip: .1}
//     epochs: 10
//   env.costs: 0.0005
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/text.hpp>
#include <polis/io/text_file.hpp>

namespace polis {

namespace internal {

/// Applies the nodes of one YAML document to a list of fields.
class YamlSettings {
 public:
  YamlSettings(const std::vector<Field>& fields, std::string file)
      : fields_(fields), file_(std::move(file)) {}

  void apply(const YAML::Node& node, const std::string& path, const YAML::Mark& key_mark) {
    if (node.IsMap()) {
      for (const auto& entry : node) {
        if (!entry.first.IsScalar())
          throw Error("found a key that is no name", where(entry.first.Mark()), "a key");
        const std::string name = entry.first.Scalar();
        apply(entry.second, path.empty() ? name : path + '.' + name, entry.first.Mark());
      }
      return;
    }
    if (path.empty()) throw Error("found no keys", where(node.Mark()), "a map of keys and values");
    if (std::find(seen_.begin(), seen_.end(), path) != seen_.end()) {
      throw Error(concat({"the key '", path, "' is given twice"}), where(key_mark), "each key once");
    }
    seen_.push_back(path);
    set(path, text_of(node), key_mark, node.Mark());
  }

 private:
  [[nodiscard]] std::string where(const YAML::Mark& mark) const {
    return file_ + ':' + std::to_string(mark.line + 1) + ':' + std::to_string(mark.column + 1);
  }

  /// Says of an Error about a key where in the file the key or its value stands.
  void set(const std::string& path, const std::string& text, const YAML::Mark& key,
           const YAML::Mark& value) const {
    const Field* field = nullptr;
    try {
      field = &find_field(fields_, path);
      field->set(text);
    } catch (const Error& error) {
      const std::string problem =
          error.where().empty() ? error.problem() : error.where() + ": " + error.problem();
      throw Error(problem, where(field ? value : key), error.expected());
    }
  }

  [[nodiscard]] std::string text_of(const YAML::Node& node) const {
    if (node.IsNull()) return "auto";
    if (node.IsScalar()) return quote_if_needed(node.Scalar());
    std::string list = "[";
    for (const auto& item : node) {
      if (!item.IsScalar())
        throw Error("found a list inside a list", where(item.Mark()), "a list of plain values");
      (list += list.size() > 1 ? ", " : "") += quote_if_needed(item.Scalar(), ",[]\"");
    }
    return list += ']';
  }

  const std::vector<Field>& fields_;
  std::string file_;
  std::vector<std::string> seen_;
};

template <class T>
void emit_yaml(YAML::Emitter& out, const T& value) {
  if constexpr (HasFields<T>) {
    out << YAML::BeginMap;
    T::fields(value, [&](std::string_view name, const auto& member) {
      out << YAML::Key << std::string(name) << YAML::Value;
      emit_yaml(out, member);
    });
    out << YAML::EndMap;
  } else if constexpr (std::is_same_v<T, std::string>) {
    out << YAML::DoubleQuoted << value;
  } else if constexpr (requires { value.begin(); }) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const auto& item : value) emit_yaml(out, item);
    out << YAML::EndSeq;
  } else {
    out << FieldText<T>::print(value);
  }
}

}  // namespace internal

/// Applies the settings of a YAML text; `file` names it in errors.
/// Error, with line and column, and then nothing is changed: text that is not YAML; an unknown key (it lists
/// those there are); a value of the wrong type; a key given twice.
template <HasFields T>
void parse_yaml(std::string_view text, T& settings, const std::string& file) {
  T changed = settings;
  const auto fields = list_fields(changed);
  try {
    const YAML::Node document = YAML::Load(std::string(text));
    if (!document.IsNull()) internal::YamlSettings(fields, file).apply(document, {}, document.Mark());
  } catch (const YAML::Exception& error) {
    throw Error(error.msg, concat({file, ':', error.mark.line + 1, ':', error.mark.column + 1}), "YAML");
  }
  settings = std::move(changed);
}

/// Applies the settings of a YAML file. Error: as parse_yaml, or the file cannot be read.
template <HasFields T>
void read_yaml(const std::string& path, T& settings) {
  parse_yaml(read_text_file(path), settings, path);
}

/// All settings as YAML; reading it gives back every bit.
template <HasFields T>
std::string to_yaml(const T& settings) {
  YAML::Emitter out;
  internal::emit_yaml(out, settings);
  return std::string(out.c_str()) + '\n';
}

/// Writes all settings to a YAML file. Error: it cannot be written.
template <HasFields T>
void write_yaml(const std::string& path, const T& settings) {
  write_text_file(path, to_yaml(settings));
}

}  // namespace polis
