// Saving and loading by one member for both directions: `void archive(auto& a) { a(weights_, step_); }`.
//
// An ArchiveWriter appends to a vector of bytes, an ArchiveReader reads a span of bytes; both are called
// alike. The bytes are little-endian, unpadded between values, the same on every machine polis runs on. Known
// values: arithmetic types, enums, bool, std::string, std::vector, std::array, polis::Array, std::optional,
// std::pair, types with a member `archive`, settings aggregates (`fields`), and trivially copyable types
// without pointers (as the bytes they are, padding included). The concrete types of both sides must agree;
// sections
// (`a.section("actor")`) make a disagreement visible by name.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/text.hpp>

namespace polis {

static_assert(std::endian::native == std::endian::little,
              "archives are written as memory lies: little-endian");

namespace internal {

template <class T, template <class...> class Template>
inline constexpr bool is_a = false;
template <class... Args, template <class...> class Template>
inline constexpr bool is_a<Template<Args...>, Template> = true;

template <class T>
inline constexpr bool is_fixed_array = false;
template <class T, std::size_t size>
inline constexpr bool is_fixed_array<std::array<T, size>> = true;
template <class T, int size>
inline constexpr bool is_fixed_array<Array<T, size>> = true;

template <class T, class Archive>
concept ArchivesItself = requires(T& value, Archive& a) { value.archive(a); };

/// Copied as the bytes it is, alone or as a block of many. Pointers and views (std::span) are not their
/// contents.
template <class T, class Archive>
concept ArchivedAsBytes =
    std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool> && !std::is_pointer_v<T> &&
    !std::is_member_pointer_v<T> && !std::ranges::enable_borrowed_range<T> && !ArchivesItself<T, Archive> &&
    !HasFields<T> && !is_a<T, std::optional> && !is_a<T, std::pair> && !is_fixed_array<T>;

/// Opens the tag of a section in the bytes.
inline constexpr std::array<char, 4> section_mark = {'\x1d', 'S', 'e', 'c'};

}  // namespace internal

/// What is to become of an archive. Only values that can keep a part of themselves in a file of their own
/// (Mapped) tell these apart.
enum class ArchiveUse : std::uint8_t {
  whole,       ///< everything is in the archive
  checkpoint,  ///< it is a run's one checkpoint, which such files go along with
  playing      ///< it is read to play: what only learning needs may be left out
};

/// Processes that archive together: each has the lanes after those of the rank before it, and the archive is
/// that of all lanes, whatever the number of ranks it is read by. By default there is one.
struct ArchiveRanks {
  int rank = 0, ranks = 1;
  void* collective = nullptr;
  /// On rank 0 appends what the other ranks' `bytes` hold from `start` on, in the order of ranks.
  void (*gather)(void* collective, std::vector<std::byte>& bytes, std::size_t start) = nullptr;
};

/// Appends values to a vector of bytes; where there are several ranks, those of rank 0 are the archive.
class ArchiveWriter {
 public:
  static constexpr bool is_reader = false;

  explicit ArchiveWriter(ArchiveUse use = ArchiveUse::whole, ArchiveRanks ranks = {})
      : use_(use), ranks_(ranks) {}
  [[nodiscard]] ArchiveUse use() const { return use_; }

  /// Writes the values in order.
  void operator()(const auto&... values) { (write(values), ...); }

  /// Marks what follows by a name, which the reader checks.
  [[gnu::cold, gnu::noinline]] void section(std::string_view name) {
    write_bytes(internal::section_mark.data(), internal::section_mark.size());
    write(std::string(name));
  }

  /// Writes a container that keeps its size: a reader with another size refuses it.
  void fixed(const auto& range) {
    write(static_cast<std::uint64_t>(std::size(range)));
    write_items(std::data(range), std::size(range));
  }

  /// Writes a container that keeps its size and has the same number of elements for each lane, lane by lane:
  /// the same bytes as of one that holds the lanes of all ranks.
  void spread(const auto& range) {
    write(static_cast<std::uint64_t>(std::size(range)) * static_cast<std::uint64_t>(ranks_.ranks));
    const std::size_t start = bytes_.size();
    write_items(std::data(range), std::size(range));
    if (ranks_.gather != nullptr) ranks_.gather(ranks_.collective, bytes_, start);
  }

  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
  /// Hands the bytes over and starts anew.
  [[nodiscard]] std::vector<std::byte> take() { return std::exchange(bytes_, {}); }

