#include <polis/train/run_directory.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

using namespace polis;

namespace {

/// An empty path below the system's folder for temporary files, cleared after the test.
struct Scratch {
  std::string path = (std::filesystem::temp_directory_path() / "polis_run_directory").string();
  Scratch() { std::filesystem::remove_all(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("train/run_directory: new runs are numbered, the last with a checkpoint is resumed") {
  const Scratch scratch;
  CHECK(RunDirectory::create("", scratch.path).path() == scratch.path + "/1");
  const RunDirectory second = RunDirectory::create("", scratch.path);
  CHECK(second.path() == scratch.path + "/2");
  std::ofstream(second.checkpoint()) << "x";
  std::filesystem::create_directories(scratch.path + "/7up");  // no number
  CHECK(RunDirectory::create("", scratch.path).path() == scratch.path + "/3");
  CHECK(RunDirectory::existing("", scratch.path).path() == second.path());
}

TEST_CASE("train/run_directory: a checkpoint is never overwritten by a new run") {
  const Scratch scratch;
  const RunDirectory run = RunDirectory::create(scratch.path + "/mine");
  CHECK_NOTHROW(RunDirectory::create(run.path()));  // nothing to lose yet
  std::ofstream(run.checkpoint()) << "x";
  CHECK_THROWS_WITH_AS(RunDirectory::create(run.path()), doctest::Contains("another run"), Error);
  CHECK(RunDirectory::existing(run.path()).path() == run.path());
}

TEST_CASE("train/run_directory: nothing to resume, and folders that cannot be made, are Errors") {
  const Scratch scratch;
  CHECK_THROWS_WITH_AS(RunDirectory::existing("", scratch.path), doctest::Contains("no run to resume"),
                       Error);
  CHECK_THROWS_WITH_AS(RunDirectory::existing(scratch.path), doctest::Contains("no checkpoint"), Error);
  std::ofstream(scratch.path) << "a file";
  CHECK_THROWS_WITH_AS(RunDirectory::create(scratch.path + "/run"), doctest::Contains("cannot be made"),
                       Error);
}
