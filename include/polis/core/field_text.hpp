// The text of one setting, both ways: what core/fields.hpp reads from a command line or a file and writes to
// a log.
//
// Numbers are printed in the shortest form that reads back to the same bits (std::to_chars), whatever the
// locale.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// How a text fared as the value of a setting.
enum class Parsed { Ok, Malformed, OutOfRange };

/// The text form of one leaf type: specialise it to make a type of your own a setting.
///   static Parsed parse(std::string_view text, T& value);  // leaves value alone unless Ok
///   static std::string print(const T& value);              // parse(print(v)) gives v again
///   static std::string expected();                         // "a number", for error messages
template <class T>
struct FieldText;

/// A type that can be one setting: it has a text form.
template <class T>
concept FieldLeaf = requires(std::string_view text, T& value, const T& constant) {
  { FieldText<T>::parse(text, value) } -> std::same_as<Parsed>;
  { FieldText<T>::print(constant) } -> std::same_as<std::string>;
  { FieldText<T>::expected() } -> std::same_as<std::string>;
};

/// An enumeration whose values 0, 1, 2, ... are named by a function beside it, found by argument-dependent
/// lookup:
///   enum class Fill { Open, Close };
///   constexpr auto enum_names(Fill) { return std::array{"open", "close"}; }
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) { std::string_view(enum_names(value)[0]); };

namespace internal {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// `text` as it is, or in double quotes with \n, \r, \" and \\ escaped where a reader could not tell it
/// apart.
[[gnu::cold]] inline std::string quote_if_needed(std::string_view text, std::string_view special = {}) {
  const bool plain = !text.empty() && !is_space(text.front()) && !is_space(text.back()) &&
                     text.front() != '"' && text.find_first_of("\n\r") == text.npos &&
                     text.find_first_of(special) == text.npos;
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n')
      quoted += "\\n";
    else if (c == '\r')
      quoted += "\\r";
    else if (c == '"' || c == '\\')
      (quoted += '\\') += c;
    else
      quoted += c;
  }
  return quoted += '"';
}

/// The inverse of quote_if_needed; false where a quote is not closed or something follows it.
[[gnu::cold]] inline bool unquote(std::string_view text, std::string& value) {
  if (text.empty() || text.front() != '"') return value = text, true;
  std::string plain;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return value = std::move(plain), i + 1 == text.size();
    if (text[i] == '\\') {
      if (++i == text.size()) return false;
      plain += text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i];
    } else {
      plain += text[i];
    }
  }
  return false;
}

/// The items of "[a, b, c]" (brackets optional), divided at commas outside double quotes, trimmed.
[[gnu::cold, gnu::noinline]] inline std::vector<std::string_view> split_list(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  std::vector<std::string_view> items;
  if (trim(text).empty()) return items;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == ',' && !quoted)
      items.push_back(trim(text.substr(begin, i - begin))), begin = i + 1;
  }
  items.push_back(trim(text.substr(begin)));
  return items;
}

/// What numbers are read and printed as: all integers as the widest of their sign, so that a program has one
/// reader and one printer for each sign, whatever the types of its settings.
template <class Number>
using Widest = std::conditional_t<std::is_floating_point_v<Number>, Number,
                                  std::conditional_t<std::is_signed_v<Number>, std::int64_t, std::uint64_t>>;

template <class Number>
[[gnu::cold, gnu::noinline]] Parsed read_number(std::string_view text, Number& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return Parsed::OutOfRange;
  if (error != std::errc() || end != text.data() + text.size()) return Parsed::Malformed;
  value = number;
  return Parsed::Ok;
}

template <class Number>
[[gnu::cold]] Parsed parse_number(std::string_view text, Number& value) {
  Widest<Number> number{};
  const Parsed parsed = read_number(text, number);
  if (parsed != Parsed::Ok) return parsed;
  if constexpr (std::is_integral_v<Number>) {
    if (!std::in_range<Number>(number)) return Parsed::OutOfRange;
  }
  value = static_cast<Number>(number);
  return Parsed::Ok;
}

template <class Number>
[[gnu::cold, gnu::noinline]] std::string write_number(Number value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

template <class Number>
[[gnu::cold]] std::string print_number(Number value) {
  return write_number<Widest<Number>>(value);
}

/// "[a, b]": the text of a sequence's items, strings quoted where an item would not stay whole.
template <class Sequence>
std::string print_list(const Sequence& sequence) {
  std::string text = "[";
  for (const auto& item : sequence) {
    using Item = std::remove_cvref_t<decltype(item)>;
    if (text.size() > 1) text += ", ";
    if constexpr (std::same_as<Item, std::string>)
      text += quote_if_needed(item, ",[]\"");
    else
      text += FieldText<Item>::print(item);
  }
  return text += ']';
}

/// Reads every item of a list into `sink(index, item)`.
template <class Item, class Sink>
Parsed parse_items(const std::vector<std::string_view>& items, Sink&& sink) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    Item item{};
    if (const Parsed parsed = FieldText<Item>::parse(items[i], item); parsed != Parsed::Ok) return parsed;
    sink(i, std::move(item));
  }
  return Parsed::Ok;
}

