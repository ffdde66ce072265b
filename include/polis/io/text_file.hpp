// Whole text files, read and written with errors that say why not.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>

namespace polis {

/// Reads the whole of a file. Error: it cannot be read, and why.
inline std::string read_text_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string text;
  std::array<char, 1 << 16> block;
  while (file) {
    const std::size_t got = std::fread(block.data(), 1, block.size(), file.get());
    text.append(block.data(), got);
    if (got < block.size()) break;
  }
  if (!file || std::ferror(file.get())) throw Error(concat({"cannot be read: ", std::strerror(errno)}), path);
  return text;
}

/// Writes a whole file. Error: it cannot be written, and why.
inline void write_text_file(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int reason = errno;
  if (file && std::fclose(file) == 0 && written) return;
  if (written) reason = errno;  // what was buffered is only written when the file is closed
  throw Error(concat({"cannot be written: ", std::strerror(reason)}), path);
}

}  // namespace polis
