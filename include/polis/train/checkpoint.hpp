// The checkpoint file: a payload (an archive's bytes) with what is needed to refuse the wrong one.
//
//   magic (8 bytes) | format version u32 | CRC-32 of all that follows u32 | composition length u64 |
//   payload length u64 | composition | payload                                          (little-endian)
//
// A checkpoint is written aside, synced and renamed over the previous one, so that at any moment (kill -9,
// power cut, full disk) the path holds a whole checkpoint: the new one or the previous one. POSIX.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <polis/core/archive.hpp>
#include <polis/core/checksum.hpp>
#include <polis/core/error.hpp>
#include <polis/core/file.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// The format that write_checkpoint writes, and the only one that read_checkpoint reads.
inline constexpr std::uint32_t checkpoint_version = 2;

namespace internal {

/// The eighth bit and the line ends show a transfer that took the file for text.
inline constexpr std::array<unsigned char, 8> checkpoint_magic = {0x89, 'p', 'o', 'l', 'i', 's', '\r', '\n'};

/// What precedes the composition's name, in the order of the file.
struct CheckpointHeader {
  std::array<unsigned char, 8> magic = checkpoint_magic;
  std::uint32_t version = checkpoint_version;
  std::uint32_t checksum = 0;
  std::uint64_t composition_size = 0;
  std::uint64_t payload_size = 0;

  void archive(auto& a) { a(magic, version, checksum, composition_size, payload_size); }

  [[nodiscard]] std::uint32_t compute_checksum(std::string_view composition,
                                               std::span<const std::byte> payload) const {
    const std::uint64_t sizes[] = {composition_size, payload_size};
    return crc32(payload, crc32(bytes_of(composition), crc32(bytes_of(sizes))));
  }
};

inline constexpr std::size_t checkpoint_header_size = 32;

}  // namespace internal

namespace internal {

/// A setting without which what was saved cannot go on as it was. Error: that of the run `where` differs.
void archive_same(auto& a, const std::string& where, const char* key, auto own) {
  auto saved = own;
  a(saved);
  if (saved == own) return;
  throw Error(concat({key, '=', saved, " in the checkpoint"}), where,
              concat({key, '=', own, " as in this run's settings"}));
}

}  // namespace internal

/// Writes `payload` as a checkpoint of `composition` to `path`, replacing what is there in one step.
/// Error: it could not be written (disk full, no permission); the previous checkpoint is as it was, and
/// nothing is left beside it.
[[gnu::cold]] inline void write_checkpoint(const std::string& path, std::string_view composition,
                                           std::span<const std::byte> payload) {
  internal::CheckpointHeader header;
  header.composition_size = composition.size();
  header.payload_size = payload.size();
  header.checksum = header.compute_checksum(composition, payload);
  const auto start = to_bytes(header);

  const std::string aside = path + ".tmp";
  if (!internal::write_and_sync(aside,
                                {internal::bytes_of(start), internal::bytes_of(composition), payload}) ||
      std::rename(aside.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(aside.c_str());
    const bool previous = ::access(path.c_str(), F_OK) == 0;
    throw Error(concat({"cannot write the checkpoint: ", std::strerror(reason),
                        previous ? " (the previous checkpoint is untouched)" : " (there was none before)"}),
                path,
                concat({"a writable place with room for ", start.size() + composition.size() + payload.size(),
                        " bytes"}));
  }
  internal::sync_folder_of(path);
}

/// Reads the payload of the checkpoint at `path`.
/// Error, each its own: no file there; not a checkpoint of polis; written by a newer or an older polis; of
/// another composition; torn (cut off, too long, or a checksum that does not fit).
[[gnu::cold]] inline std::vector<std::byte> read_checkpoint(const std::string& path,
                                                            std::string_view composition) {
  internal::Descriptor file(path, O_RDONLY);
  if (!file.is_open()) throw Error(std::strerror(errno), path, concat({"a checkpoint of ", composition}));
  const auto read = [&](void* to, std::size_t size) {
    const auto count = file.read({static_cast<std::byte*>(to), size});
    if (count < 0) throw Error(concat({"cannot read the checkpoint: ", std::strerror(errno)}), path);
    return static_cast<std::size_t>(count);
  };
  const auto torn = [&](const std::string& what, const std::string& expected) {
    return Error(concat({"the checkpoint is torn: ", what}), path, expected);
  };

  std::array<std::byte, internal::checkpoint_header_size> start{};
  const std::size_t found = read(start.data(), start.size());
  const std::size_t comparable = std::min(found, internal::checkpoint_magic.size());
  if (std::memcmp(start.data(), internal::checkpoint_magic.data(), comparable) != 0) {
    throw Error("this is not a polis checkpoint", path, concat({"a checkpoint of ", composition}));
  }
  if (found < start.size()) {
    throw torn(concat({"it ends after ", found, " bytes"}), concat({"a header of ", start.size(), " bytes"}));
  }
  internal::CheckpointHeader header;
  from_bytes(start, header);
  if (header.version != checkpoint_version) {
    throw Error(concat({"written by ", header.version > checkpoint_version ? "a newer" : "an older",
                        " polis: checkpoint version ", header.version}),
                path, concat({"version ", checkpoint_version}));
  }
  const std::uint64_t rest = file.size() - start.size();
  if (header.composition_size > rest || header.payload_size != rest - header.composition_size) {
    throw torn(concat({rest, " bytes follow its header"}),
               concat({header.composition_size + header.payload_size, " bytes"}));
  }
  std::string name(header.composition_size, '\0');
  std::vector<std::byte> payload(header.payload_size);
  if (read(name.data(), name.size()) + read(payload.data(), payload.size()) != rest ||
      header.compute_checksum(name, internal::bytes_of(payload)) != header.checksum) {
    throw torn("its checksum does not fit its content", "a checkpoint as it was written");
  }
  if (name != composition) {
    throw Error(concat({"this is a checkpoint of ", name}), path, concat({"a checkpoint of ", composition}));
  }
  return payload;
}

}  // namespace polis