/// A sequence whose length its type fixes: std::array and polis::Array.
template <class Sequence, class Item, std::size_t size>
struct FixedListText {
  static Parsed parse(std::string_view text, Sequence& value) {
    const auto items = split_list(text);
    if (items.size() != size) return Parsed::Malformed;
    Sequence read{};
    const Parsed parsed = parse_items<Item>(items, [&](std::size_t i, Item&& item) {
      if constexpr (size > 0) read.data()[i] = std::move(item);
    });
    if (parsed == Parsed::Ok) value = std::move(read);
    return parsed;
  }
  static std::string print(const Sequence& value) { return print_list(value); }
  static std::string expected() {
    return concat({"a list of exactly ", size, ", each ", FieldText<Item>::expected()});
  }
};

}  // namespace internal

namespace internal {

[[gnu::cold, gnu::noinline]] inline std::string expected_range(const TextPiece& from, const TextPiece& to) {
  return concat({"a whole number from ", from.view(), " to ", to.view()});
}

/// "one of a, b, c".
template <class Name>
[[gnu::cold, gnu::noinline]] std::string expected_name(const Name* names, std::size_t count) {
  std::string list = "one of ";
  for (std::size_t i = 0; i < count; ++i) list.append(i > 0 ? ", " : "").append(names[i]);
  return list;
}

}  // namespace internal

template <>
struct FieldText<bool> {
  static Parsed parse(std::string_view text, bool& value) {
    const bool yes = text == "true" || text == "yes" || text == "on" || text == "1";
    const bool no = text == "false" || text == "no" || text == "off" || text == "0";
    if (yes || no) value = yes;
    return yes || no ? Parsed::Ok : Parsed::Malformed;
  }
  static std::string print(bool value) { return value ? "true" : "false"; }
  static std::string expected() { return "true or false"; }
};

template <std::integral T>
  requires(!std::same_as<T, bool>)
struct FieldText<T> {
  static Parsed parse(std::string_view text, T& value) {
    // A minus sign before digits is a number all the same: out of range, not malformed.
    if (std::is_unsigned_v<T> && text.size() > 1 && text[0] == '-') {
      long long negative = 0;
      const bool number = internal::parse_number(text, negative) != Parsed::Malformed;
      return number ? Parsed::OutOfRange : Parsed::Malformed;
    }
    return internal::parse_number(text, value);
  }
  static std::string print(T value) { return internal::print_number(value); }
  static std::string expected() {
    using Limits = std::numeric_limits<T>;
    return internal::expected_range(Limits::min(), Limits::max());
  }
};

template <std::floating_point T>
struct FieldText<T> {
  static Parsed parse(std::string_view text, T& value) { return internal::parse_number(text, value); }
  static std::string print(T value) { return internal::print_number(value); }
  static std::string expected() { return "a number"; }
};

template <NamedEnum T>
struct FieldText<T> {
  static Parsed parse(std::string_view text, T& value) {
    const auto names = enum_names(T{});
    for (std::size_t i = 0; i < std::size(names); ++i) {
      if (text == names[i]) return value = static_cast<T>(i), Parsed::Ok;
    }
    return Parsed::Malformed;
  }
  static std::string print(T value) {
    const auto names = enum_names(value);
    const auto index = static_cast<std::size_t>(value);
    return index < std::size(names) ? std::string(names[index]) : internal::print_number(index);
  }
  static std::string expected() {
    const auto names = enum_names(T{});
    return internal::expected_name(std::data(names), std::size(names));
  }
};

template <>
struct FieldText<std::string> {
  static Parsed parse(std::string_view text, std::string& value) {
    return internal::unquote(text, value) ? Parsed::Ok : Parsed::Malformed;
  }
  static std::string print(const std::string& value) { return internal::quote_if_needed(value); }
  static std::string expected() { return "text, its double quotes closed"; }
};

/// "auto" stands for no value: whoever reads the setting then chooses.
template <FieldLeaf T>
struct FieldText<std::optional<T>> {
  static Parsed parse(std::string_view text, std::optional<T>& value) {
    if (text == "auto") return value.reset(), Parsed::Ok;
    T read{};
    const Parsed parsed = FieldText<T>::parse(text, read);
    if (parsed == Parsed::Ok) value = std::move(read);
    return parsed;
  }
  static std::string print(const std::optional<T>& value) {
    return value ? FieldText<T>::print(*value) : "auto";
  }
  static std::string expected() { return concat({FieldText<T>::expected(), ", or auto"}); }
};

template <FieldLeaf T>
struct FieldText<std::vector<T>> {
  static Parsed parse(std::string_view text, std::vector<T>& value) {
    std::vector<T> read;
    const Parsed parsed = internal::parse_items<T>(
        internal::split_list(text), [&](std::size_t, T&& item) { read.push_back(std::move(item)); });
    if (parsed == Parsed::Ok) value = std::move(read);
    return parsed;
  }
  static std::string print(const std::vector<T>& value) { return internal::print_list(value); }
  static std::string expected() { return concat({"a list a,b,..., each ", FieldText<T>::expected()}); }
};

template <FieldLeaf T, int size>
struct FieldText<Array<T, size>> : internal::FixedListText<Array<T, size>, T, size> {};

template <FieldLeaf T, std::size_t size>
struct FieldText<std::array<T, size>> : internal::FixedListText<std::array<T, size>, T, size> {};

}  // namespace polis
