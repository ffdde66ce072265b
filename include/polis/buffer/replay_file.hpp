// The file of a replay that is mapped into memory (buffer/mapped.hpp), and how it goes along with a
// checkpoint.
//
//   magic (8 bytes) | version u32 | CRC-32 of the rest of the header u32 | identity u64 | bytes of the arrays
//   u64 | length of the shape u64 | shape | zeros up to 64 KiB | arrays                  (little-endian)
//
// The file holds the arrays as of a checkpoint, whose identity it bears: a hash of all that was ever written
// to it. A process maps it privately, so that what it stores stays in its memory. At a checkpoint
//
//   1. the checkpoint is written with the parts of the arrays that changed since the one before, the identity
//      that they start from and the one that they lead to, and renamed into its place;
//   2. then the same parts are written to the file, synced, and then the new identity.
//
// Killed before 1 is done, there is the previous checkpoint and the file that it leads to. Killed before 2 is
// done, the file bears the identity that the checkpoint starts from, and whatever of the parts it already
// holds, the checkpoint holds all of them. The first checkpoint starts from nothing: it holds all there is,
// and the file is made beside its place and renamed like the checkpoint. POSIX.
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
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <polis/core/archive.hpp>
#include <polis/core/checksum.hpp>
#include <polis/core/error.hpp>
#include <polis/core/file.hpp>
#include <polis/core/private_memory.hpp>
#include <polis/core/text.hpp>

namespace polis::internal {

/// The format that is written and the newest that is read.
inline constexpr std::uint32_t replay_file_version = 1;
inline constexpr std::array<unsigned char, 8> replay_file_magic = {0x89, 'r', 'e', 'p', 'l', 'a', '\r', '\n'};
/// Where the arrays begin: a multiple of every page size.
inline constexpr std::uint64_t replay_file_start = 1 << 16;

struct ReplayFileHeader {
  std::array<unsigned char, 8> magic = replay_file_magic;
  std::uint32_t version = replay_file_version;
  std::uint32_t checksum = 0;
  std::uint64_t identity = 0;
  std::uint64_t bytes = 0;
  std::vector<std::byte> shape{};

  void archive(auto& a) { a(magic, version, checksum, identity, bytes, shape); }
};

/// The memory of a replay's arrays, and the file that it shows once there is one. Until the first checkpoint
/// is written or read, nothing is done to any file.
class ReplayFile {
 public:
  /// Of nothing: arrays that are all zero.
  static constexpr std::uint64_t nothing = 0;

  ReplayFile() = default;
  /// `shape` tells arrays of these sizes from others.
  [[gnu::cold]] ReplayFile(std::string path, std::vector<std::byte> shape, std::size_t bytes)
      : path_(std::move(path)), shape_(std::move(shape)), memory_(bytes) {}
  ReplayFile(ReplayFile&&) noexcept = default;
  ReplayFile& operator=(ReplayFile&&) noexcept = default;
  ReplayFile(const ReplayFile&) = delete;
  ReplayFile& operator=(const ReplayFile&) = delete;
  ~ReplayFile() { drop_new(); }

