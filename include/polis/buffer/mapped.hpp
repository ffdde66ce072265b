// Mapped: a replay whose arrays lie in a file that is mapped into memory.
//
//     using Long = DQN::With<Mapped<Replay>>;
//     Trainer<Long, MultiAgentEnv<CartPole>> trainer({
//         .algorithm = {.buffer = {{.capacity = 5'000'000}, "run/replay"}},
//         .checkpoint = {.path = "run/checkpoint"},
//     });
//
// It computes what the replay itself does, bit by bit. Memory holds what came in since the last checkpoint;
// everything before is read from the file, through the system's cache. A checkpoint writes what came in since
// the one before, however much is kept, and resuming maps the file instead of reading it
// (buffer/replay_file.hpp says how they stay in step). The file is made at the first checkpoint: a run
// without checkpoints keeps everything in memory. It goes along with one checkpoint, the run's own; other
// archives (a copy in memory, a checkpoint saved elsewhere) hold the whole replay, and one that is saved to
// be played (`.best`) none of it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <polis/buffer/replay.hpp>
#include <polis/buffer/replay_file.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/checksum.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/word.hpp>

namespace polis {

namespace internal {

/// A file that is there before the arrays which lie in it.
struct OwnsReplayFile {
  ReplayFile file_;
};

/// The arrays of a buffer word in mapped memory.
template <class Base>
class MappedArrays : private OwnsReplayFile, public Base {
 public:
  using Shape = typename Base::Shape;
  struct Config : Base::Config {
    std::string
        file{};  ///< path of the arrays; a set of weights without agent 0 appends its first agent's number
    static void fields(auto& self, auto&& visit) {
      Base::Config::fields(self, visit);
      visit("file", self.file);
    }
  };

  MappedArrays() = default;
  [[gnu::cold]] MappedArrays(const Config& config, const Shape& shape)
      : OwnsReplayFile{ReplayFile(config.file, to_bytes(shape), Base::bytes_of(shape))},
        Base(config, shape, static_cast<float*>(file_.data())),
        since_(static_cast<std::size_t>(shape.units)) {}

  /// As of Base. Error: there is nothing to learn from, since the checkpoint was one to play.
  void settle() {
    if (!left_out_) return Base::settle();
    throw Error("this run was resumed from a checkpoint saved to be played, which holds no replay",
                file_.path(), "the run's own checkpoint, to train further");
  }

  [[gnu::cold]] void archive(auto& a) {
    a.section("mapped");
    Base::archive_shape(a);
    if constexpr (std::remove_cvref_t<decltype(a)>::is_reader) {
      read(a);
    } else {
      write(a);
    }
  }

  /// Brings the file up to the checkpoint that was written.
  [[gnu::cold]] void checkpoint_written() {
    const std::span<const std::uint64_t> since(since_.data(), since_.size());
    Base::for_written(since, [&](auto part) { file_.write(std::as_bytes(part)); });
    file_.finish(next_);
    Base::for_written(since, [&](auto part) { file_.release(std::as_bytes(part)); });
    file_is_current();
  }

 private:
  /// What an archive holds of the arrays.
  enum class Contents : std::uint8_t { all, changes, none };

  void write(auto& a) {
    Contents contents = Contents::all;
    if (a.use() == ArchiveUse::checkpoint) contents = Contents::changes;
    if (a.use() == ArchiveUse::playing || left_out_) contents = Contents::none;
    a(contents);
    Base::archive_counts(a);
    if (contents == Contents::all) a.fixed(Base::contents());
    if (contents != Contents::changes) return;
    file_.prepare();
    const std::span<const std::uint64_t> since(since_.data(), since_.size());
    next_ = file_.identity();
    Base::for_written(since, [&](auto part) { next_ = follow(next_, crc32(std::as_bytes(part))); });
    a(file_.identity(), next_);
    a.fixed(since_);
    Base::for_written(since, [&](auto part) { a.fixed(part); });
    a.when_written(*this);
  }

  void read(auto& a) {
    Contents contents = Contents::all;
    a(contents);
    Base::archive_counts(a);
    left_out_ = contents == Contents::none;
    since_ = FixedArray<std::uint64_t>(since_.size());
    if (contents != Contents::changes) file_.detach();
    if (contents == Contents::all) a.fixed(Base::contents());
    if (contents != Contents::changes) return;
    std::uint64_t from = 0, to = 0;
    FixedArray<std::uint64_t> started(since_.size());
    a(from, to);
    a.fixed(started);
    const bool current = file_.attach(from, to);
    since_ = std::move(started);
    const std::span<const std::uint64_t> since(since_.data(), since_.size());
    Base::for_written(since, [&](auto part) { a.fixed(part); });
    if (!current) return;
    Base::for_written(since, [&](auto part) { file_.release(std::as_bytes(part)); });
    file_is_current();
  }

  void file_is_current() {
    for (std::size_t i = 0; i < since_.size(); ++i) since_[i] = Base::completed(static_cast<int>(i));
  }
  /// The identity that one becomes by a part with this checksum (the finalizer of SplitMix64, Steele et al.
  /// 2014), never that of nothing.
  static std::uint64_t follow(std::uint64_t identity, std::uint32_t checksum) {
    std::uint64_t z = identity + 0x9E3779B97F4A7C15u + checksum;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return z != ReplayFile::nothing ? z : 1;
  }

  FixedArray<std::uint64_t> since_;  // [unit]: complete when the file was as it is
  std::uint64_t next_ = 0;           // identity that the checkpoint being written leads to
  bool left_out_ = false;            // the contents, of the archive that was read last
};

}  // namespace internal

/// A buffer word whose arrays can lie in memory that they are given, and that says which parts of them were
/// written to since some count of complete units: what a file in step with checkpoints needs.
template <class B>
concept MappableBuffer =
    requires {
      typename B::Config;
      typename B::Arrays::Shape;
    } && requires(typename B::Arrays& arrays, const typename B::Arrays::Shape& shape,
                  std::span<const std::uint64_t> since, void (&use)(std::span<float>)) {
      requires std::constructible_from<typename B::Arrays, const typename B::Config&,
                                       const typename B::Arrays::Shape&, float*>;
      { B::Arrays::bytes_of(shape) } -> std::same_as<std::size_t>;
      { arrays.completed(0) } -> std::same_as<std::uint64_t>;
      arrays.for_written(since, use);
    };

/// The word: a buffer of transitions or episodes in a file, `buffer.file`, for more than memory should hold
/// and for checkpoints that cost what came in since the last.
template <MappableBuffer B>
struct Mapped {
  using word = word::Buffer;
  using Arrays = internal::MappedArrays<typename B::Arrays>;
  using Config = typename Arrays::Config;
  static constexpr bool keeps_episodes = polis::keeps_episodes<B>;
};

}  // namespace polis
