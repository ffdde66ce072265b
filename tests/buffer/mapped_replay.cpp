// Replays in a file: which parts of their arrays a checkpoint must hold, and each way of being the wrong
// file. What training makes of them is in tests/train/mapped_replay.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <polis/buffer/episodes.hpp>
#include <polis/buffer/mapped.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/buffer/rollout.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/random.hpp>

namespace test_mapped_replay {

using namespace polis;

static_assert(MappableBuffer<Replay> && MappableBuffer<PrioritizedReplay> && MappableBuffer<Episodes>);
static_assert(!MappableBuffer<Mapped<Replay>> && !MappableBuffer<Rollout>);
static_assert(keeps_episodes<Mapped<Episodes>> && !keeps_episodes<Mapped<Replay>>);

constexpr ReplayShape shape{.units = 3,
                            .capacity = 11,
                            .n_step = 3,
                            .width = 2,
                            .observation = 5,
                            .action = 2,
                            .mask = 3,
                            .own_mask = 1,
                            .state = 4,
                            .rewards = 2};
constexpr EpisodeShape episode_shape{
    .units = 3, .capacity = 4, .longest = 5, .width = 2, .observation = 5, .mask = 3, .state = 4, .carry = 2};

/// What a learner may do with a unit at random: decisions, rewards, ends, and being cut off from outside. All
/// that is written is new.
template <class Arrays>
void act(Arrays& arrays, Random& random, float& fresh) {
  const int unit = random.integer(arrays.shape().units);
  const auto write = [&](float* to, int count) {
    for (int i = 0; i < count; ++i) to[i] = fresh += 1;
  };
  if (random.integer(20) == 0) arrays.drop(unit);
  const int id = arrays.begin(unit, .5f);
  const auto& s = arrays.shape();
  write(&arrays.observations(id, 0, 0), s.width * s.observation);
  write(&arrays.states(id, 0), s.state);
  if (random.integer(20) == 0) return arrays.drop(unit);  // an error between the two
  if constexpr (requires { arrays.first_carries(unit); }) {
    if (arrays.starts(unit)) write(arrays.first_carries(unit), s.width * s.carry);
  } else {
    write(&arrays.masks(id, 0, 0), s.width * s.own_mask);
  }
  std::vector<float> legal(static_cast<std::size_t>(s.width * s.mask));
  write(legal.data(), s.width * s.mask);
  arrays.link(unit, legal.data());
  write(&arrays.actions(id, 0, 0), s.width * s.action);
  std::vector<float> rewards(static_cast<std::size_t>(s.rewards));
  write(rewards.data(), s.rewards);
  arrays.reward(unit, rewards.data());
  const int end = random.integer(12);
  if (end == 0) arrays.terminate(unit);
  if (end == 1) {
    const auto following = arrays.following(unit);
    write(following.observations, s.width * s.observation);
    write(following.masks, s.width * s.mask);
    write(following.state, s.state);
    arrays.truncate(unit, .5f);
  }
}

/// Whatever was written since some moment lies in the parts that are said to have been; and the parts are
/// few where little was.
template <class Arrays, class Shape>
void check_written(const Shape& of, std::size_t most_after_three) {
  Random random(1, 0, 0, 0, Purpose::test);
  float fresh = 0;
  Arrays arrays({}, of);
  bool seen_all = false;
  for (int round = 0; round < 300; ++round) {
    const int acts = random.integer(4) == 0 ? random.integer(120) : random.integer(6);
    const auto contents = arrays.contents();
    const std::vector<float> before(contents.begin(), contents.end());
    std::vector<std::uint64_t> since;
    for (int unit = 0; unit < of.units; ++unit) since.push_back(arrays.completed(unit));
    for (int i = 0; i < acts; ++i) act(arrays, random, fresh);
    std::vector<int> named(before.size());
    std::size_t count = 0;
    arrays.for_written(since, [&](std::span<float> part) {
      for (float& value : part) ++named[static_cast<std::size_t>(&value - contents.data())];
      count += part.size();
    });
    for (std::size_t i = 0; i < before.size(); ++i) {
      REQUIRE(named[i] <= 1);
      if (contents[i] != before[i]) REQUIRE(named[i] == 1);
    }
    if (acts < 4) REQUIRE(count <= most_after_three);
    seen_all = seen_all || count > before.size() * 9 / 10;
  }
  CHECK(seen_all);
}

/// A folder of its own that is removed with everything in it.
class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() {
    const std::string command = "rm -r " + path_;
    REQUIRE(std::system(command.c_str()) == 0);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_ = "/tmp/polis-mapped-XXXXXX";
};

using Bytes = std::vector<std::byte>;

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
bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

template <class Arrays>
Arrays make(const std::string& file, const typename Arrays::Shape& of) {
  typename Arrays::Config config;
  config.file = file;
  return Arrays(config, of);
}
using MappedUniform = Mapped<Replay>::Arrays;

/// The archive of a checkpoint, and with `whole` all of its phases.
template <class Arrays>
Bytes checkpoint(Arrays& arrays, bool whole = true) {
  ArchiveWriter writer(ArchiveUse::checkpoint);
  writer(arrays);
  if (whole) writer.written();
  return writer.take();
}
template <class Arrays>
std::string resume_error(const Bytes& saved, const std::string& file, const typename Arrays::Shape& of) {
  return error_of([&] {
    auto arrays = make<Arrays>(file, of);
    from_bytes(saved, arrays);
  });
}

/// Random acts, checkpoints of every kind in between, a stop after each: what is resumed is what was left.
template <class Word, class Shape>
void check_resumed(const Shape& of) {
  using Arrays = typename Word::Arrays;
  Folder folder;
  const std::string file = folder.file("replay");
  Random random(2, 0, 0, 0, Purpose::test), plain_random = random;
  float fresh = 0, plain_fresh = 0;
  auto arrays = make<Arrays>(file, of);
  auto memory = make<Arrays>(folder.file("never"), of);  // is never saved, and so all in memory
  for (int round = 0; round < 60; ++round) {
    const int acts = 1 + random.integer(30);
    (void)plain_random.integer(30);
    for (int i = 0; i < acts; ++i) {
      act(arrays, random, fresh);
      act(memory, plain_random, plain_fresh);
    }
    arrays.settle(), memory.settle();
    REQUIRE(to_bytes(arrays) == to_bytes(memory));
    const Bytes saved = checkpoint(arrays, round % 3 != 0);  // every third is killed before it is followed
    if (round % 4 != 1) {
      for (int i = 0; i < 5; ++i) {  // what is stored after the checkpoint is lost
        Random other(9, 0, 0, static_cast<std::uint32_t>(i), Purpose::test);
        float wrong = -1e6f;
        act(arrays, other, wrong);
      }
      arrays = Arrays();
      arrays = make<Arrays>(file, of);
      from_bytes(saved, arrays);
      arrays.settle();
    } else if (round % 3 == 0) {
      (void)checkpoint(arrays);  // saved once more without anything new
    }
    REQUIRE(to_bytes(arrays) == to_bytes(memory));
  }
  CHECK(!exists(folder.file("never")));
}

}  // namespace test_mapped_replay

