// Files that must not be lost: whole writes, syncing, and what else checkpoints need of POSIX.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace polis::internal {

/// A file descriptor that closes itself; its operations report failure through errno.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const std::string& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  explicit Descriptor(int own) : descriptor_(own) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int number() const { return descriptor_; }
  bool sync() { return ::fsync(descriptor_) == 0; }
  bool close() { return descriptor_ < 0 || ::close(std::exchange(descriptor_, -1)) == 0; }

  bool write(std::span<const std::byte> bytes) {
    return whole(bytes, [this](std::span<const std::byte> rest) {
      return ::write(descriptor_, rest.data(), rest.size());
    });
  }
  bool write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    const std::byte* const first = bytes.data();
    return whole(bytes, [&](std::span<const std::byte> rest) {
      const auto done = static_cast<std::uint64_t>(rest.data() - first);
      return ::pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    });
  }

  /// Reads until `bytes` is full or the file ends; the number of bytes read, or -1.
  std::ptrdiff_t read(std::span<std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::read(descriptor_, bytes.data() + done, bytes.size() - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return -1;
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return static_cast<std::ptrdiff_t>(done);
  }

  /// Bytes in the file.
  [[nodiscard]] std::uint64_t size() const {
    struct stat status{};
    return ::fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  /// Makes the file so long, its new bytes zero and their room on the disk taken.
  bool allocate(std::uint64_t bytes) {
    const int problem = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    if (problem != 0) errno = problem;
    return problem == 0;
  }
  /// Holds the file until it is closed; false where another descriptor does. File systems without locks
  /// cannot tell.
  bool lock() { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }
  /// Whether the file still lies at this path.
  [[nodiscard]] bool is_at(const std::string& path) const {
    struct stat own{}, found{};
    return ::fstat(descriptor_, &own) == 0 && ::stat(path.c_str(), &found) == 0 &&
           own.st_dev == found.st_dev && own.st_ino == found.st_ino;
  }

 private:
  template <class Write>
  static bool whole(std::span<const std::byte> bytes, Write&& write) {
    while (!bytes.empty()) {
      const ssize_t written = write(bytes);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
  }

  int descriptor_ = -1;
};

/// The folder a path lies in.
inline std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// What was renamed in the folder of `path` survives a power cut from now on. Some file systems cannot sync a
/// folder; the path holds a whole file all the same.
inline void sync_folder_of(const std::string& path) {
  Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY);
  if (folder.is_open()) folder.sync();
}

inline bool write_and_sync(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) return false;
  for (const auto part : parts) {
    if (!file.write(part)) return false;
  }
  return file.sync() && file.close();
}

}  // namespace polis::internal