  /// Asks for a call of value.checkpoint_written() when the checkpoint with these bytes lies at its place:
  /// the value, which must stay where it is until then, may bring its own file up to it.
  template <class T>
  void when_written(T& value) {
    when_written_.push_back({&value, [](void* it) { static_cast<T*>(it)->checkpoint_written(); }});
  }
  /// The checkpoint lies at its place. Errors are those of the values.
  [[gnu::cold]] void written() {
    for (const Follower& follower : std::exchange(when_written_, {})) follower.call(follower.value);
  }

 private:
  struct Follower {
    void* value;
    void (*call)(void*);
  };

  [[gnu::noinline]] void write_bytes(const void* from, std::size_t count) {
    if (count == 0) return;
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + count);
  }

  template <class Item>
  void write_items(const Item* items, std::size_t count) {
    if constexpr (internal::ArchivedAsBytes<Item, ArchiveWriter>)
      write_bytes(items, count * sizeof(Item));
    else
      for (std::size_t i = 0; i < count; ++i) write(items[i]);
  }

  template <class T>
  void write(const T& value) {
    // `archive` serves both directions, so it is not const; a writer only reads through it.
    if constexpr (internal::ArchivesItself<T, ArchiveWriter>)
      const_cast<T&>(value).archive(*this);
    else if constexpr (HasFields<T>)
      T::fields(value, [this](std::string_view, const auto& member) { this->write(member); });
    else if constexpr (std::is_same_v<T, bool>)
      write(static_cast<std::uint8_t>(value));
    else if constexpr (std::is_same_v<T, std::vector<bool>>)
      write_bools(value);
    else if constexpr (std::is_same_v<T, std::string> || internal::is_a<T, std::vector>)
      fixed(value);
    else if constexpr (internal::is_fixed_array<T>)
      write_items(value.data(), static_cast<std::size_t>(value.size()));
    else if constexpr (internal::is_a<T, std::optional>) {
      write(value.has_value());
      if (value) write(*value);
    } else if constexpr (internal::is_a<T, std::pair>)
      (*this)(value.first, value.second);
    else {
      static_assert(internal::ArchivedAsBytes<T, ArchiveWriter>,
                    "to be archived a type needs a member `void archive(auto& a)`");
      if constexpr (!std::is_empty_v<T>) write_bytes(&value, sizeof(T));
    }
  }

  void write_bools(const std::vector<bool>& values) {
    write(static_cast<std::uint64_t>(values.size()));
    for (const bool value : values) write(value);
  }

  std::vector<std::byte> bytes_;
  std::vector<Follower> when_written_;
  ArchiveUse use_;
  ArchiveRanks ranks_;
};

/// Reads the values that an ArchiveWriter wrote, from bytes that must outlive it.
/// Error (from every member): the bytes end early, or hold something else; it names what was expected and
/// where.
class ArchiveReader {
 public:
  static constexpr bool is_reader = true;

  explicit ArchiveReader(std::span<const std::byte> bytes, ArchiveRanks ranks = {})
      : bytes_(bytes), ranks_(ranks) {}

  /// Reads the values in order.
  void operator()(auto&... values) { (read(values), ...); }

  /// Checks that the section of this name begins here.
  [[gnu::cold, gnu::noinline]] void section(std::string_view name) {
    const std::string wanted = concat({"section '", name, '\''});
    std::array<char, 4> mark{};
    const std::size_t start = offset_;
    if (remaining() >= mark.size()) read_bytes(mark.data(), mark.size(), wanted);
    if (mark != internal::section_mark) {
      offset_ = start;
      fail(remaining() < mark.size() ? "the data ends" : "found data outside any section", wanted);
    }
    std::string found;
    read(found);
    if (found == name) {
      section_ = name;
      return;
    }
    offset_ = start;
    fail(concat({"found section '", found, '\''}), wanted);
  }

  /// Reads into a container that keeps its size. Error: another number of elements was written.
  void fixed(auto&& range) {
    const auto count = read_count();
    if (count != std::size(range)) {
      fail(concat({"found ", count, " elements"}), concat({std::size(range), " elements"}));
    }
    read_items(std::data(range), std::size(range));
  }

  /// Reads this rank's share of what `spread` wrote. Error: another number of elements was written.
  void spread(auto&& range) {
    const auto ranks = static_cast<std::size_t>(ranks_.ranks);
    const auto count = read_count();
    if (count != std::size(range) * ranks) {
      fail(concat({"found ", count, " elements"}), concat({std::size(range) * ranks, " elements"}));
    }
    std::size_t own = offset_;
    for (std::size_t rank = 0; rank < ranks; ++rank) {  // elements may be of any length: all are read
      if (static_cast<int>(rank) == ranks_.rank) own = offset_;
      read_items(std::data(range), std::size(range));
    }
    if (ranks == 1) return;
    const std::size_t end = std::exchange(offset_, own);
    read_items(std::data(range), std::size(range));
    offset_ = end;
  }

