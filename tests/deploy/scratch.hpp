// A folder of a test's own, and programs run in it.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <polis/io/text_file.hpp>

namespace polis_test {

/// A folder that is removed with everything in it.
class Scratch {
 public:
  Scratch() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

  void write_floats(const std::string& name, const std::vector<float>& values) const {
    std::string bytes(values.size() * sizeof(float), '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    polis::write_text_file(file(name), bytes);
  }
  [[nodiscard]] std::vector<float> read_floats(const std::string& name) const {
    const std::string bytes = polis::read_text_file(file(name));
    std::vector<float> values(bytes.size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  /// Runs a shell command in the folder and fails the test where it fails, with what it printed.
  void run(const std::string& command) const {
    const int status = std::system(("cd " + path_ + " && { " + command + "; } >output 2>&1").c_str());
    REQUIRE_MESSAGE(status == 0, command << '\n' << polis::read_text_file(file("output")));
  }

 private:
  std::string path_ = "/tmp/polis-deploy-XXXXXX";
};

}  // namespace polis_test
