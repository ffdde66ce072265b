// Memory that begins as zeros or as a file's contents, and keeps to itself what is written to it: POSIX mmap.
//
// What is only read costs no memory of the process, since the system can drop it and read it again. Pages
// that were written to are copies; `release` gives them up again once the file holds the same.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>

namespace polis::internal {

/// So many bytes of address space, which stay where they are whatever they show. Pages not yet written to
/// take no memory, nor is any set aside for them (MAP_NORESERVE).
class PrivateMemory {
 public:
  PrivateMemory() = default;
  /// Error: no address space.
  [[gnu::cold, gnu::noinline]] explicit PrivateMemory(std::size_t bytes) : bytes_(bytes) {
    if (bytes > 0) start_ = map(nullptr, MAP_ANONYMOUS, -1, 0);
  }
  PrivateMemory(PrivateMemory&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PrivateMemory& operator=(PrivateMemory&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  PrivateMemory(const PrivateMemory&) = delete;
  PrivateMemory& operator=(const PrivateMemory&) = delete;
  ~PrivateMemory() {
    if (start_) ::munmap(start_, bytes_);
  }

  [[nodiscard]] void* data() const { return start_; }
  [[nodiscard]] std::size_t size() const { return bytes_; }

  /// Shows zeros from now on.
  [[gnu::cold]] void clear() {
    if (start_) map(start_, MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
  /// Shows a file from `offset` on, a multiple of the page size. The file must be long enough: reading behind
  /// its end is a bus error.
  [[gnu::cold]] void show(int descriptor, std::uint64_t offset) {
    if (start_) map(start_, MAP_FIXED, descriptor, static_cast<off_t>(offset));
  }
  /// Gives up the copies of the pages of `part`, all of whose bytes the file holds as they are here. A system
  /// that keeps them keeps the same contents.
  [[gnu::cold]] static void release(std::span<const std::byte> part) {
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto* const data = const_cast<std::byte*>(part.data());
    const std::size_t before = reinterpret_cast<std::uintptr_t>(data) % page;
    ::madvise(data - before, before + part.size(), MADV_DONTNEED);
  }

 private:
  [[gnu::cold, gnu::noinline]] void* map(void* at, int flags, int descriptor, off_t offset) const {
    constexpr int access = PROT_READ | PROT_WRITE;
    void* const mapped = ::mmap(at, bytes_, access, MAP_PRIVATE | MAP_NORESERVE | flags, descriptor, offset);
    if (mapped != MAP_FAILED) return mapped;
    throw Error(concat({"cannot map memory: ", std::strerror(errno)}), {},
                concat({"address space for ", bytes_, " bytes"}));
  }

  void* start_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace polis::internal
