// Settings by name: one static visitor per aggregate serves the command line, YAML, logs, checkpoints and
// search.
//
//   struct Config {
//     float clip = .2f;
//     bool normalize = true;
//     static constexpr void fields(auto& self, auto&& visit) {
//       visit("clip", self.clip);
//       visit("normalize", self.normalize);
//     }
//   };
//
// An aggregate that holds another gives dotted paths ("algorithm.objective.clip"). Everything but the
// traversal works on type-erased `Field`s, so that a large settings tree costs a program little compile time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/field_text.hpp>
#include <polis/core/text.hpp>

namespace polis {

namespace internal {

struct IgnoreField {
  constexpr void operator()(std::string_view, auto&) const {}
};

/// "prefix.name". Out of line, as is all that runs once a field: settings are many and seldom read.
[[gnu::cold, gnu::noinline]] inline std::string join_path(const std::string& prefix, std::string_view name) {
  std::string path = prefix;
  if (!path.empty()) path += '.';
  return path += name;
}

}  // namespace internal

/// An aggregate that lists its members through `static void fields(auto& self, auto&& visit)`.
template <class T>
concept HasFields = requires(T& object) { std::remove_cv_t<T>::fields(object, internal::IgnoreField{}); };

/// Calls `visitor(path, leaf)` for every leaf of a settings tree, in the order the aggregates list them.
template <HasFields T, class Visitor>
[[gnu::cold]] void for_each_field(T& object, Visitor&& visitor, const std::string& prefix = {}) {
  std::remove_cv_t<T>::fields(object, [&](std::string_view name, auto& member) {
    using Member = std::remove_reference_t<decltype(member)>;
    const std::string path = internal::join_path(prefix, name);
    if constexpr (HasFields<Member>) {
      for_each_field(member, visitor, path);
    } else {
      static_assert(FieldLeaf<std::remove_cv_t<Member>>,
                    "a member of a settings aggregate needs `fields` or a FieldText (an enum: enum_names)");
      visitor(path, member);
    }
  });
}

/// One leaf of a settings tree without its type: its path, its text, and what a text of it must be.
class Field {
 public:
  template <FieldLeaf T>
  Field(const std::string& path, T& leaf) : Field(path, &leaf, &type_of<T>) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string text() const { return type_->print(leaf_); }
  [[nodiscard]] std::string expected() const { return type_->expected(); }

  /// Sets the leaf from `text` (blanks around it are dropped).
  /// Error: the whole text is not a value of the leaf's type, or it is out of that type's range; nothing is
  /// set.
  void set(std::string_view text) const {
    switch (type_->parse(internal::trim(text), leaf_)) {
      case Parsed::Ok:
        return;
      case Parsed::OutOfRange:
        throw Error(concat({'\'', text, "' is out of range"}), path_, expected());
      case Parsed::Malformed:
        throw Error(concat({"cannot read '", text, '\''}), path_, expected());
    }
  }

 private:
  struct Type;
  [[gnu::cold, gnu::noinline]] Field(const std::string& path, void* leaf, const Type* type)
      : path_(path), leaf_(leaf), type_(type) {}

  struct Type {
    Parsed (*parse)(std::string_view, void*);
    std::string (*print)(const void*);
    std::string (*expected)();
  };

  template <class T>
  static Parsed parse(std::string_view text, void* leaf) {
    return FieldText<T>::parse(text, *static_cast<T*>(leaf));
  }
  template <class T>
  static std::string print(const void* leaf) {
    return FieldText<T>::print(*static_cast<const T*>(leaf));
  }
  template <class T>
  static constexpr Type type_of{&parse<T>, &print<T>, &FieldText<T>::expected};
  friend class FieldList;

  std::string path_;
  void* leaf_;
  const Type* type_;
};

/// Visits a settings tree as for_each_field does and lists its leaves. All that runs once a leaf is one call,
/// because the leaves are many and every program compiles them.
class FieldList {
 public:
  template <class Member>
  [[gnu::cold]] void operator()(std::string_view name, Member& member) {
    if constexpr (HasFields<Member>) {
      const std::size_t outer = open(name);
      std::remove_cv_t<Member>::fields(member, *this);
      prefix_.resize(outer);
    } else {
      static_assert(FieldLeaf<std::remove_cv_t<Member>>,
                    "a member of a settings aggregate needs `fields` or a FieldText (an enum: enum_names)");
      add(name, &member, &Field::type_of<Member>);
    }
  }

  [[nodiscard]] std::vector<Field> take() { return std::move(fields_); }

 private:
  /// Goes into the aggregate of this name; returns what brings the path back.
  [[gnu::cold, gnu::noinline]] std::size_t open(std::string_view name) {
    const std::size_t outer = prefix_.size();
    prefix_ = internal::join_path(prefix_, name);
    return outer;
  }
  [[gnu::cold, gnu::noinline]] void add(std::string_view name, void* leaf, const Field::Type* type) {
    fields_.push_back(Field(internal::join_path(prefix_, name), leaf, type));
  }

  std::vector<Field> fields_;
  std::string prefix_;
};

/// Every leaf of `object`, which must outlive the list.
template <HasFields T>
[[gnu::cold]] std::vector<Field> list_fields(T& object) {
  FieldList list;
  T::fields(object, list);
  return list.take();
}

/// How many single-character insertions, deletions and replacements turn `a` into `b` (Levenshtein).
[[gnu::cold, gnu::noinline]] inline int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

namespace internal {

/// "a, b, c", those most like `wanted` first. A name's last part counts as well as the whole path, so that
/// "clpi" finds "algorithm.objective.clip".
[[gnu::cold]] inline std::vector<std::string> closest_first(std::string_view wanted,
                                                            std::vector<std::string> names) {
  const std::string_view wanted_last = wanted.substr(wanted.rfind('.') + 1);
  std::vector<int> distances;
  for (const std::string& name : names) {
    const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
    distances.push_back(std::min(edit_distance(wanted, name), 1 + edit_distance(wanted_last, last)));
  }
  std::vector<std::string> sorted;  // by counting: std::stable_sort of strings is 40 KB of code
  for (int distance = 0; sorted.size() < names.size(); ++distance) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (distances[i] == distance) sorted.push_back(std::move(names[i]));
    }
  }
  return sorted;
}