using namespace test_mapped_replay;

TEST_CASE("buffer/mapped_replay: what was written since a moment is known") {
  check_written<UniformReplay>(shape, 3 * (2 * 4 + 3) * 60);
  check_written<EpisodeArrays>(episode_shape, 3 * 4 * 250);
}

TEST_CASE("buffer/mapped_replay: stopped and resumed at any moment, the arrays are as if they had not been") {
  check_resumed<Mapped<Replay>>(shape);
  check_resumed<Mapped<PrioritizedReplay>>(shape);
  check_resumed<Mapped<Episodes>>(episode_shape);
}

TEST_CASE(
    "buffer/mapped_replay: a file that is half brought up to its checkpoint is brought up by the resume") {
  Folder folder;
  const std::string file = folder.file("replay");
  Random random(3, 0, 0, 0, Purpose::test);
  float fresh = 0;
  Bytes saved, whole, before, after;
  {
    auto arrays = make<MappedUniform>(file, shape);
    for (int i = 0; i < 50; ++i) act(arrays, random, fresh);
    (void)checkpoint(arrays);
    before = read_file(file);
    for (int i = 0; i < 20; ++i) act(arrays, random, fresh);
    saved = checkpoint(arrays);
    after = read_file(file);
    whole = to_bytes(arrays);
  }
  REQUIRE(before.size() == after.size());
  const auto start = static_cast<std::ptrdiff_t>(internal::replay_file_start);
  const auto resumes = [&](const Bytes& image) {
    write_file(file, image);
    auto arrays = make<MappedUniform>(file, shape);
    from_bytes(saved, arrays);
    return to_bytes(arrays) == whole;
  };
  for (std::ptrdiff_t done = start; done <= static_cast<std::ptrdiff_t>(after.size()); done += 60) {
    Bytes mixed = before;
    std::copy(after.begin() + start, after.begin() + done, mixed.begin() + start);
    CHECK(resumes(mixed));
  }
  CHECK(resumes(after));
}

