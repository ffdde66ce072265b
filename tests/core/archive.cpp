// Archives in both directions, what torn or foreign bytes are answered with, and the checksum.
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/checksum.hpp>

namespace test_archive {

enum class Kind : std::uint8_t { First, Second };

struct Settings {
  float rate = .5f;
  std::string name = "n";
  static constexpr void fields(auto& self, auto&& visit) {
    visit("rate", self.rate);
    visit("name", self.name);
  }
  bool operator==(const Settings&) const = default;
};

struct Lane {
  double position = 0;
  int step = 0;
  bool operator==(const Lane&) const = default;
};

class Learner {
 public:
  void archive(auto& a) {
    a.section("learner");
    a(step, settings, kind, flag, flags, text, texts, lanes, moments, matrix, perhaps, absent, pair);
    a.fixed(std::span(weights));
  }
  bool operator==(const Learner&) const = default;

  std::int64_t step = 0;
  Settings settings;
  Kind kind = Kind::First;
  bool flag = false;
  std::vector<bool> flags;
  std::string text;
  std::vector<std::string> texts;
  std::vector<Lane> lanes;
  polis::Array<float, 2> moments{};
  std::array<std::vector<int>, 2> matrix;
  std::optional<std::string> perhaps;
  std::optional<int> absent = 3;
  std::pair<int, double> pair;
  std::vector<float> weights = std::vector<float>(4);
};

Learner example() {
  Learner l;
  l.step = -5;
  l.settings = {.25f, "name"};
  l.kind = Kind::Second;
  l.flag = true;
  l.flags = {true, false, true};
  l.text = "text";
  l.texts = {"", "b"};
  l.lanes = {{1.5, 2}, {-3, 4}};
  l.moments = {{1, 2}};
  l.matrix = {{{1, 2, 3}, {}}};
  l.perhaps = "yes";
  l.absent.reset();
  l.pair = {7, .5};
  l.weights = {1, 2, 3, 4};
  return l;
}

struct Empty {};

using Writer = polis::ArchiveWriter;
static_assert(polis::internal::ArchivedAsBytes<Lane, Writer> &&
              !polis::internal::ArchivedAsBytes<int*, Writer>);
static_assert(!polis::internal::ArchivedAsBytes<std::span<int>, Writer>);
static_assert(!polis::internal::ArchivedAsBytes<Settings, Writer> &&
              !polis::internal::ArchivedAsBytes<bool, Writer>);

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

constexpr std::array<std::byte, 3> abc = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
static_assert(polis::crc32(abc) == 0x352441c2u);

}  // namespace test_archive

using namespace test_archive;

TEST_CASE("core/archive: everything a learner holds comes back") {
  Learner read;
  polis::from_bytes(polis::to_bytes(example()), read);
  CHECK(read == example());
  CHECK(polis::to_bytes(Empty{}).empty());
}

TEST_CASE("core/archive: the bytes are little-endian and unpadded") {
  polis::ArchiveWriter a;
  a(std::uint16_t{0x0102}, true, std::string("hi"), Kind::Second);
  const std::array<int, 14> expected = {2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', 1};
  REQUIRE(a.bytes().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::to_integer<int>(a.bytes()[i]) == expected[i]);
}

TEST_CASE("core/archive: cut off anywhere, the reader says what was expected and where") {
  const auto bytes = polis::to_bytes(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Learner read;
    const auto message = error_of([&] { polis::from_bytes(std::span(bytes).first(size), read); });
    CHECK(message.find("archive, byte ") == 0);
    CHECK(message.find("the data ends") != message.npos);
    CHECK(message.find("expected") != message.npos);
  }
  int value = 0;
  CHECK(error_of([&] { polis::from_bytes(std::span(bytes).first(2), value); }) ==
        "archive, byte 0: the data ends after 2 more bytes; expected a value of 4 bytes");
}

TEST_CASE("core/archive: a damaged count is an error, not an allocation") {
  const auto huge = polis::to_bytes(~std::uint64_t{0});
  std::vector<double> numbers;
  std::vector<std::string> texts;
  CHECK(error_of([&] {
          polis::from_bytes(huge, numbers);
        }).find("18446744073709551615 elements of 8 bytes") != std::string::npos);
  CHECK(error_of([&] { polis::from_bytes(huge, texts); }).find("the data ends") != std::string::npos);
}

TEST_CASE("core/archive: mismatches are named") {
  polis::ArchiveWriter a;
  a.section("actor");
  a.fixed(std::vector<float>(3));
  const auto bytes = a.take();
  CHECK(a.bytes().empty());

  std::vector<float> four(4);
  polis::ArchiveReader reader(bytes);
  CHECK(error_of([&] { reader.section("critic"); }) ==
        "archive, byte 0: found section 'actor'; expected section 'critic'");
  reader = polis::ArchiveReader(bytes);
  reader.section("actor");
  CHECK(error_of([&] { reader.fixed(std::span(four)); }) ==
        "archive, byte 25 (section 'actor'): found 3 elements; expected 4 elements");

  const auto number = polis::to_bytes(std::uint64_t{1});
  polis::ArchiveReader other(number);
  CHECK(error_of([&] { other.section("actor"); }).find("outside any section") != std::string::npos);
  std::uint32_t half = 0;
  CHECK(error_of([&] { polis::from_bytes(number, half); }).find("4 bytes are left over") !=
        std::string::npos);
  bool flag = false;
  CHECK(error_of([&] { polis::from_bytes(bytes_of("x"), flag); }).find("a bool, 0 or 1") !=
        std::string::npos);
}

TEST_CASE("core/checksum: CRC-32 has its check value at every alignment of its blocks") {
  CHECK(polis::crc32(bytes_of("123456789")) == 0xcbf43926u);
  CHECK(polis::crc32({}) == 0);
  CHECK(polis::crc32(bytes_of("The quick brown fox jumps over the lazy dog")) == 0x414fa339u);
  const auto bytes = bytes_of("The quick brown fox jumps over the lazy dog");
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    const auto first = polis::crc32(std::span(bytes).first(split));
    CHECK(polis::crc32(std::span(bytes).subspan(split), first) == 0x414fa339u);
  }
}
