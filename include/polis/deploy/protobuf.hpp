// As much of protocol buffers as writing a message takes (protobuf.dev, "Encoding"): a message is a string of
// fields, each a key of number and wire type, then a varint, or a length and as many bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace polis {

/// Appends the fields of one message to a string; a message within it is the bytes of another.
class ProtobufMessage {
 public:
  ProtobufMessage& integer(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  ProtobufMessage& text(int field, std::string_view bytes) {
    key(field, 2);
    varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  ProtobufMessage& message(int field, const ProtobufMessage& inner) { return text(field, inner.bytes_); }
  /// The memory of an array, as tensors hold it: little-endian.
  template <class T>
  ProtobufMessage& array(int field, std::span<const T> values) {
    static_assert(std::endian::native == std::endian::little);
    return text(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, int wire_type) {
    varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire_type));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace polis