TEST_CASE("buffer/mapped_replay: missing, foreign, newer, torn, of other sizes and of another checkpoint") {
  Folder folder;
  const std::string file = folder.file("replay");
  Random random(4, 0, 0, 0, Purpose::test);
  float fresh = 0;
  Bytes first, second, third;
  {
    auto arrays = make<MappedUniform>(file, shape);
    for (int i = 0; i < 20; ++i) act(arrays, random, fresh);
    first = checkpoint(arrays);
    for (int i = 0; i < 20; ++i) act(arrays, random, fresh);
    second = checkpoint(arrays);
    for (int i = 0; i < 20; ++i) act(arrays, random, fresh);
    third = checkpoint(arrays);
    CHECK(contains(resume_error<MappedUniform>(third, file, shape),
                   file + ": this replay is in use; expected a file of each run's own"));
  }
  const auto error = [&](const Bytes& saved) { return resume_error<MappedUniform>(saved, file, shape); };
  const Bytes whole = read_file(file);
  CHECK(error(third) == "no error");
  CHECK(error(first) == "no error");  // it starts from nothing, and holds all there was
  CHECK(error(second) ==
        file +
            ": this replay goes along with another checkpoint; expected the replay as it was left by the "
            "run that wrote this checkpoint last");
  ReplayShape smaller = shape;
  smaller.capacity -= 1;
  CHECK(contains(resume_error<MappedUniform>(third, file, smaller), "saved replay: found other sizes"));

  ::unlink(file.c_str());
  CHECK(error(third) ==
        file + ": No such file or directory; expected the replay that goes along with this checkpoint");
  CHECK(error(first) == "no error");

  const std::string text = "day,DAX\n0,1628.75\n";
  write_file(file, std::as_bytes(std::span(text)));
  CHECK(error(third) ==
        file + ": this is not a replay of polis; expected the file in which a run keeps its replay");
  CHECK(error(first) == error(third));

  Bytes changed = whole;
  changed[8] = std::byte{2};
  write_file(file, changed);
  CHECK(error(third) == file + ": written by a newer polis: replay version 2; expected a version up to 1");

  for (const std::size_t size : {std::size_t{0}, std::size_t{7}}) {
    write_file(file, std::span(whole).first(size));
    CHECK(contains(error(third), "not a replay of polis"));
  }
  for (const std::size_t size : {std::size_t{8}, std::size_t{30}, std::size_t{60}}) {
    write_file(file, std::span(whole).first(size));
    CHECK(error(third) == file + ": the replay is torn: it ends after " + std::to_string(size) +
                              " bytes; expected a whole header");
  }
  write_file(file, std::span(whole).first(whole.size() - 1));
  CHECK(error(third) == file + ": the replay is torn: it has " + std::to_string(whole.size() - 1) +
                            " bytes; expected " + std::to_string(whole.size()) + " bytes");
  for (std::size_t at = 12; at < 32; ++at) {
    changed = whole;
    changed[at] ^= std::byte{0x10};
    write_file(file, changed);
    CHECK(contains(error(third), "the replay is torn: its checksum does not fit its header"));
  }
  write_file(file, whole);
  CHECK(error(third) == "no error");
}