  [[nodiscard]] void* data() const { return memory_.data(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// What the file holds; `nothing` where there is none.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }

  /// Lets go of the file and shows zeros.
  [[gnu::cold, gnu::noinline]] void detach() {
    memory_.clear();
    file_ = Descriptor();
    identity_ = nothing;
  }

  /// Shows the file that goes along with a checkpoint which leads from one identity to another, and returns
  /// whether it has come to the latter; if not, the changes are to be written to memory. It may be missing
  /// where the changes start from nothing. Error: it is missing, foreign, torn, of other sizes, in use, or
  /// goes along with another checkpoint; the memory shows zeros then.
  [[gnu::cold, gnu::noinline]] bool attach(std::uint64_t from, std::uint64_t to) {
    detach();
    Descriptor file(path_, O_RDWR);
    if (!file.is_open()) {
      if (errno == ENOENT && from == nothing) return false;
      throw Error(std::strerror(errno), path_, "the replay that goes along with this checkpoint");
    }
    hold(file);
    const ReplayFileHeader header = read_header(file);
    if (header.identity != to && from == nothing) return false;  // another run's, to be replaced
    if (header.identity != to && header.identity != from) {
      throw Error("this replay goes along with another checkpoint", path_,
                  "the replay as it was left by the run that wrote this checkpoint last");
    }
    if (header.shape != shape_ || header.bytes != memory_.size()) {
      throw Error("found other sizes", path_, "a replay of those of this run's settings");
    }
    memory_.show(file.number(), replay_file_start);
    file_ = std::move(file);
    identity_ = header.identity;
    return identity_ == to;
  }

  /// Makes sure that a checkpoint's changes can be written to the file, and makes it where there is none yet.
  /// Error: it cannot be made (disk full, no permission), is in use, or there is something else in its place;
  /// the files are as before.
  [[gnu::cold, gnu::noinline]] void prepare() {
    if (file_.is_open()) {
      if (file_.is_at(path_)) return;
      throw Error("the replay's file was moved or replaced", path_,
                  "the file in which this run keeps its replay");
    }
    if (Descriptor old(path_, O_RDWR); old.is_open()) {
      hold(old);
      (void)read_header(old);  // a replay is replaced by the new run's, as its checkpoint is; nothing else is
    } else if (errno != ENOENT) {
      throw Error(std::strerror(errno), path_, "a path for the file in which the replay is kept");
    }
    drop_new();
    const std::string beside = path_ + ".new";
    Descriptor file(beside, O_RDWR | O_CREAT);
    if (file.is_open()) hold(file);
    if (!file.is_open() || ::ftruncate(file.number(), 0) != 0 || !file.allocate(file_bytes())) {
      const int reason = errno;
      if (file.is_open()) ::unlink(beside.c_str());
      throw Error(concat({"cannot make the replay's file: ", std::strerror(reason)}), path_,
                  concat({"a writable place with room for ", file_bytes(), " bytes"}));
    }
    new_ = std::move(file);
  }

  /// Writes a part of the memory to the file. Error: it cannot be written; the file goes along with the
  /// checkpoint all the same.
  [[gnu::cold]] void write(std::span<const std::byte> part) {
    const auto offset = static_cast<std::uint64_t>(part.data() - static_cast<const std::byte*>(data()));
    check(target().write_at(replay_file_start + offset, part));
  }
  /// All parts are written: gives the file its new identity. Errors: as of write.
  [[gnu::cold, gnu::noinline]] void finish(std::uint64_t identity) {
    ReplayFileHeader header;
    header.identity = identity, header.bytes = memory_.size(), header.shape = shape_;
    header.checksum = checksum_of(header);
    check(target().sync() && target().write_at(0, to_bytes(header)));
    if (new_.is_open()) {
      check(new_.sync() && std::rename((path_ + ".new").c_str(), path_.c_str()) == 0);
      sync_folder_of(path_);
      file_ = std::move(new_);
      new_ = Descriptor();
      identity_ = identity;
      memory_.show(file_.number(), replay_file_start);
    } else {
      identity_ = identity;
      check(file_.sync());
    }
  }
  /// Gives up the memory of a part that the file holds as it is here.
  [[gnu::cold]] static void release(std::span<const std::byte> part) { PrivateMemory::release(part); }

 private:
  [[nodiscard]] std::uint64_t file_bytes() const { return replay_file_start + memory_.size(); }
  [[nodiscard]] Descriptor& target() { return new_.is_open() ? new_ : file_; }

  static std::uint32_t checksum_of(ReplayFileHeader header) {
    header.checksum = 0;
    return crc32(bytes_of(to_bytes(header)));
  }

  void drop_new() {
    if (!new_.is_open()) return;
    ::unlink((path_ + ".new").c_str());
    new_ = Descriptor();
  }
  /// Two runs that write to one file would spoil it for both.
  void hold(Descriptor& file) const {
    if (!file.lock()) throw Error("this replay is in use", path_, "a file of each run's own");
  }
  void check(bool done) const {
    if (done) return;
    throw Error(concat({"cannot bring the replay up to its checkpoint: ", std::strerror(errno),
                        " (the checkpoint is whole, and resuming it goes on from here)"}),
                path_);
  }

  /// The header of a replay's file. Error: the file is no such, torn, or of a newer polis.
  [[nodiscard]] ReplayFileHeader read_header(Descriptor& file) const {
    std::vector<std::byte> start(replay_file_start);
    const std::ptrdiff_t found = file.read(start);
    if (found < 0) throw Error(concat({"cannot read the replay: ", std::strerror(errno)}), path_);
    start.resize(static_cast<std::size_t>(found));
    constexpr std::size_t magic = replay_file_magic.size();
    if (start.size() < magic || std::memcmp(start.data(), replay_file_magic.data(), magic) != 0) {
      throw Error("this is not a replay of polis", path_, "the file in which a run keeps its replay");
    }
    const auto torn = [this](const std::string& what, const std::string& expected) {
      return Error(concat({"the replay is torn: ", what}), path_, expected);
    };
    ReplayFileHeader header;
    std::uint32_t version = 0;
    if (start.size() >= magic + sizeof version) std::memcpy(&version, &start[magic], sizeof version);
    if (version > replay_file_version) {
      throw Error(concat({"written by a newer polis: replay version ", version}), path_,
                  concat({"a version up to ", replay_file_version}));
    }
    try {
      ArchiveReader reader(start);
      reader(header);
    } catch (const Error&) {
      throw torn(concat({"it ends after ", start.size(), " bytes"}), "a whole header");
    }
    if (checksum_of(header) != header.checksum) {
      throw torn("its checksum does not fit its header", "a header as it was written");
    }
    if (file.size() != replay_file_start + header.bytes) {
      throw torn(concat({"it has ", file.size(), " bytes"}),
                 concat({replay_file_start + header.bytes, " bytes"}));
    }
    return header;
  }

  std::string path_;
  std::vector<std::byte> shape_;
  PrivateMemory memory_;
  Descriptor file_, new_;  // the file that memory shows; one that is being made beside its place
  std::uint64_t identity_ = nothing;
};

}  // namespace polis::internal
