// Text made of pieces, for messages and names: one function, compiled once, where chains of std::string's
// operator+ would compile a dozen of them at every place.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

namespace polis {

/// An argument of `concat`: text, a character, or a number.
class TextPiece {
 public:
  TextPiece(const char* text) : data_(text), size_(std::char_traits<char>::length(text)) {}
  TextPiece(std::string_view text) : data_(text.data()), size_(text.size()) {}
  TextPiece(const std::string& text) : data_(text.data()), size_(text.size()) {}
  TextPiece(char letter) : data_(buffer_), size_(1) { buffer_[0] = letter; }
  template <std::signed_integral T>
  TextPiece(T number) : data_(buffer_) {
    print("%lld", static_cast<long long>(number));
  }
  template <std::unsigned_integral T>
  TextPiece(T number) : data_(buffer_) {
    print("%llu", static_cast<unsigned long long>(number));
  }
  TextPiece(double number) : data_(buffer_) { print("%g", number); }
  TextPiece(float number) : TextPiece(static_cast<double>(number)) {}
  TextPiece(const TextPiece&) = delete;
  TextPiece& operator=(const TextPiece&) = delete;
  ~TextPiece() = default;

  [[nodiscard]] std::string_view view() const { return {data_, size_}; }

 private:
  template <class T>
  [[gnu::cold, gnu::noinline]] void print(const char* format, T number) {
    size_ = static_cast<std::size_t>(std::snprintf(buffer_, sizeof buffer_, format, number));
  }

  const char* data_;
  std::size_t size_ = 0;
  char buffer_[24];
};

/// The pieces one after the other: concat({"found ", 3, " bytes"}).
[[gnu::cold, gnu::noinline]] inline std::string concat(std::initializer_list<TextPiece> pieces) {
  std::size_t size = 0;
  for (const TextPiece& piece : pieces) size += piece.view().size();
  std::string result;
  result.reserve(size);
  for (const TextPiece& piece : pieces) result.append(piece.view().data(), piece.view().size());
  return result;
}

}  // namespace polis
