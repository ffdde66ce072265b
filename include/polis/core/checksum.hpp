// CRC-32 (IEEE 802.3: polynomial 0x04c11db7 reflected, initial and final complement), which tells a torn or
// damaged file from a whole one. Check value: crc32("123456789") = cbf43926.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

namespace polis {

namespace internal {

/// table[k][b]: the remainder of byte b followed by k zero bytes, so that eight bytes are folded in at once
/// (slicing-by-8, Kounavis and Berry 2005).
/// A plain array, and few steps a byte: every program evaluates them while it is compiled.
struct Crc32Tables {
  std::uint32_t table[8][256]{};

  constexpr Crc32Tables() {
    for (std::uint32_t bit = 128, remainder = 1; bit > 0; bit >>= 1) {  // the table is linear in the byte
      remainder = (remainder >> 1) ^ ((remainder & 1) * 0xedb88320u);
      for (std::uint32_t byte = 0; byte < 256; byte += 2 * bit)
        table[0][byte + bit] = table[0][byte] ^ remainder;
    }
    for (int k = 1; k < 8; ++k) {
      for (int byte = 0; byte < 256; ++byte) {
        const std::uint32_t before = table[k - 1][byte];
        table[k][byte] = (before >> 8) ^ table[0][before & 0xff];
      }
    }
  }
};

inline constexpr Crc32Tables crc32_tables;

/// A container's elements as they lie in memory.
template <class Range>
std::span<const std::byte> bytes_of(const Range& range) {
  return {reinterpret_cast<const std::byte*>(std::data(range)), std::size(range) * sizeof(*std::data(range))};
}

}  // namespace internal

/// CRC-32 of `bytes`; pass the checksum so far as `previous` to go on from it. About a cycle a byte.
constexpr std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous = 0) {
  const auto& table = internal::crc32_tables.table;
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