TEST_CASE("buffer/mapped_replay: sizes in a file of the right identity are compared") {
  Folder folder;
  const std::string file = folder.file("replay");
  internal::ReplayFile one(file, Bytes(4), 4096);
  one.prepare();
  one.finish(7);
  one.detach();
  CHECK(contains(error_of([&] { internal::ReplayFile(file, Bytes(5), 4096).attach(1, 7); }),
                 file + ": found other sizes; expected a replay of those of this run's settings"));
  CHECK(contains(error_of([&] { internal::ReplayFile(file, Bytes(4), 8192).attach(1, 7); }),
                 "found other sizes"));
  CHECK(internal::ReplayFile(file, Bytes(4), 4096).attach(1, 7));
  CHECK(!internal::ReplayFile(file, Bytes(4), 4096).attach(7, 8));
}

TEST_CASE("buffer/mapped_replay: a file that cannot be made is an error, and nothing is lost or left") {
  Folder folder;
  const std::string file = folder.file("replay");
  auto arrays = make<MappedUniform>(file, shape);
  Random random(5, 0, 0, 0, Purpose::test);
  float fresh = 0;
  for (int i = 0; i < 20; ++i) act(arrays, random, fresh);
  const Bytes whole = to_bytes(arrays);

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto message = error_of([&] { (void)checkpoint(arrays); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(message,
                 file + ": cannot make the replay's file: File too large; expected a writable place with "
                        "room for"));
  CHECK(!exists(file));
  CHECK(!exists(file + ".new"));

  const std::string text = "not to be lost";
  write_file(file, std::as_bytes(std::span(text)));
  CHECK(contains(error_of([&] { (void)checkpoint(arrays); }), "this is not a replay of polis"));
  CHECK(read_file(file).size() == text.size());
  ::unlink(file.c_str());
  CHECK(contains(error_of([&] {
                   auto nowhere = make<MappedUniform>(folder.file("missing/replay"), shape);
                   (void)checkpoint(nowhere);
                 }),
                 "missing/replay: cannot make the replay's file: No such file or directory"));

  const Bytes unfollowed = checkpoint(arrays, false);
  CHECK(exists(file + ".new"));
  CHECK(contains(error_of([&] {
                   auto other = make<MappedUniform>(file, shape);
                   (void)checkpoint(other);
                 }),
                 "in use"));
  const Bytes saved = checkpoint(arrays);
  CHECK(saved == unfollowed);
  CHECK(!exists(file + ".new"));
  CHECK(to_bytes(arrays) == whole);
  ::rename(file.c_str(), folder.file("moved").c_str());
  CHECK(contains(error_of([&] { (void)checkpoint(arrays); }), "the replay's file was moved or replaced"));
  ::rename(folder.file("moved").c_str(), file.c_str());
  (void)checkpoint(arrays);
}

TEST_CASE("buffer/mapped_replay: an archive to play holds none of it, and nothing is learnt from that") {
  Folder folder;
  auto arrays = make<MappedUniform>(folder.file("replay"), shape);
  Random random(6, 0, 0, 0, Purpose::test);
  float fresh = 0;
  for (int i = 0; i < 40; ++i) act(arrays, random, fresh);
  ArchiveWriter writer(ArchiveUse::playing);
  writer(arrays);
  CHECK(writer.bytes().size() < 300);
  auto other = make<MappedUniform>(folder.file("other"), shape);
  from_bytes(writer.bytes(), other);
  CHECK(
      contains(error_of([&] { other.settle(); }), "a checkpoint saved to be played, which holds no replay"));
  CHECK(to_bytes(other).size() < 300);
  from_bytes(to_bytes(arrays), other);
  other.settle();
  CHECK(to_bytes(other) == to_bytes(arrays));
  CHECK(!exists(folder.file("replay")));
}
