// Scripts of this folder, run by a Python of the tests' own.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

namespace polis_test {

/// The command that runs a script of this folder or another, its packages installed.
inline std::string python(const std::string& script,
                          const std::string& folder = POLIS_SOURCE_DIR "/tests/deploy/") {
  const std::string root = POLIS_SOURCE_DIR;
  static const std::string interpreter = [&root] {
    const std::string command =
        root + "/.ci/python-packages deploy numpy==2.4.6 onnxruntime==1.31.1 safetensors==0.8.0";
    std::string path;
    std::FILE* output = ::popen(("bash " + command).c_str(), "r");
    REQUIRE(output != nullptr);
    for (int c = 0; (c = std::fgetc(output)) != EOF && c != '\n';) path += static_cast<char>(c);
    REQUIRE_MESSAGE(::pclose(output) == 0, command);
    return path;
  }();
  return interpreter + ' ' + folder + script;
}

}  // namespace polis_test