  /// Bytes not yet read.
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - offset_; }

  /// Error: something is left over, so the data was written by another type.
  void finish() const {
    if (remaining() > 0) fail(concat({remaining(), " bytes are left over"}), "the end of the data");
  }

 private:
  [[noreturn, gnu::cold, gnu::noinline]] void fail(const std::string& problem,
                                                   const std::string& expected) const {
    const std::string where = concat({"archive, byte ", offset_});
    throw Error(problem, section_.empty() ? where : concat({where, " (section '", section_, "')"}), expected);
  }

  [[gnu::noinline]] void read_bytes(void* to, std::size_t count, std::string_view what) {
    if (count > remaining()) {
      fail(concat({"the data ends after ", remaining(), " more bytes"}),
           concat({what, " of ", count, " bytes"}));
    }
    if (count > 0) std::memcpy(to, bytes_.data() + offset_, count);
    offset_ += count;
  }

  std::uint64_t read_count() {
    std::uint64_t count = 0;
    read_bytes(&count, sizeof count, "a count");
    return count;
  }

  template <class Item>
  void read_items(Item* items, std::size_t count) {
    if constexpr (internal::ArchivedAsBytes<Item, ArchiveReader>) {
      read_bytes(items, count * sizeof(Item), "an array");
    } else {
      for (std::size_t i = 0; i < count; ++i) read(items[i]);
    }
  }

  template <class T>
  void read(T& value) {
    if constexpr (internal::ArchivesItself<T, ArchiveReader>)
      value.archive(*this);
    else if constexpr (HasFields<T>)
      T::fields(value, [this](std::string_view, auto& member) { this->read(member); });
    else if constexpr (std::is_same_v<T, bool>)
      value = read_bool();
    else if constexpr (std::is_same_v<T, std::string> || internal::is_a<T, std::vector>)
      read_container(value);
    else if constexpr (internal::is_fixed_array<T>)
      read_items(value.data(), static_cast<std::size_t>(value.size()));
    else if constexpr (internal::is_a<T, std::optional>) {
      if (read_bool())
        read(value.emplace());
      else
        value.reset();
    } else if constexpr (internal::is_a<T, std::pair>)
      (*this)(value.first, value.second);
    else {
      static_assert(internal::ArchivedAsBytes<T, ArchiveReader>,
                    "to be archived a type needs a member `void archive(auto& a)`");
      if constexpr (!std::is_empty_v<T>) read_bytes(&value, sizeof(T), "a value");
    }
  }

  [[gnu::cold, gnu::noinline]] bool read_bool() {
    std::uint8_t byte = 0;
    read_bytes(&byte, 1, "a bool");
    if (byte > 1) {
      --offset_;
      fail(concat({"found ", byte}), "a bool, 0 or 1");
    }
    return byte == 1;
  }

  /// A count that torn data made huge must end in an Error, not in an attempt to allocate it.
  template <class Container>
  void read_container(Container& container) {
    using Item = typename Container::value_type;
    const auto count = read_count();
    container.clear();
    if constexpr (internal::ArchivedAsBytes<Item, ArchiveReader>) {
      if (count > remaining() / sizeof(Item)) {
        fail(concat({"the data ends after ", remaining(), " more bytes"}),
             concat({count, " elements of ", sizeof(Item), " bytes"}));
      }
      container.resize(count);
      read_bytes(container.data(), count * sizeof(Item), "an array");
    } else {
      container.reserve(std::min<std::size_t>(count, remaining()));
      for (std::uint64_t i = 0; i < count; ++i) {
        Item item{};
        read(item);
        container.push_back(std::move(item));
      }
    }
  }

  std::span<const std::byte> bytes_;
  ArchiveRanks ranks_;
  std::size_t offset_ = 0;
  std::string section_;
};

/// The bytes of one value.
[[nodiscard]] std::vector<std::byte> to_bytes(const auto& value) {
  ArchiveWriter writer;
  writer(value);
  return writer.take();
}

/// Reads one value that to_bytes wrote. Error: the bytes are torn, of another type, or more than the value.
void from_bytes(std::span<const std::byte> bytes, auto& value) {
  ArchiveReader reader(bytes);
  reader(value);
  reader.finish();
}

}  // namespace polis
