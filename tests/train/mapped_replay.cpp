// Training with a replay in a file (buffer/mapped.hpp): the same bits as in memory, through stops, kills,
// full disks and every moment between the phases of a checkpoint.
#include <doctest/doctest.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <polis/algorithm/dqn.hpp>
#include <polis/algorithm/qmix.hpp>
#include <polis/algorithm/sac.hpp>
#include <polis/buffer/episodes.hpp>
#include <polis/buffer/mapped.hpp>
#include <polis/buffer/prioritized_replay.hpp>
#include <polis/core/archive.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/envs/classic/pendulum.hpp>
#include <polis/envs/particle/simple_spread.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

namespace test_mapped_training {

using namespace polis;

template <class Algorithm, class E>
using Student = Trainer<Algorithm, MultiAgentEnv<E>>;

using Long = Student<DQN::With<Mlp<16>, Mapped<Replay>>, CartPole>;

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

struct stat status_of(const std::string& path) {
  struct stat status{};
  (void)::stat(path.c_str(), &status);
  return status;
}

template <class T>
typename T::Config settings(const Folder& folder, int capacity = 600) {
  typename T::Config config;
  config.seed = 5, config.lanes = 6, config.threads = 1;
  config.algorithm.learning_starts = 100;
  config.algorithm.batch = 8;
  config.algorithm.update_every = 12;
  config.algorithm.buffer.capacity = capacity;
  if constexpr (requires { config.algorithm.exploration.start; }) {
    config.algorithm.exploration.start = config.algorithm.exploration.end = .2f;  // whatever is planned
  }
  if constexpr (requires { config.algorithm.buffer.longest; }) {
    config.algorithm.buffer.capacity = 30;
    config.algorithm.buffer.longest = 20;
    config.algorithm.update_every = 4;
  } else {
    config.algorithm.n_step = 3;
  }
  if constexpr (requires { config.algorithm.buffer.file; }) {
    config.algorithm.buffer.file = folder.file("replay");
  }
  return config;
}

/// All that training has changed, the whole replay included.
std::vector<std::byte> all(auto& trainer) {
  ArchiveWriter writer;
  writer(trainer.learner(), trainer.lanes(), trainer.clock());
  return writer.take();
}
std::vector<float> weights(auto& trainer) {
  std::vector<float> result;
  for (auto& agents : trainer.learner().agents()) {
    const auto values = agents.weights().values();
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}
/// Weights, and all that the replays hold.
std::vector<float> state(auto& trainer) {
  std::vector<float> result = weights(trainer);
  for (auto& agents : trainer.learner().agents()) {
    const auto contents = agents.replay().contents();
    result.insert(result.end(), contents.begin(), contents.end());
    result.push_back(static_cast<float>(agents.replay().completed(0)));
  }
  return result;
}

void iterate(auto& trainer, int times) {
  for (int i = 0; i < times; ++i) trainer.iterate();
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

/// The first two phases of a checkpoint: it lies at its place, the replay's file is not yet brought up to it.
template <class T>
void save_unfollowed(T& trainer, const std::string& path) {
  ArchiveWriter writer(ArchiveUse::checkpoint);
  trainer.archive(writer);
  write_checkpoint(path, T::name(), writer.bytes());
}

/// Training from the start to this many iterations, with the replay in mapped memory and nothing saved.
template <class T>
std::vector<std::byte> uninterrupted(const Folder& folder, int times) {
  T trainer(settings<T>(folder));
  iterate(trainer, times);
  return all(trainer);
}
/// Training on from the checkpoint to this many iterations in all of 12 steps.
template <class T>
std::vector<std::byte> resumed(const Folder& folder, int times) {
  T trainer(settings<T>(folder));
  trainer.resume(folder.file("checkpoint"));
  while (trainer.clock().steps < static_cast<std::uint64_t>(times) * 12) trainer.iterate();
  return all(trainer);
}

/// In memory, mapped, and mapped with checkpoints, stops and resumes in between: one result.
template <class Words, class Buffer, class E>
void check_same_bits() {
  using InMemory = Student<typename Words::template With<Buffer>, E>;
  using InFile = Student<typename Words::template With<Mapped<Buffer>>, E>;
  Folder folder;
  const std::string path = folder.file("checkpoint");
  constexpr int times = keeps_episodes<Buffer> ? 400 : 160;

  InMemory memory(settings<InMemory>(folder));
  iterate(memory, times / 2);
  const auto untaught = weights(memory);
  iterate(memory, times - times / 2);
  const auto learnt = state(memory);
  CHECK(weights(memory) != untaught);
  const auto& ring = memory.learner().agents().front().replay();
  CHECK(ring.completed(0) > 3 * static_cast<std::uint64_t>(ring.shape().capacity) / 2);  // it goes round
  std::vector<std::byte> uninterrupted;
  {
    InFile mapped(settings<InFile>(folder));
    iterate(mapped, times);
    CHECK(state(mapped) == learnt);
    uninterrupted = all(mapped);
  }
  CHECK(status_of(folder.file("replay")).st_size == 0);  // a run that is not saved makes no file

  // Checkpoints while it runs on; then it stops, after more was stored, and another goes on.
  int saved = 0;
  {
    InFile first(settings<InFile>(folder));
    for (const int until : {7, 20, 70}) {
      iterate(first, until - saved);
      first.save(path);
      saved = until;
    }
    iterate(first, 15);
  }
  for (const int until : {75, 100}) {
    InFile next(settings<InFile>(folder));
    next.resume(path);
    iterate(next, until - saved);
    next.save(path);
    saved = until;
    iterate(next, 3);
  }
  InFile last(settings<InFile>(folder));
  last.resume(path);
  iterate(last, 5);
  last.resume(path);
  iterate(last, times - saved);
  CHECK(state(last) == learnt);
  CHECK(all(last) == uninterrupted);
}

}  // namespace test_mapped_training

using namespace test_mapped_training;

TEST_CASE("train/mapped_replay: the same bits as in memory, stopped and resumed or not: DQN") {
  check_same_bits<DQN::With<Mlp<16>>, Replay, CartPole>();
  check_same_bits<DQN::With<Mlp<16>>, PrioritizedReplay, CartPole>();
}

TEST_CASE("train/mapped_replay: the same bits as in memory, stopped and resumed or not: whole episodes") {
  check_same_bits<DQN::With<Gru<8>>, Episodes, CartPole>();
}

TEST_CASE("train/mapped_replay: the same bits as in memory, stopped and resumed or not: SAC") {
  check_same_bits<SAC::With<Mlp<16>>, Replay, Pendulum>();
}

TEST_CASE("train/mapped_replay: each set of weights has a file of its own") {
  check_same_bits<IQL::With<Mlp<8>, SeparateParameters>, Replay, SimpleSpread<>>();
  using Team = Student<IQL::With<Mlp<8>, SeparateParameters, Mapped<Replay>>, SimpleSpread<>>;
  Folder folder;
  Team team(settings<Team>(folder));
  iterate(team, 3);
  team.save(folder.file("checkpoint"));
  for (const char* name : {"replay", "replay.1", "replay.2"}) {
    CHECK(status_of(folder.file(name)).st_size > (1 << 16));
  }
}

TEST_CASE("train/mapped_replay: killed at any moment, a run goes on from its last checkpoint") {
  Folder folder;
  const std::string path = folder.file("checkpoint");
  constexpr int most = 4000;
  // The child trains and saves after every iteration; once it has, it is killed at some moment of its work.
  const auto train = [&] {
    auto config = settings<Long>(folder);
    config.checkpoint = {.path = path, .seconds = 0};
    Long trainer(config);
    if (status_of(path).st_size > 0) trainer.resume(path);
    (void)trainer.train(most * 12);
  };
  const auto saved_at = [&] {
    const struct stat status = status_of(path);
    return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
  };
  Random random(7, 0, 0, 0, Purpose::test);
  int killed = 0;
  std::set<std::uint64_t> places;
  for (int i = 0; i < 15; ++i) {
    const auto before = saved_at();
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 0;
      try {
        train();
      } catch (...) {
        status = 1;
      }
      ::_exit(status);
    }
    REQUIRE(child > 0);
    int status = 0;
    for (int waited = 0; waited < 20'000 && saved_at() == before && ::waitpid(child, &status, WNOHANG) == 0;
         ++waited) {
      ::usleep(1000);
    }
    ::usleep(static_cast<unsigned>(random.integer(30'000)));
    ::kill(child, SIGKILL);
    (void)::waitpid(child, &status, 0);
    killed += WIFSIGNALED(status);
    Long trainer(settings<Long>(folder));
    trainer.resume(path);
    places.insert(trainer.clock().steps);
  }
  CHECK(killed == 15);
  CHECK(places.size() >= 10);
  const int times = static_cast<int>(*places.rbegin() / 12) + 20;
  REQUIRE(times < most);
  CHECK(resumed<Long>(folder, times) == uninterrupted<Long>(folder, times));
}

TEST_CASE("train/mapped_replay: a run that ends between the phases of a checkpoint") {
  Folder folder;
  const std::string path = folder.file("checkpoint");
  const auto whole = uninterrupted<Long>(folder, 120);
  for (const bool first : {true, false}) {
    // Written, but the file beside it is not brought up to it: the run's first checkpoint, and a later one.
    ::unlink(path.c_str()), ::unlink(folder.file("replay").c_str());
    {
      Long trainer(settings<Long>(folder));
      iterate(trainer, 30);
      if (!first) trainer.save(path);
      iterate(trainer, 30);
      save_unfollowed(trainer, path);
      iterate(trainer, 1);
    }
    CHECK((status_of(folder.file("replay")).st_size == 0) == first);
    CHECK(resumed<Long>(folder, 120) == whole);
    // Prepared, but never written.
    {
      Long trainer(settings<Long>(folder));
      trainer.resume(path);
      iterate(trainer, 5);
      ArchiveWriter writer(ArchiveUse::checkpoint);
      trainer.archive(writer);
    }
    CHECK(resumed<Long>(folder, 120) == whole);
    // Nor is it lost when the run that was resumed saves and goes on.
    {
      Long trainer(settings<Long>(folder));
      trainer.resume(path);
      iterate(trainer, 10);
      trainer.save(path);
      iterate(trainer, 10);
      trainer.save(path);
    }
    CHECK(resumed<Long>(folder, 120) == whole);
  }
  // A run that died while it made its file leaves a torn one beside the place, which the next replaces.
  ::unlink(path.c_str()), ::unlink(folder.file("replay").c_str());
  std::FILE* torn = std::fopen(folder.file("replay.new").c_str(), "wb");
  REQUIRE(torn != nullptr);
  std::fputs("half of it", torn);
  std::fclose(torn);
  {
    Long trainer(settings<Long>(folder));
    iterate(trainer, 30);
    trainer.save(path);
  }
  CHECK(resumed<Long>(folder, 120) == whole);
}

TEST_CASE("train/mapped_replay: a full disk loses nothing") {
  Folder folder;
  const std::string path = folder.file("checkpoint");
  const auto whole = uninterrupted<Long>(folder, 120);
  const auto full = [&] { REQUIRE(::symlink("/dev/full", (path + ".tmp").c_str()) == 0); };

  // The checkpoint cannot be written, the run's first or a later one.
  {
    Long trainer(settings<Long>(folder));
    iterate(trainer, 20);
    full();
    CHECK(contains(error_of([&] { trainer.save(path); }), "No space left on device (there was none before)"));
    iterate(trainer, 10);
    trainer.save(path);
    iterate(trainer, 10);
    full();
    CHECK(contains(error_of([&] { trainer.save(path); }),
                   "No space left on device (the previous checkpoint is untouched)"));
  }
  CHECK(resumed<Long>(folder, 120) == whole);
  {
    Long trainer(settings<Long>(folder));
    trainer.resume(path);
    iterate(trainer, 10);
    full();
    CHECK(contains(error_of([&] { trainer.save(path); }), "untouched"));
    iterate(trainer, 10);
    trainer.save(path);  // there is room again
    iterate(trainer, 10);
  }
  CHECK(resumed<Long>(folder, 120) == whole);

  // The checkpoint can be written, what follows cannot: a file that may not grow, nor be written behind that.
  for (const bool goes_on : {false, true}) {
    std::optional<Long> trainer(std::in_place, settings<Long>(folder, 20'000));
    iterate(*trainer, 20);
    trainer->save(path);
    iterate(*trainer, 20);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{200'000, before.rlim_max};
    REQUIRE(status_of(folder.file("replay")).st_size > 900'000);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto message = error_of([&] { trainer->save(path); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(message == folder.file("replay") +
                         ": cannot bring the replay up to its checkpoint: File too large (the checkpoint is "
                         "whole, and resuming it goes on from here)");
    for (const int more : {20, 3}) {
      if (goes_on) iterate(*trainer, more), trainer->save(path);
    }
    const auto left = all(*trainer);
    trainer.reset();
    trainer.emplace(settings<Long>(folder, 20'000)).resume(path);
    CHECK(all(*trainer) == left);
  }
}

TEST_CASE("train/mapped_replay: the best state is there to be played, and a checkpoint elsewhere is whole") {
  Folder folder;
  const std::string path = folder.file("checkpoint"), elsewhere = folder.file("elsewhere");
  auto config = settings<Long>(folder);
  config.checkpoint.path = path;
  config.evaluation = {.every = 300, .episodes = 3};
  std::vector<std::byte> whole;
  {
    Long trainer(config);
    trainer.train(720);
    trainer.save(elsewhere);
    iterate(trainer, 60);
    whole = all(trainer);
  }
  {
    Long best(config);
    best.resume(path + ".best");
    CHECK(best.evaluate(3).mean > 0);
    CHECK(error_of([&] { best.iterate(); }) == folder.file("replay") +
                                                   ": this run was resumed from a checkpoint saved to be "
                                                   "played, which holds no replay; expected the "
                                                   "run's own checkpoint, to train further");
    best.resume(path);  // and this goes on
    iterate(best, 60);
    CHECK(all(best) == whole);
  }
  CHECK(status_of(path + ".best").st_size < status_of(elsewhere).st_size / 2);
  ::unlink(folder.file("replay").c_str());
  Long other(config);
  CHECK(contains(error_of([&] { other.resume(path + ".missing"); }), "No such file"));
  other.resume(elsewhere);
  iterate(other, 60);
  CHECK(all(other) == whole);
  other.save(path);
  Long copy(config);  // as a suite copies a trainer
  from_bytes(to_bytes(other), copy);
  CHECK(all(copy) == whole);
  iterate(copy, 3), iterate(other, 3);
  CHECK(all(copy) == all(other));
}

TEST_CASE("train/mapped_replay: files that are missing, in use or of another checkpoint are named") {
  Folder folder;
  const std::string path = folder.file("checkpoint"), copy = folder.file("copy"),
                    file = folder.file("replay");
  const auto error = [&](const std::string& from) {
    Long trainer(settings<Long>(folder));
    return error_of([&] { trainer.resume(from); });
  };
  {
    Long trainer(settings<Long>(folder));
    iterate(trainer, 20);
    trainer.save(path);
    iterate(trainer, 20);
    trainer.save(path);
    REQUIRE(std::system(("cp " + path + ' ' + copy).c_str()) == 0);
    iterate(trainer, 20);
    trainer.save(path);
    CHECK(contains(error(path), file + ": this replay is in use"));
    Long second(settings<Long>(folder));
    iterate(second, 20);
    CHECK(contains(error_of([&] { second.save(folder.file("second")); }), file + ": this replay is in use"));
  }
  CHECK(contains(error(copy), file + ": this replay goes along with another checkpoint"));
  CHECK(error(path) == "no error");
  ::rename(file.c_str(), folder.file("moved").c_str());
  CHECK(contains(error(path), file + ": No such file or directory; expected the replay that goes along"));
  auto config = settings<Long>(folder);
  config.algorithm.buffer.file.clear();
  CHECK(error_of([&] { Long trainer(config); }) ==
        "algorithm.buffer.file: found none; expected a path for the file in which the replay is kept");
}

TEST_CASE("train/mapped_replay: a checkpoint holds what came in since the last, however much is kept") {
  Folder folder;
  const std::string path = folder.file("checkpoint");
  const auto sizes = [&](int capacity) {
    Long trainer(settings<Long>(folder, capacity));
    std::vector<std::int64_t> bytes;
    for (const int more : {2000, 10, 40, 160}) {
      iterate(trainer, more);
      trainer.save(path);
      bytes.push_back(status_of(path).st_size);
    }
    return bytes;
  };
  const auto few = sizes(6'000), many = sizes(60'000);
  // A transition has 4 + 4 floats seen, an action, a reward, a discount: 44 bytes, of which there are 12 an
  // iteration.
  for (const auto& bytes : {few, many}) {
    CHECK(bytes[2] - bytes[1] == doctest::Approx(30 * 12 * 44).epsilon(.02));
    CHECK(bytes[3] - bytes[2] == doctest::Approx(120 * 12 * 44).epsilon(.02));
  }
  // Where a ring goes round its parts are two.
  for (std::size_t i = 1; i < few.size(); ++i) CHECK(std::abs(many[i] - few[i]) < 6 * 10 * 8);
  CHECK(many[0] > 20 * many[1]);  // the first one holds all there is
}
