// The checkpoint file: round trip, each way of being the wrong file, and a disk that is full.
#include <doctest/doctest.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <polis/train/checkpoint.hpp>

namespace test_checkpoint {

using Bytes = std::vector<std::byte>;

Bytes payload(std::size_t size, unsigned seed = 1) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>((seed = seed * 1664525u + 1013904223u) >> 24);
  return bytes;
}

/// A folder of its own that is removed with everything in it.
class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() {
    for (const std::string& file : files_) ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  std::string file(const std::string& name) { return files_.emplace_back(path_ + '/' + name); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/polis-checkpoint-XXXXXX";
  std::vector<std::string> files_;
};

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

Bytes read_file(const std::string& path) {
  Bytes bytes;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  for (int c = 0; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<std::byte>(c));
  std::fclose(file);
  return bytes;
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
}

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

std::string read_error(const std::string& path) {
  return error_of([&] { polis::read_checkpoint(path, "PPO"); });
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace test_checkpoint

using namespace test_checkpoint;

TEST_CASE("train/checkpoint: what was written is read, and the next replaces it") {
  Folder folder;
  const auto path = folder.file("run.polis");
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'003}}) {
    polis::write_checkpoint(path, "PPO", payload(size));
    CHECK(polis::read_checkpoint(path, "PPO") == payload(size));
    CHECK(read_file(path).size() == polis::internal::checkpoint_header_size + 3 + size);
  }
  CHECK(!exists(path + ".tmp"));
  write_file(path + ".tmp", payload(10));  // left over by a process that was killed
  polis::write_checkpoint(path, "PPO", payload(5));
  CHECK(polis::read_checkpoint(path, "PPO") == payload(5));
  CHECK(!exists(path + ".tmp"));
}

TEST_CASE("train/checkpoint: missing, foreign, newer, older and of another composition are told apart") {
  Folder folder;
  const auto path = folder.file("run.polis");
  CHECK(read_error(path) == path + ": No such file or directory; expected a checkpoint of PPO");
  CHECK(contains(read_error(folder.path()), "cannot read the checkpoint: Is a directory"));

  const std::string text = "day,DAX\n0,1628.75\n";
  write_file(path, std::as_bytes(std::span(text)));
  CHECK(contains(read_error(path), "not a polis checkpoint"));

  polis::write_checkpoint(path, "DQN", payload(100));
  CHECK(read_error(path) == path + ": this is a checkpoint of DQN; expected a checkpoint of PPO");

  polis::write_checkpoint(path, "PPO", payload(100));
  auto bytes = read_file(path);
  bytes[8] = std::byte{3};
  write_file(path, bytes);
  CHECK(read_error(path) == path + ": written by a newer polis: checkpoint version 3; expected version 2");
  bytes[8] = std::byte{1};
  write_file(path, bytes);
  CHECK(read_error(path) == path + ": written by an older polis: checkpoint version 1; expected version 2");
}

TEST_CASE("train/checkpoint: cut off, lengthened or damaged anywhere, it is called torn") {
  Folder folder;
  const auto path = folder.file("run.polis");
  polis::write_checkpoint(path, "PPO", payload(64));
  const auto whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(path, std::span(whole).first(size));
    CHECK(contains(read_error(path), "the checkpoint is torn"));
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  write_file(path, longer);
  CHECK(contains(read_error(path), "68 bytes follow its header; expected 67 bytes"));
  for (std::size_t at = 12; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= std::byte{0x10};
    write_file(path, damaged);
    CHECK(contains(read_error(path), "the checkpoint is torn"));
  }
}

TEST_CASE("train/checkpoint: a full disk leaves the previous checkpoint and says so") {
  Folder folder;
  const auto path = folder.file("run.polis");
  const auto tmp = folder.file("run.polis.tmp");
  const auto write = [&] { polis::write_checkpoint(path, "PPO", payload(100'000)); };
  REQUIRE(::symlink("/dev/full", tmp.c_str()) == 0);
  CHECK(error_of(write) ==
        path +
            ": cannot write the checkpoint: No space left on device (there was none before); "
            "expected a writable place with room for 100035 bytes");

  polis::write_checkpoint(path, "PPO", payload(7));
  REQUIRE(::symlink("/dev/full", tmp.c_str()) == 0);
  CHECK(contains(error_of(write), "No space left on device (the previous checkpoint is untouched)"));
  CHECK(polis::read_checkpoint(path, "PPO") == payload(7));
  CHECK(!exists(tmp));

  // A file that may not grow beyond 4 KiB: the write comes up short before it fails.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto message = error_of(write);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(message, "File too large (the previous checkpoint is untouched)"));
  CHECK(polis::read_checkpoint(path, "PPO") == payload(7));
  CHECK(!exists(tmp));
}

TEST_CASE("train/checkpoint: a folder that is not there is named") {
  Folder folder;
  const auto path = folder.path() + "/missing/run.polis";
  const auto message = error_of([&] { polis::write_checkpoint(path, "PPO", payload(7)); });
  CHECK(contains(message, path + ": cannot write the checkpoint: No such file or directory"));
}
