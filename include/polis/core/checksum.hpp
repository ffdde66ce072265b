// CRC-32 (IEEE 802.3: polynomial 0x04c11db7 reflected, initial and final complement), which tells a torn or
// damaged file from a whole one. Check value: crc32("123456789") = cbf43926.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace polis {

namespace internal {

/// table[k][b]: the remainder of byte b followed by k zero bytes, so that eight bytes are folded in at once
/// (slicing-by-8, Kounavis and Berry 2005).
constexpr auto crc32_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) * 0xedb88320u);
    table[0][byte] = remainder;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = table[k - 1][byte];
      table[k][byte] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}

inline constexpr auto crc32_table = crc32_tables();

}  // namespace internal

/// CRC-32 of `bytes`; pass the checksum so far as `previous` to go on from it. About a cycle a byte.
constexpr std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous = 0) {
  const auto& table = internal::crc32_table;
  std::uint32_t crc = ~previous;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint32_t folded = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      const std::uint32_t with = k < 4 ? (crc >> (8 * k)) & 0xff : 0;
      folded ^= table[7 - k][with ^ std::to_integer<std::uint32_t>(bytes[i + k])];
    }
    crc = folded;
  }
  for (; i < bytes.size(); ++i) {
    crc = (crc >> 8) ^ table[0][(crc ^ std::to_integer<std::uint32_t>(bytes[i])) & 0xff];
  }
  return ~crc;
}

}  // namespace polis