[[gnu::cold, gnu::noinline]] inline std::string join(const std::vector<std::string>& parts,
                                                     std::string_view separator = ", ") {
  std::string text;
  for (const std::string& part : parts) (text += text.empty() ? "" : separator) += part;
  return text;
}

/// The Error for a name that is not among `known`: says the one probably meant and lists them all.
[[gnu::cold, gnu::noinline]] inline Error unknown_name(std::string_view kind, std::string_view name,
                                                       const std::vector<std::string>& known,
                                                       std::string where = {}) {
  const auto sorted = closest_first(name, known);
  std::string problem = concat({"unknown ", kind, " '", name, '\''});
  const std::string wanted(name);
  const auto is_inside = [&](const std::string& path) { return path.rfind(wanted + '.', 0) == 0; };
  if (std::any_of(known.begin(), known.end(), is_inside)) {
    problem += " (it is a group; name one of its members)";
  } else if (!sorted.empty()) {
    const auto guess = std::string_view(sorted[0]).substr(sorted[0].rfind('.') + 1);
    const auto last = name.substr(name.rfind('.') + 1);
    if (edit_distance(last, guess) <= static_cast<int>(guess.size()) / 2) {
      problem += concat({", did you mean '", sorted[0], "'?"});
    }
  }
  return {problem, std::move(where),
          sorted.empty() ? concat({"no ", kind, " at all"}) : concat({"one of ", join(sorted)})};
}

}  // namespace internal

/// The field at `path`. Error: there is none; it lists those there are, the closest first.
[[gnu::cold, gnu::noinline]] inline const Field& find_field(const std::vector<Field>& fields,
                                                            std::string_view path) {
  std::vector<std::string> known;
  for (const Field& field : fields) {
    if (field.path() == path) return field;
    known.push_back(field.path());
  }
  throw internal::unknown_name("key", path, known);
}

/// Sets the leaf at `path` from its text. Error: no such key; a text that is not of the leaf's type.
template <HasFields T>
void set_field(T& object, std::string_view path, std::string_view text) {
  find_field(list_fields(object), path).set(text);
}

/// Applies "key=value" to a list of fields. Error: no '=' in it; and what set_field says.
[[gnu::cold, gnu::noinline]] inline void assign(const std::vector<Field>& fields,
                                                std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == assignment.npos) throw Error(concat({"'", assignment, "' has no '='"}), {}, "key=value");
  find_field(fields, internal::trim(assignment.substr(0, equals))).set(assignment.substr(equals + 1));
}

/// Applies a range of "key=value" texts in order: all of them, or on an Error none.
template <HasFields T, class Range>
[[gnu::cold]] void apply_assignments(T& object, const Range& assignments) {
  T changed = object;
  const auto fields = list_fields(changed);
  for (const auto& assignment : assignments) assign(fields, assignment);
  object = std::move(changed);
}

namespace internal {

[[gnu::cold, gnu::noinline]] inline std::string to_text(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) text += concat({field.path(), '=', field.text(), '\n'});
  return text;
}

}  // namespace internal

/// One line key=value per leaf; from_text gives back every bit.
template <HasFields T>
[[gnu::cold]] std::string to_text(const T& object) {
  // Only read: one Field type serves settings that may change and those that may not.
  return internal::to_text(list_fields(const_cast<T&>(object)));
}

/// Applies the lines key=value of a text; blank lines and those that begin with # are passed over.
/// Error: what apply_assignments says; then nothing is changed.
template <HasFields T>
[[gnu::cold]] void from_text(T& object, std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = internal::trim(text.substr(0, end));
    if (!line.empty() && line.front() != '#') lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  apply_assignments(object, lines);
}

namespace internal {

/// Converts to anything: as the initialiser of an aggregate's member it stands for a value of any type.
struct AnyValue {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): the conversion is its purpose
};

template <class T, class... Values>
constexpr int count_members() {
  if constexpr (requires { T{Values{}..., AnyValue{}}; })
    return count_members<T, Values..., AnyValue>();
  else
    return static_cast<int>(sizeof...(Values));
}

}  // namespace internal

/// How many members an aggregate has: as many as it accepts initialisers. No C arrays, no base classes.
template <class T>
  requires std::is_aggregate_v<T>
inline constexpr int member_count = internal::count_members<T>();

/// How many members the `fields` of T visits, nested aggregates counting one. Constant where `fields` is
/// constexpr.
template <HasFields T>
constexpr int field_count() {
  T object{};
  int count = 0;
  T::fields(object, [&count](std::string_view, auto&) { ++count; });
  return count;
}

/// Whether `fields` of T, and of all it holds, visit every member there is: a test asks it of every Config,
/// so that a member added without its line in `fields` is found. Constant where every `fields` is constexpr.
template <HasFields T>
constexpr bool fields_complete() {
  T object{};
  bool complete = field_count<T>() == member_count<T>;
  T::fields(object, [&complete](std::string_view, auto& member) {
    using Member = std::remove_reference_t<decltype(member)>;
    if constexpr (HasFields<Member>) complete = complete && fields_complete<Member>();
  });
  return complete;
}

}  // namespace polis
