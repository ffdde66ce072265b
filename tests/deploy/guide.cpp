// docs/deploy.md: its programs are compiled and run, its other blocks are pieces of files that are tested.
#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <polis/deploy/weights.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/io/text_file.hpp>

#include "policies.hpp"
#include "python.hpp"
#include "scratch.hpp"

namespace test_guide {

using namespace polis_test;

std::string file(const std::string& name) {
  return polis::read_text_file(std::string(POLIS_SOURCE_DIR) + '/' + name);
}

/// The page's blocks of a language, in order.
std::vector<std::string> blocks(const std::string& language) {
  const std::string page = file("docs/deploy.md"), open = "```" + language + '\n';
  std::vector<std::string> found;
  for (std::size_t at = page.find(open); at != std::string::npos; at = page.find(open, at)) {
    at += open.size();
    found.push_back(page.substr(at, page.find("```", at) - at));
  }
  return found;
}

/// Whether a text is part of another.
bool part(const std::string& block, const std::string& whole) {
  return whole.find(block) != std::string::npos;
}

}  // namespace test_guide

using namespace test_guide;

TEST_CASE("deploy/guide: the page's programs export a policy and use it, and all agree") {
  const auto programs = blocks("cpp"), scripts = blocks("python");
  REQUIRE(programs.size() == 4);
  REQUIRE(scripts.size() == 2);
  const Scratch scratch;
  polis::write_text_file(scratch.file("train.cpp"), programs[0]);
  polis::write_text_file(scratch.file("use.cpp"), programs[2]);
  polis::write_text_file(scratch.file("onnx.py"), scripts[0]);
  polis::write_text_file(scratch.file("weights.py"), scripts[1]);
  scratch.run(POLIS_CXX " -std=c++20 -O1 -I " POLIS_SOURCE_DIR
                        "/include train.cpp -o train -pthread && ./train");
  scratch.run(POLIS_CXX " -std=c++17 -Wall -Wextra -Wpedantic -Werror use.cpp -o use && ./use >decided");
  scratch.run(python("onnx.py", scratch.file("")) + " >decided_by_onnx");
  scratch.run(python("weights.py", scratch.file("")) + " >shape");
  const std::string decided = polis::read_text_file(scratch.file("decided"));
  CHECK((decided == "0\n" || decided == "1\n"));
  CHECK(polis::read_text_file(scratch.file("decided_by_onnx")) == decided);
  CHECK(polis::read_text_file(scratch.file("shape")) == "(64, 4)\n");

  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.file(""));
  Trainer<PPO, MultiAgentEnv<CartPole>> another({.seed = 8});
  import_safetensors(another, "policy.safetensors");
  std::filesystem::current_path(before);
  const SafeTensors exported = read_safetensors(scratch.file("policy.safetensors"));
  for (const auto& [name, tensor] : trained_tensors(another).tensors)
    CHECK(tensor.bytes == exported.tensors.at(name).bytes);
}

TEST_CASE("deploy/guide: the page's other blocks are pieces of files that are compiled") {
  CHECK(part(blocks("cpp")[1], file("include/polis/deploy/model.hpp")));
  const std::string imported = blocks("cpp")[3];
  CHECK(part(imported, file("tests/deploy/guide.cpp")));
  std::string projects;
  for (const char* name :
       {"installed/CMakeLists.txt", "fetched/CMakeLists.txt", "added/CMakeLists.txt", "consumer.cmake"}) {
    projects += file(std::string("tests/packaging/") + name);
  }
  CHECK(blocks("cmake").size() == 4);
  for (const std::string& block : blocks("cmake")) CHECK_MESSAGE(part(block, projects), block);
}
